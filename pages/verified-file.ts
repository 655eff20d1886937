import { html } from 'hono/html';
import { encodePath } from '../format/paths.ts';
import type { Verdict } from '../format/verify/evidence.ts';
import type { StateKind } from './icons.ts';
import { stateIcon } from './icons.ts';
import { page } from './page.ts';

type Words = [kind: StateKind, label: string, meaning: string];

const WORDS: Partial<Record<Verdict['state'], Words>> = {
  verified: ['current', 'As signed', 'The file was read to its end just now. Its SHA-256 is the signed one.'],
  'on demand': [
    'unverified',
    'Not here yet',
    'The file is fetched when somebody asks for it, and then compared.',
  ],
  unknown: ['doubtful', 'Could not be checked', 'Storage did not answer with the whole file.'],
  missing: ['bad', 'Missing', 'The signed list has the file, and storage does not. It is not served.'],
};
const OTHERWISE: Words = [
  'bad',
  'Not as signed',
  'Storage has other bytes than the signed ones. They are not served.',
];

/** Returns the page of the check of one file, whose bytes were just read. */
export function verifiedFilePage(
  { path, state, message, expected, found }: Verdict,
  snapshot: number,
  base: string,
): Promise<string> {
  const [kind, label, meaning] = WORDS[state] ?? OTHERWISE;
  const folder = path.slice(0, path.lastIndexOf('/') + 1);
  return page({
    title: `Verification of ${path}`,
    kicker: 'Verification',
    headline: path.slice(folder.length),
    lead: `One file of this mirror, compared with the signed snapshot ${snapshot}.`,
    main: html`<section class="state state-${kind}" aria-labelledby="state">
  <div class="verdict">
    <h2 id="state">${stateIcon(kind)}${label}</h2>
    <p>${meaning}</p>
  </div>
  <dl class="evidence">
    <div><dt>File</dt><dd><a href="${base}/${encodePath(path)}">${path}</a></dd></div>
    ${folder && html`<div><dt>Folder</dt><dd><a href="${base}/${encodePath(folder)}">${folder}</a></dd></div>`}
    ${expected && html`<div><dt>Expected</dt><dd><code>${expected}</code></dd></div>`}
    ${found && html`<div><dt>Found</dt><dd><code>${found}</code></dd></div>`}
    ${message && html`<div><dt>Reason</dt><dd>${message}</dd></div>`}
  </dl>
</section>`,
    footer: html`<nav aria-label="Elsewhere"><ul><li><a href="${base}/verify">Check all files</a></li></ul></nav>
<p>JSON for <code>Accept: application/json</code></p>`,
    ...{ base, current: '/verify' },
  });
}
