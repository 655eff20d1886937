import { html } from 'hono/html';
import { isPackageFile } from '../format/layout.ts';
import { encodePath, isTreePath } from '../format/paths.ts';
import type { Html } from './html.ts';
import { page } from './page.ts';
import { packageUrl } from './result-text.ts';

/** An error as people need it: what is wrong, why, and what to do. */
export interface Problem {
  status: number;
  title: string;
  detail: string;
  hint?: string | undefined;
  expected?: string | undefined;
  found?: string | undefined;
  /** Names of packages that may have been meant, if a package was asked for. */
  near?: readonly string[] | undefined;
  /** That of the error; `undefined` for one that nobody expected. */
  code?: string | undefined;
  /** The file that it is about. It may be any text from outside. */
  path?: string | undefined;
  /** The operator finds the request in the log by it. */
  request_id?: string | undefined;
}

/** Returns the page for an error: 404, 424, 503 and the like. The detail may contain text from outside. */
export function problemPage(problem: Problem, base: string): Promise<string> {
  const { status, title, detail, hint, expected, found, near, request_id } = problem;
  return page({
    title: `${status} ${title}`,
    kicker: `Error ${status}`,
    headline: title,
    lead: detail,
    main: html`${near && nearSection(near, base)}${(hint || expected || found) && advice(problem)}${onward(problem, base)}`,
    base,
    footer: html`<nav aria-label="Elsewhere"><ul><li><a href="${base}/">This mirror’s front page</a></li><li><a href="${base}/api/v1/health">Health as JSON</a></li></ul></nav>
${request_id && html`<p>Request <code>${request_id}</code></p>`}`,
  });
}

const nearSection = (
  near: readonly string[],
  base: string,
): Html => html`<section class="hint" aria-labelledby="near">
  <h2 id="near">${near.length > 0 ? 'Did you mean' : 'Other packages'}</h2>
  <ul>${near.map((name) => html`<li><a href="${packageUrl(base, name)}">${name}</a></li>`)}<li><a href="${base}/">Search all packages</a></li></ul>
</section>`;

const advice = ({
  hint,
  expected,
  found,
}: Problem): Html => html`<section class="hint" aria-labelledby="hint">
  <h2 id="hint">${hint ? 'What to do' : 'Details'}</h2>
  ${hint && html`<p>${hint}</p>`}
  ${(expected || found) && html`<dl>${fact('Expected', expected)}${fact('Found', found)}</dl>`}
</section>`;

const fact = (name: string, value: string | undefined): Html =>
  html`${value && html`<div><dt>${name}</dt><dd>${value}</dd></div>`}`;

/** What is wrong with stored bytes: a check of them can show more. */
const ABOUT_BYTES: readonly (string | undefined)[] = ['mismatch', 'missing', 'too-large', 'source-refused'];
/** What may be found in another place. */
const ABOUT_NAMES: readonly (string | undefined)[] = ['not-found', 'on-demand', 'source-failed'];

/** Links what the problem names, and where people look next. */
function onward({ code, path = '' }: Problem, base: string): Html | '' {
  const isAboutBytes = ABOUT_BYTES.includes(code);
  if (!isTreePath(path) || !(isAboutBytes || ABOUT_NAMES.includes(code))) return '';
  const [name, target] = [packageOf(path), encodePath(path)];
  // A folder deeper down may hold nothing but what is missing.
  const end = isAboutBytes ? path.lastIndexOf('/') : path.indexOf('/');
  const folder = path.slice(0, end + 1);
  const isListed = isAboutBytes && !path.startsWith('snapshot/');
  return html`<section aria-labelledby="onward">
  <h2 id="onward">Where to look</h2>
  <ul class="links">
    ${isAboutBytes && html`<li>The file: <a href="${base}/${target}">${path}</a></li>`}
    ${isListed && html`<li>Its bytes, read and compared with the signed list now: <a href="${base}/verify/${target}">check this file</a></li>`}
    ${isAboutBytes && html`<li>All files: <a href="${base}/verify">check the mirror</a></li>`}
    ${name && html`<li>The package: <a href="${packageUrl(base, name)}">${name}</a></li>`}
    ${name && !isAboutBytes && html`<li>All packages: <a href="${base}/?${new URLSearchParams({ q: name })}">search for ${name}</a></li>`}
    ${folder && html`<li>The folder: <a href="${base}/${encodePath(folder)}">${folder}</a></li>`}
  </ul>
</section>`;
}

/** Documents that are named after their package. */
const DOCUMENT = /^(?:index\/[^/]+\/data\/[^/]+|api\/(?:formula|cask))\/([^/]+?)\.json(?:\.zst|\.gz)?$/;

/** Returns the package that a file belongs to, if its path says so: a version begins, as nearly all do, with a digit. */
function packageOf(path: string): string | undefined {
  if (isPackageFile(path)) return /^[^/]+\/(.+?)-\d/.exec(path)?.[1];
  return DOCUMENT.exec(path)?.[1];
}
