import { html } from 'hono/html';
import type { ListedPackage } from '../../format/package-list.ts';
import type { Html } from './html.ts';
import { bytesText, counted, countText } from './units.ts';

/** More rows than this make a page slow; the API has them all. */
export const MAX_ROWS = 500;

const KIND_NAMES: Record<ListedPackage['kind'], string> = {
  formula: 'formula',
  cask: 'cask',
  'linux-app': 'Linux app',
};

/** The packages as a table. Without JavaScript its search field asks the API. */
export const packageSection = (
  packages: readonly ListedPackage[],
): Html => html`<section aria-labelledby="packages">
  <h2 id="packages">Packages</h2>
  ${packages.length === 0 ? html`<p>No packages yet.</p>` : html`${searchForm(packages.length)}${table(packages.slice(0, MAX_ROWS))}`}
</section>`;

function searchForm(count: number): Html {
  const complete = count <= MAX_ROWS;
  return html`<form id="search" role="search" action="/api/v1/packages"${complete && html` data-complete`}>
    <label for="q">Find a package</label>
    <input id="q" name="q" type="search" autocomplete="off" spellcheck="false" placeholder="name or description">
    <button>Search ${complete ? '' : 'all '}as JSON</button>
    <p id="shown" role="status">${complete ? counted(count, 'package') : html`The first ${countText(MAX_ROWS)} of ${countText(count)}; <a href="/api/v1/packages">all as JSON</a>`}</p>
  </form>`;
}

/** Roles are spelled out because the narrow layout changes `display`, which drops them in some browsers. */
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
  html`<tr role="row"><th role="rowheader" scope="row" class="name"><a href="/api/v1/packages/${encodeURIComponent(name)}">${name}</a></th><td role="cell" class="version">${version}</td><td role="cell" class="kind">${KIND_NAMES[kind]}</td><td role="cell" class="platforms">${platforms(tags)}</td><td role="cell" class="number">${bytesText(size)}</td><td role="cell" class="desc">${desc}</td></tr>
`;

/** Eight tags in every row would drown the rest: they fold, and open without JavaScript. */
function platforms(tags: readonly string[]): Html {
  const names = html`<code>${tags.join(' ')}</code>`;
  if (tags.length <= 1) return names;
  return html`<details><summary>${summaryOf(tags)}</summary>${names}</details>`;
}

function summaryOf(tags: readonly string[]): string {
  const linux = tags.filter((tag) => tag.endsWith('_linux')).length;
  const other = tags.length - linux;
  return [other > 0 && `macOS ${other}`, linux > 0 && `Linux ${linux}`].filter(Boolean).join(', ');
}
