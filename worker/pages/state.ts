import { html } from 'hono/html';
import { keyIdText, type PublicKey } from '../../format/minisign/public-key.ts';
import type { Root } from '../../format/snapshot/root.ts';
import type { VerifyReport } from '../../format/verify/report.ts';
import type { Html } from './html.ts';
import { stateIcon } from './icons.ts';
import { standingOf } from './standing.ts';
import { counted, countText, durationText, momentText } from './units.ts';
import { validityLine } from './validity.ts';

/** A snapshot as a page shows it. */
export interface ShownRoot {
  snapshot: Root;
  /** SHA-256 of the root, hex. */
  sha256: string;
  /** Who signed it; `undefined` where this server checks no signatures. */
  signer: PublicKey | undefined;
}

/** Whether the snapshot is signed and current, with the evidence, and where to have more checked. */
export function stateSection(root: ShownRoot, verified: VerifyReport | undefined, now: Date): Html {
  const standing = standingOf(root.snapshot, now, root.signer !== undefined);
  return html`<section class="state state-${standing.kind}" aria-labelledby="state">
  <div class="verdict">
    <h2 id="state">${stateIcon(standing.kind)}${standing.label}</h2>
    <p>${standing.meaning}</p>
    ${validityLine(root.snapshot, now)}
  </div>
  ${evidence(root, now)}
  ${checks(verified)}
</section>`;
}

function evidence({ snapshot, sha256, signer }: ShownRoot, now: Date): Html {
  const created = new Date(snapshot.created_at);
  const expires = new Date(snapshot.expires_at);
  return html`<dl class="evidence">
    <div><dt>Snapshot</dt><dd><code>${snapshot.version}</code></dd></div>
    <div><dt>Created</dt><dd>${timeOf(created)} <small>${distance(created, now)}</small></dd></div>
    <div><dt>Expires</dt><dd>${timeOf(expires)} <small>${distance(expires, now)}</small></dd></div>
    ${signer && html`<div><dt>Signed by key</dt><dd><code>${keyIdText(signer.keyId)}</code></dd></div>`}
    <div><dt>Root SHA-256</dt><dd><code>${sha256}</code></dd></div>
  </dl>`;
}

const timeOf = (moment: Date): Html =>
  html`<time datetime="${moment.toISOString()}">${momentText(moment)}</time>`;

function distance(moment: Date, now: Date): string {
  const away = moment.getTime() - now.getTime();
  return away > 0 ? `in ${durationText(away)}` : `${durationText(-away)} ago`;
}

const checks = (verified: VerifyReport | undefined): Html => html`<div class="checks">
    <p>The signature covers a list of files and their SHA-256. ${verified ? resultOf(verified) : 'Whether the stored files match it, ask:'}</p>
    <ul>
      <li><a href="/verify">Quick check</a> compares that list with the checksums and sizes that storage recorded at upload.</li>
      <li><a href="/verify#deep-check">Deep check</a> reads the files again and hashes every byte; a large mirror takes several steps.</li>
    </ul>
  </div>`;

function resultOf({ ok, files, failures }: VerifyReport): Html {
  if (!ok)
    return html`<b class="failed">The last check found ${counted(failures.length, 'file')} not as signed.</b>`;
  return html`<b class="passed">Less than a minute ago ${countText(files.checked)} of ${counted(files.total, 'file')} agreed with it</b>: ${countText(files.verified)} by SHA-256, ${countText(files.consistent)} by MD5 and size.`;
}
