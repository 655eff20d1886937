import { html, raw } from 'hono/html';
import { escapeToBuffer } from 'hono/utils/html';
import { encodePath } from '../format/paths.ts';
import { FOLDER_SCRIPT } from './built.ts';
import { EACH_BY_ITSELF } from './folder-text.ts';
import type { Html } from './html.ts';
import { page } from './page.ts';
import { bytesText, counted } from './units.ts';

/** A name in a folder. A folder's name ends in a slash. */
export type ListedName = ListedFile | { name: string; type: 'folder' };

export interface ListedFile {
  name: string;
  type: 'file';
  /** Bytes; unknown for some files on demand. */
  size?: number;
  /** RFC 3339. */
  modified: string;
  /** Hex; unknown for the root's signature. */
  sha256?: string;
}

/** A part of a folder. */
export interface Listing {
  /** Without a leading slash, with one at the end; empty for the top. */
  folder: string;
  entries: ListedName[];
  /** True for the part that a folder begins with. */
  isFirst: boolean;
  /** The name before which the part before this one ends; `undefined` if there is none. */
  previous: string | undefined;
  /** The name after which the next part begins; `undefined` for the last. */
  next: string | undefined;
}

/** What a part is sorted by. */
export const SORTS = ['name', 'size', 'modified'] as const;
export type Sort = (typeof SORTS)[number];

/** What people chose to see of a folder. */
export interface FolderView {
  /** Part of a name; empty for all. */
  filter: string;
  sort: Sort;
  isDescending: boolean;
}

export interface FolderInput extends Listing {
  /** Version. */
  snapshot: number;
  base: string;
  /**
   * `undefined` for programs, which follow every link: they get names and links to what is there, and nothing to choose.
   */
  view: FolderView | undefined;
  /** All files in the folder and below, as far as the list counts them. */
  totals: { files: number; bytes: number } | undefined;
}

/** Returns the page of a folder, for people and tools: every name is a link relative to the folder. */
export function folderPage(input: FolderInput): Promise<string> {
  const { folder, base, view, snapshot } = input;
  return page({
    title: `/${folder}`,
    kicker: 'Package mirror',
    headline: folder === '' ? 'All files' : (folder.split('/').at(-2)?.concat('/') ?? folder),
    lead: `${summaryOf(input)}, as the signed snapshot ${snapshot} lists them.`,
    main: html`<section class="folder" aria-labelledby="files">
  <h2 id="files" class="out-of-sight">Files</h2>
  ${breadcrumbs(folder, base, view ? '/?files' : '/')}
  ${view && choices(input, view)}
  ${parts(input, 'Parts')}
  ${table(input)}
  ${parts(input, 'Parts, again')}
</section>`,
    footer: html`<p>JSON for <code>Accept: application/json</code></p>`,
    // Programs would follow these links too.
    ...{ base: view && base, current: '/?files' },
    ...(view ? { script: FOLDER_SCRIPT } : {}),
  });
}

/** Returns whether a listing is not all of its folder. */
export const isPart = ({ isFirst, next }: Pick<Listing, 'isFirst' | 'next'>): boolean =>
  !isFirst || next !== undefined;

function summaryOf({ entries, view, totals, ...listing }: FolderInput): string {
  const files = entries.filter((entry) => entry.type === 'file');
  const bytes = files.reduce((sum, { size = 0 }) => sum + size, 0);
  const isLeast = files.some(({ size }) => size === undefined);
  const size = bytes > 0 ? `, ${isLeast ? 'at least ' : ''}${bytesText(bytes)}` : '';
  const which = view?.filter ? ` whose name contains “${view.filter}”` : '';
  const shown = `${counted(entries.length, 'entry', 'entries')}${which}${size}`;
  if (!isPart(listing) || !totals?.files) return shown;
  return `${shown} in this part; ${counted(totals.files, 'file')}, ${bytesText(totals.bytes)} in the whole folder`;
}

function breadcrumbs(folder: string, base: string, top: string): Html {
  const steps = folder.split('/').slice(0, -1);
  return html`<nav aria-label="Folders"><ol class="crumbs"><li><a href="${base}${top}">All files</a></li>${steps.map(
    (step, index) =>
      html`<li>${index === steps.length - 1 ? html`<span aria-current="page">${step}</span>` : html`<a href="${base}/${encodePath(steps.slice(0, index + 1).join('/'))}/">${step}</a>`}</li>`,
  )}</ol></nav>`;
}

