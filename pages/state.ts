import { html } from 'hono/html';
import { keyIdText, type PublicKey } from '../format/minisign/public-key.ts';
import type { Root } from '../format/snapshot/root.ts';
import type { VerifyReport } from '../format/verify/report.ts';
import { outcomeOf } from './failures.ts';
import { freshnessOf } from './freshness.ts';
import type { Html } from './html.ts';
import { type StateKind, stateIcon } from './icons.ts';
import { agoText, counted, countText, durationText, momentText, percent } from './units.ts';

/** A snapshot as a page shows it. */
export interface ShownRoot {
  snapshot: Root;
  /** SHA-256 of the root, hex. */
  sha256: string;
  /** The key that signed it; `undefined` where this server checks no signatures. */
  signer: PublicKey | undefined;
}

/** What is known of the files that the snapshot lists. */
export interface ShownFiles {
  /** The last verification of this snapshot in the last hour. */
  verified: VerifyReport | undefined;
  /** Files that were found not to be as signed, the latest finding last. */
  faults: readonly { path: string; code: string; at: number }[];
  /** True if a file was sent that only an MD5 proves. */
  weak: boolean;
}

/** Shows in a line whether the snapshot is signed, current and intact. It opens to the evidence and the way to further checks. */
export function stateSection(root: ShownRoot, files: ShownFiles, now: Date, base: string): Html {
  const [kind, label, meaning] = stateOf(root, files, now);
  return html`<details class="state state-${kind}"${kind === 'bad' && html` open`}>
  <summary><h2 id="state">${stateIcon(kind)}${label}</h2> <span>${ageText(root, now)}</span></summary>
  <div class="proof">
    <div class="verdict">
      <p>${meaning}</p>
      ${validityLine(root.snapshot, now)}
    </div>
    ${evidence(root, now)}
    ${checks(files.verified, now, base)}
  </div>
</details>`;
}

/** Formats signer, age and validity in short. */
function ageText({ snapshot, signer }: ShownRoot, now: Date): string {
  const { created_at, expires_at } = snapshot;
  const made = `made ${agoText(now.getTime() - Date.parse(created_at))}`;
  const key = signer && `signed by key ${keyIdText(signer.keyId)}`;
  return [key, made, `valid until ${momentText(new Date(expires_at))}`].filter(Boolean).join(', ');
}

type State = [kind: StateKind, label: string, meaning: string];

/** Judges a snapshot by its signature, by what is known of its files, and by its age: the worst comes first. */
function stateOf(root: ShownRoot, files: ShownFiles, now: Date): State {
  const { freshness, until } = freshnessOf(root, now);
  if (freshness === 'unverified') {
    const meaning = 'This server has no public key, so nothing here vouches for what it serves.';
    return ['unverified', 'Signature not checked', meaning];
  }
  if (freshness === 'expired') {
    const meaning =
      'The signature is genuine but too old: newer versions may be missing. The operator has to sign again.';
    return ['bad', 'Expired', meaning];
  }
  const ofFiles = stateOfFiles(files, now);
  if (ofFiles) return ofFiles;
  if (freshness === 'expiring') {
    const meaning =
      'The signature is valid for now. The operator should renew it before clients start to refuse it.';
    return ['doubtful', `Expires in ${durationText(until - now.getTime())}`, meaning];
  }
  const meaning = 'The list of all files has a signature that this server trusts, and it has not expired.';
  return ['current', 'Signed and current', `${meaning} ${whatWasRead(files.verified)}`];
}

/** Says what a signature leaves open: whether the stored files are those that it is about. */
function whatWasRead(verified: VerifyReport | undefined): string {
  if (!verified)
    return 'The stored files have not been checked here in the last hour; each is before it is sent.';
  if (!verified.complete) return 'The check of the stored files is not finished.';
  return verified.depth === 'deep'
    ? 'Every stored file was read, and is as listed.'
    : 'What storage recorded of every stored file agrees with it.';
}

/** Returns the state of a mirror some of whose files are not as signed, or not known to be. */
function stateOfFiles({ verified, faults, weak }: ShownFiles, now: Date): State | undefined {
  const last = faults.at(-1);
  if (last) {
    const age = agoText(now.getTime() - last.at);
    const meaning = `In the last hour ${counted(faults.length, 'file')} of this mirror did not match the signed list and will not be served: ${last.path}${faults.length > 1 ? ' and others' : ''}, ${age}. Start a check to see whether that is still so.`;
    return ['bad', 'Not as signed', meaning];
  }
  if (verified?.ok === false) {
    const { kind, label, counted } = outcomeOf(verified.failures);
    return [kind, label, `The last check of the stored files found ${counted}.`];
  }
  if (!weak && !verified?.files.consistent) return undefined;
  const meaning =
    'Storage recorded only an MD5 of some files. They match it, but another file could too. A deep check reads their bytes.';
  return ['doubtful', 'Signed, partly by MD5 alone', meaning];
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

const checks = (
  verified: VerifyReport | undefined,
  now: Date,
  base: string,
): Html => html`<div class="checks">
    <p>The signature covers a list of files and their SHA-256. ${verified ? resultOf(verified, now) : 'To check the stored files against it:'}</p>
    <ul>
      <li><a href="${base}/verify">Quick check</a> compares that list with the checksums and sizes that storage recorded at upload.</li>
      <li><a href="${base}/verify#deep-check">Deep check</a> reads the files again and hashes every byte; a large mirror takes several steps.</li>
    </ul>
  </div>`;

function resultOf({ ok, complete, depth, files, failures, checked_at }: VerifyReport, now: Date): Html {
  const age = agoText(now.getTime() - Date.parse(checked_at));
  if (!ok) return html`<b class="failed">The last check, ${age}, found ${outcomeOf(failures).counted}.</b>`;
  const check = depth === 'deep' ? 'deep check' : 'check';
  return html`<b${complete && html` class="passed"`}>In the last ${check}, ${age}, ${countText(files.verified + files.consistent)} of ${counted(files.total, 'file')} agreed with it</b>: ${countText(files.verified)} by SHA-256, ${countText(files.consistent)} by MD5 and size${files.on_demand > 0 && `, ${countText(files.on_demand)} on demand`}.`;
}
