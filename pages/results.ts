import { html } from 'hono/html';
import { MirrorError } from '../format/errors.ts';
import { PACKAGE_LIST } from '../format/layout.ts';
import { type ListedPackage, parsePackageLine } from '../format/package-list.ts';
import { KINDS } from '../format/packages/kinds.ts';
import type { Html } from './html.ts';
import { factsOf, matchText, PAGE_ROWS, packageUrl, searchUrl } from './result-text.ts';
import { brokenList, find, lineAt, MAX_QUERY, type SearchText } from './search.ts';
import { counted, countText } from './units.ts';

/** One page of what a search found. */
export interface Results {
  query: string;
  /** How many packages match. */
  count: number;
  /** From 1. */
  page: number;
  pages: number;
  packages: readonly ListedPackage[];
  near: readonly string[];
}

/** What a row calls a kind. */
const LABELS: Readonly<Record<string, string>> = Object.fromEntries(
  KINDS.map(({ id, label }) => [id, label]),
);

/** The row that the script fills. */
const NONE: ListedPackage = { kind: 'formula', name: '', version: '', desc: '', tags: [] };

/** Returns a query as it is searched. Throws `bad-input` for one that is too long. */
export function parseQuery(text: string): string {
  const query = text.trim();
  if (query.length <= MAX_QUERY) return query;
  const message = `A search has at most ${MAX_QUERY} characters.`;
  throw new MirrorError('bad-input', message, {
    expected: `at most ${MAX_QUERY}`,
    found: String(query.length),
  });
}

/**
 * Searches a list. `page` is from 1; any other number means the nearest page. Throws `bad-input` if it comes to a line that is
 * not one of a package.
 */
export function resultsOf(text: SearchText, query: string, page: number): Results {
  const { starts, near } = find(text, query);
  const pages = Math.max(Math.ceil(starts.length / PAGE_ROWS), 1);
  const at = Math.min(Math.max(Math.trunc(page) || 1, 1), pages);
  const shown = starts.slice((at - 1) * PAGE_ROWS, at * PAGE_ROWS);
  return { query, count: starts.length, page: at, pages, packages: packagesAt(text, shown), near };
}

/** Returns the packages of the lines that begin at some offsets. Throws `bad-input` if one is not a line of a package. */
export const packagesAt = (text: SearchText, starts: readonly number[]): ListedPackage[] =>
  starts.map((start) => {
    const item = parsePackageLine(lineAt(text, start));
    if (item) return item;
    throw brokenList();
  });

/** Shows the field to search with. `all` is how many packages there are. `isStatic` is true where only the script can search. */
export const searchForm = (
  base: string,
  all: number,
  results: Results | undefined,
  isStatic = false,
): Html => html`<search class="finder">
  <form id="search"${!isStatic && html` action="${base}/"`} data-base="${base}" data-kinds="${JSON.stringify(LABELS)}">
    <label for="q">Find a package</label>
    <input id="q" name="q" type="search" value="${results?.query ?? ''}" maxlength="${MAX_QUERY}" autocomplete="off" autocapitalize="none" spellcheck="false" placeholder="name or description" aria-describedby="keys">
    <button>Search</button>
    <p id="keys">${all === 0 ? 'No packages yet.' : isStatic ? html`<a href="${base}/${PACKAGE_LIST}">List of all ${counted(all, 'package')}</a>` : html`<a href="${searchUrl(base, '')}">Browse all ${counted(all, 'package')}</a>`}</p>
  </form>
</search>`;

/** Shows what was found; without results, an empty place for the script. */
export const resultSection = (
  base: string,
  all: number,
  results: Results | undefined,
  isStatic = false,
): Html => html`<section id="found" aria-labelledby="found-title"${!results && html` hidden`}>
  <h2 id="found-title">Packages</h2>
  <p id="shown" role="status">${results && matchText(results.query, results.count, all)}</p>
  <p id="near"${!results?.near.length && html` hidden`}>Did you mean <span>${results?.near.map((name, at) => html`${at > 0 && ', '}<a href="${packageUrl(base, name)}">${name}</a>`)}</span>?</p>
  <ol id="results" class="results">
${results?.packages.map((item) => row(base, item, isStatic))}  </ol>
  ${pager(base, results)}
  <template id="row">${row(base, NONE, isStatic)}</template>
</section>`;

const row = (base: string, item: ListedPackage, isStatic: boolean): Html =>
  html`<li>${isStatic ? html`<b>${item.name}</b>` : html`<a href="${packageUrl(base, item.name)}">${item.name}</a>`} <span>${item.version}</span><p>${item.desc}</p><small>${item.name !== '' && factsOf(item, LABELS)}</small></li>
`;

function pager(base: string, results: Results | undefined): Html {
  const { page = 1, pages = 1, query = '' } = results ?? {};
  const link = (to: number, rel: string, text: string): Html =>
    html`<a rel="${rel}" href="${searchUrl(base, query, to)}">${text}</a>`;
  return html`<nav id="pages" class="onward" aria-label="Pages of packages">${page > 1 && link(page - 1, 'prev', 'Previous')} ${pages > 1 && html`<span>Page ${countText(page)} of ${countText(pages)}</span>`} ${page < pages && link(page + 1, 'next', 'Next')}</nav>`;
}