/** Returns the query of another view of the same folder. What is as by default is left out. */
function queryOf(
  folder: string,
  { filter, sort, isDescending }: FolderView,
  more: Record<string, string> = {},
): string {
  const fields = new URLSearchParams({
    ...(folder === '' ? { files: '' } : {}),
    ...(filter === '' ? {} : { filter }),
    ...(sort === 'name' ? {} : { sort }),
    ...(isDescending ? { order: 'desc' } : {}),
    ...more,
  });
  return `?${fields}`;
}

const choices = (
  input: FolderInput,
  view: FolderView,
): Html => html`<form class="choices" id="filter" role="search">
    <label for="contains">Name contains</label>
    <input id="contains" name="filter" type="search" value="${view.filter}" maxlength="100" autocomplete="off" spellcheck="false">
    ${input.folder === '' && html`<input type="hidden" name="files" value="">`}
    ${view.sort !== 'name' && html`<input type="hidden" name="sort" value="${view.sort}">`}
    ${view.isDescending && html`<input type="hidden" name="order" value="desc">`}
    <button>Filter</button>
    <span id="shown" role="status">${isPart(input) && (view.sort !== 'name' || view.isDescending) && EACH_BY_ITSELF}</span>
    ${input.entries.some((entry) => entry.type === 'file') && html`<a href="${queryOf(input.folder, DEFAULT_VIEW, { format: 'sha256sums' })}" download="SHA256SUMS">SHA256SUMS</a>`}
  </form>`;

/** Programs cannot choose where to begin, so that they get the next part alone. */
function parts(input: FolderInput, label: string): Html | '' {
  const { view, folder, isFirst, previous, next } = input;
  if (!isPart(input)) return '';
  const link = (rel: string, text: string, more?: Record<string, string>): Html =>
    html`<a rel="${rel}" href="${queryOf(folder, view ?? DEFAULT_VIEW, more)}">${text}</a> `;
  return html`<nav class="onward" aria-label="${label}">${
    view && !isFirst && link('first', 'First part')
  }${view && previous !== undefined && link('prev', 'Previous part', { before: previous })}${next !== undefined && link('next', 'Next part', { cursor: next })}</nav>`;
}

const DEFAULT_VIEW: FolderView = { filter: '', sort: 'name', isDescending: false };

const table = (input: FolderInput): Html => html`<table class="files">
  <thead><tr>${SORTS.map((sort) => heading(input, sort))}<th scope="col">SHA-256</th></tr></thead>
  <tbody>
${
  input.folder !== '' &&
  html`<tr class="up"><th scope="row"><a href="../">../</a></th><td></td><td></td><td></td></tr>
`
}${raw(input.entries.map(row).join(''))}  </tbody>
</table>`;

const TITLES = { name: 'Name', size: 'Size', modified: 'Modified (UTC)' } as const;

function heading(input: FolderInput, sort: Sort): Html {
  const { folder, view } = input;
  if (!view) return html`<th scope="col">${TITLES[sort]}</th>`;
  const isSorted = view.sort === sort;
  const order = isSorted && (view.isDescending ? 'descending' : 'ascending');
  const query = queryOf(folder, { ...view, sort, isDescending: isSorted && !view.isDescending });
  return html`<th scope="col"${order && html` aria-sort="${order}"`}><a href="${query}" data-sort="${sort}">${TITLES[sort]}</a></th>`;
}

/**
 * Text and not a template, because there may be thousands. Only a name may need escaping: the rest are digits. The whole checksum
 * is there to be copied; the style shortens it. A file's time is in UTC, as its heading says.
 */
function row(entry: ListedName): string {
  const name = `<tr><th scope="row"><a href="${encodePath(entry.name)}">${escaped(entry.name)}</a></th>`;
  if (entry.type === 'folder') return `${name}<td></td><td></td><td></td></tr>\n`;
  const { size, modified, sha256 = '' } = entry;
  const sizeCell =
    size === undefined ? '<td>unknown</td>' : `<td title="${size} bytes">${bytesText(size)}</td>`;
  return `${name}${sizeCell}<td>${modified.slice(0, 10)} ${modified.slice(11, 16)}</td><td><code>${sha256}</code></td></tr>\n`;
}

function escaped(text: string): string {
  const buffer: [string] = [''];
  escapeToBuffer(text, buffer);
  return buffer[0];
}
