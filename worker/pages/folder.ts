import { html } from 'hono/html';
import { encodePath } from '../../format/paths.ts';
import type { ListedName, Listing } from '../listing.ts';
import type { Html } from './html.ts';
import { page } from './page.ts';
import { bytesText, counted, momentText } from './units.ts';

/** Returns the page of a folder, for people and tools: every name is a link relative to the folder. */
export function folderPage({ folder, entries, next }: Listing, snapshot: number): Promise<string> {
  const whole = next === undefined ? '' : ' in this part';
  return page({
    title: `/${folder}`,
    kicker: 'Package mirror',
    headline: folder === '' ? 'All files' : (folder.split('/').at(-2)?.concat('/') ?? folder),
    lead: `${counted(entries.length, 'entry', 'entries')}${whole}, as the signed snapshot ${snapshot} lists them.`,
    main: html`<section class="folder" aria-labelledby="files">
  <h2 id="files" class="out-of-sight">Files</h2>
  ${breadcrumbs(folder)}
  ${table(folder, entries)}
  ${next !== undefined && html`<p class="onward"><a rel="next" href="?cursor=${encodeURIComponent(next)}">Next part</a></p>`}
</section>`,
    footer: html`<p>JSON for <code>Accept: application/json</code></p>`,
  });
}

function breadcrumbs(folder: string): Html {
  const steps = folder.split('/').slice(0, -1);
  return html`<nav aria-label="Folders"><ol class="crumbs"><li><a href="/">Mirror</a></li>${steps.map(
    (step, index) =>
      html`<li>${index === steps.length - 1 ? html`<span aria-current="page">${step}</span>` : html`<a href="/${encodePath(steps.slice(0, index + 1).join('/'))}/">${step}</a>`}</li>`,
  )}</ol></nav>`;
}

const table = (folder: string, entries: readonly ListedName[]): Html => html`<table class="files">
  <thead><tr><th scope="col">Name</th><th scope="col" class="number">Size</th><th scope="col">Modified</th></tr></thead>
  <tbody>
${
  folder !== '' &&
  html`<tr><th scope="row"><a href="../">../</a></th><td></td><td></td></tr>
`
}${entries.map(row)}  </tbody>
</table>`;

const sizeCell = (size: number | undefined): Html =>
  size === undefined
    ? html`<td class="number">unknown</td>`
    : html`<td class="number" title="${counted(size, 'byte')}">${bytesText(size)}</td>`;

const row = (entry: ListedName): Html =>
  html`<tr><th scope="row"><a href="${encodePath(entry.name)}">${entry.name}</a></th>${
    entry.type === 'file'
      ? html`${sizeCell(entry.size)}<td><time datetime="${entry.modified}">${momentText(new Date(entry.modified))}</time></td>`
      : html`<td></td><td></td>`
  }</tr>
`;
