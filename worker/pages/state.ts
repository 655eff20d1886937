import { html } from 'hono/html';
import { keyIdText, type PublicKey } from '../../format/minisign/public-key.ts';
import { isExpired, type Root } from '../../format/snapshot/root.ts';
import type { VerifyReport } from '../../format/verify/report.ts';
import type { Html } from './html.ts';
import { type StateKind, stateIcon } from './icons.ts';
import { counted, countText, DAY, durationText, momentText, percent } from './units.ts';

const SOON = 5 * DAY;

/** A snapshot as a page shows it. */
export interface ShownRoot {
  snapshot: Root;
  /** SHA-256 of the root, hex. */
  sha256: string;
  /** The key that signed it; `undefined` where this server checks no signatures. */
  signer: PublicKey | undefined;
}

/** Shows whether the snapshot is signed and current, with the evidence and the way to further checks. */
export function stateSection(root: ShownRoot, verified: VerifyReport | undefined, now: Date): Html {
  const [kind, label, meaning] = stateOf(root, now);
  return html`<section class="state state-${kind}" aria-labelledby="state">
  <div class="verdict">
    <h2 id="state">${stateIcon(kind)}${label}</h2>
    <p>${meaning}</p>
    ${validityLine(root.snapshot, now)}
  </div>
  ${evidence(root, now)}
  ${checks(verified)}
</section>`;
}

/** Judges a snapshot by its signature and age alone: its files are the subject of `/verify`. */
function stateOf(
  { snapshot, signer }: ShownRoot,
  now: Date,
): [kind: StateKind, label: string, meaning: string] {
  const left = Date.parse(snapshot.expires_at) - now.getTime();
  if (!signer) {
    const meaning = 'This server has no public key, so nothing here vouches for what it serves.';
    return ['unverified', 'Signature not checked', meaning];
  }
  if (isExpired(snapshot, now)) {
    const meaning =
      'The signature is genuine but too old: newer versions may be missing. The operator has to sign again.';
    return ['expired', 'Expired', meaning];
  }
  if (left < SOON) {
    const meaning =
      'The signature is valid for now. The operator should renew it before clients start to refuse it.';
    return ['expiring', `Expires in ${durationText(left)}`, meaning];
  }
  const meaning = 'The list of all files has a signature that this server trusts, and it has not expired.';
  return ['current', 'Signed and current', meaning];
}

/** Draws a line from signing to expiry with a mark for now. It is decoration: the evidence says the same in words. */
function validityLine({ created_at, expires_at }: Root, now: Date): Html {
  const start = Date.parse(created_at);
  const whole = Date.parse(expires_at) - start;
  const spent = percent(Math.min(Math.max(now.getTime() - start, 0), whole), whole);
  return html`<div class="validity" aria-hidden="true">
  <svg width="100%" height="16">
    <rect class="validity-whole" y="6" width="100%" height="4" rx="2"/>
    <rect class="validity-spent" y="6" width="${spent}" height="4" rx="2"/>
    <svg x="${spent}" overflow="visible"><circle class="validity-now" cy="8" r="6"/></svg>
  </svg>
  <p><span>signed</span><span>expires</span></p>
</div>`;
}

function evidence({ snapshot, sha256, signer }: ShownRoot, now: Date): Html {
  return html`<dl class="evidence">
    <div><dt>Mirror</dt><dd><code>${snapshot.mirror}</code></dd></div>
    <div><dt>Snapshot</dt><dd><code>${snapshot.version}</code></dd></div>
    <div><dt>Created</dt><dd>${momentAndDistance(snapshot.created_at, now)}</dd></div>
    <div><dt>Expires</dt><dd>${momentAndDistance(snapshot.expires_at, now)}</dd></div>
    ${signer && html`<div><dt>Signed by key</dt><dd><code>${keyIdText(signer.keyId)}</code></dd></div>`}
    <div><dt>Root SHA-256</dt><dd><code>${sha256}</code></dd></div>
  </dl>`;
}

function momentAndDistance(text: string, now: Date): Html {
  const moment = new Date(text);
  const away = moment.getTime() - now.getTime();
  const distance = away > 0 ? `in ${durationText(away)}` : `${durationText(-away)} ago`;
  return html`<time datetime="${moment.toISOString()}">${momentText(moment)}</time> <small>${distance}</small>`;
}

const checks = (verified: VerifyReport | undefined): Html => html`<div class="checks">
    <p>The signature covers a list of files and their SHA-256. ${verified ? resultOf(verified) : 'To check the stored files against it:'}</p>
    <ul>
      <li><a href="/verify">Quick check</a> compares that list with the checksums and sizes that storage recorded at upload.</li>
      <li><a href="/verify#deep-check">Deep check</a> reads the files again and hashes every byte; a large mirror takes several steps.</li>
    </ul>
  </div>`;

function resultOf({ ok, files, failures }: VerifyReport): Html {
  if (!ok)
    return html`<b class="failed">The last check found ${counted(failures.length, 'file')} not as signed.</b>`;
  return html`<b class="passed">Less than a minute ago ${countText(files.verified + files.consistent)} of ${counted(files.total, 'file')} agreed with it</b>: ${countText(files.verified)} by SHA-256, ${countText(files.consistent)} by MD5 and size${files.on_demand > 0 && `, ${countText(files.on_demand)} on demand`}.`;
}
