import { html } from 'hono/html';
import type { ListedPackage } from '../../format/package-list.ts';
import { KINDS } from '../../format/packages/kinds.ts';
import type { Html } from './html.ts';
import { matching } from './search.ts';
import { counted, countText, sizeText } from './units.ts';

/** The packages to show. */
export interface PackageView {
  /** Part of a name or description; empty for all. */
  query: string;
  /** From 1; any other number shows the nearest page. */
  page: number;
}

const PAGE_ROWS = 100;

/** What the table calls a kind. */
const LABELS: Readonly<Record<string, string>> = Object.fromEntries(
  KINDS.map(({ id, label }) => [id, label]),
);

/** The row that the script fills. */
const NONE: ListedPackage = { kind: 'formula', name: '', version: '', desc: '', tags: ['', ''] };

/** Shows the packages as a table, a hundred a page. The script searches while one types; without it, Enter does. */
export function packageSection(packages: readonly ListedPackage[], { query, page }: PackageView): Html {
  const found = query === '' ? packages : matching(packages, query);
  const pages = Math.max(Math.ceil(found.length / PAGE_ROWS), 1);
  const at = Math.min(Math.max(Math.trunc(page) || 1, 1), pages);
  const rows = found.slice((at - 1) * PAGE_ROWS, at * PAGE_ROWS);
  return html`<section aria-labelledby="packages">
  <h2 id="packages">Packages</h2>
  ${packages.length === 0 ? html`<p>No packages yet.</p>` : html`${searchForm(packages.length, found.length, query)}${table(rows)}${pager(at, pages, query)}<template id="row">${row(NONE)}</template>`}
</section>`;
}

const searchForm = (
  all: number,
  found: number,
  query: string,
): Html => html`<form id="search" role="search" action="/#packages" data-kinds="${JSON.stringify(LABELS)}">
    <label for="q">Find a package</label>
    <input id="q" name="q" type="search" value="${query}" autocomplete="off" spellcheck="false" placeholder="name or description">
    <button>Search</button>
    <p id="shown" role="status">${query === '' ? counted(all, 'package') : `${countText(found)} of ${countText(all)} match`}</p>
  </form>`;

/** Roles are explicit because the narrow layout changes `display`, which removes implicit ones in some browsers. */
const table = (
  packages: readonly ListedPackage[],
): Html => html`<table class="packages" role="table" aria-labelledby="packages">
    <thead role="rowgroup"><tr role="row">
      <th role="columnheader" scope="col">Name</th><th role="columnheader" scope="col">Version</th><th role="columnheader" scope="col">Kind</th><th role="columnheader" scope="col">Platforms</th><th role="columnheader" scope="col" class="number">Size</th><th role="columnheader" scope="col">Description</th>
    </tr></thead>
    <tbody role="rowgroup">
${packages.map(row)}    </tbody>
  </table>`;

const row = ({ kind, name, version, desc, tags, size }: ListedPackage): Html =>
  html`<tr role="row"><th role="rowheader" scope="row" class="name"><a href="/api/v1/packages/${encodeURIComponent(name)}">${name}</a></th><td role="cell" class="version">${version}</td><td role="cell" class="kind">${LABELS[kind]}</td><td role="cell" class="platforms">${platforms(tags)}</td><td role="cell" class="number">${sizeText(size)}</td><td role="cell" class="desc">${desc}</td></tr>
`;

/** Eight tags in every row would hide the rest: they fold, and unfold without JavaScript. */
function platforms(tags: readonly string[]): Html {
  const names = html`<code>${tags.join(' ')}</code>`;
  if (tags.length <= 1) return names;
  return html`<details><summary>${counted(tags.length, 'platform')}</summary>${names}</details>`;
}

function pager(at: number, pages: number, query: string): Html {
  const link = (page: number, rel: string, text: string): Html => {
    const fields = new URLSearchParams({ ...(query === '' ? {} : { q: query }), page: String(page) });
    return html`<a rel="${rel}" href="/?${fields}#packages">${text}</a>`;
  };
  return html`<nav id="pages" class="onward" aria-label="Pages of packages">${at > 1 && link(at - 1, 'prev', 'Previous')} ${pages > 1 && html`<span>Page ${countText(at)} of ${countText(pages)}</span>`} ${at < pages && link(at + 1, 'next', 'Next')}</nav>`;
}
