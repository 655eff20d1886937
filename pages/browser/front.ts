import { type ListedPackage, PACKAGE_LIST, parseLine } from '../../format/package-line.ts';
import { factsOf, matchText, PAGE_ROWS, packageUrl, searchUrl } from '../result-text.ts';
import { type Found, find, lineAt, type SearchText, searchTextOf } from '../search.ts';
import { addCopyButtons } from './copy.ts';
import { moveByKeys } from './keys.ts';
import { part } from './part.ts';
import { checkValidity } from './validity.ts';

// The script of the front page: copy buttons, and a search while one types. Without it, or without the list, Enter searches.

/** How long after the last key the address follows, milliseconds: browsers refuse to change it at every key. */
const ADDRESS_PAUSE = 400;

const form = part<HTMLFormElement>('#search');
const field = part<HTMLInputElement>('#q');
const base = form.dataset.base ?? '';
const isStatic = document.querySelector('#validity') !== null;
/** A static host may know the page by another path: /index.html. */
const home = isStatic ? location.pathname : `${base}/`;
const labels: Record<string, string> = JSON.parse(form.dataset.kinds ?? '{}');
let loading: Promise<{ text: SearchText; all: number }> | undefined;
let addressTimer: ReturnType<typeof setTimeout> | undefined;

addCopyButtons();
const hint = document.createElement('span');
hint.className = 'by-key';
hint.textContent = ` · / to search${isStatic ? '' : ', ↓ to go through what was found'}`;
part('#keys').append(hint);
checkValidity();
moveByKeys(field);
field.addEventListener('focus', () => void load().catch(() => undefined), { once: true });
field.addEventListener('input', search);
form.addEventListener('submit', async (event) => {
  event.preventDefault();
  const query = field.value.trim();
  if (await search()) focusFirst();
  else if (!isStatic && query !== '' && field.value.trim() === query) form.submit();
});
// A browser that comes back to the page fills the field again, and a static host cannot read the address.
const asked = new URLSearchParams(location.search).get('q');
if (field.value === '' && asked) field.value = asked;
if (part('#found').hasAttribute('hidden') && field.value.trim() !== '') void search();

/** Shows what the field asks for. Returns whether it could: not if the list does not arrive. */
async function search(): Promise<boolean> {
  const query = field.value.trim();
  const about = document.querySelector<HTMLElement>('#about');
  // A page that came with results has nothing else to show.
  if (query === '' && !about) location.assign(home);
  followInAddress(query);
  part<HTMLElement>('#found').hidden = query === '';
  if (about) about.hidden = query !== '';
  if (query === '') return true;
  try {
    const { text, all } = await load();
    if (field.value.trim() === query) show(text, find(text, query), query, all);
    return true;
  } catch (error) {
    showFailure(error as Error);
    return false;
  }
}

/** Focuses the first result, or the first near name where nothing was found. */
function focusFirst(): void {
  const found = document.querySelector<HTMLElement>('#results a');
  (found ?? document.querySelector<HTMLElement>('#near:not([hidden]) a'))?.focus();
}

/** Shows that the list did not arrive, in place of results. The server can search without it; a static host cannot. */
function showFailure(error: Error): void {
  const remedy = isStatic ? '' : ' Press Enter to search.';
  part('#shown').textContent = `The list of packages did not arrive: ${error.message}${remedy}`;
  part<HTMLElement>('#near').hidden = true;
  for (const selector of ['#results', '#pages']) part(selector).replaceChildren();
}

/** Shows the first page of what was found. */
function show(text: SearchText, { starts, near }: Found, query: string, all: number): void {
  const shown = starts
    .slice(0, PAGE_ROWS)
    .map((start) => parseLine(lineAt(text, start), (id) => id in labels));
  part('#results').replaceChildren(...shown.flatMap((item) => (item ? rowOf(item) : [])));
  const first = starts.length > PAGE_ROWS ? `, the first ${PAGE_ROWS}` : '';
  part('#shown').textContent = matchText(query, starts.length, all) + first;
  part<HTMLElement>('#near').hidden = near.length === 0;
  part('#near span').replaceChildren(
    ...near.flatMap((name, at) => (at > 0 ? [', ', link(name)] : [link(name)])),
  );
  // The server has the other pages; a static host has none.
  const more = document.createElement('a');
  more.href = searchUrl(base, query, 2);
  more.textContent = 'Next';
  part('#pages').replaceChildren(...(starts.length > PAGE_ROWS && !isStatic ? [more] : []));
}

/** Links a near name to its package, or where that has no page, to a search. */
function link(name: string): HTMLAnchorElement {
  const anchor = document.createElement('a');
  anchor.href = isStatic ? addressOf(name) : packageUrl(base, name);
  anchor.textContent = name;
  return anchor;
}

/** Fills a copy of the server's own row. */
function rowOf(item: ListedPackage): Node {
  const row = part<HTMLTemplateElement>('#row').content.cloneNode(true) as DocumentFragment;
  const name = part('a, b', row);
  name.textContent = item.name;
  if (name instanceof HTMLAnchorElement) name.href = packageUrl(base, item.name);
  part('span', row).textContent = item.version;
  part('p', row).textContent = item.desc;
  part('small', row).textContent = factsOf(item, labels);
  return row;
}

function load(): Promise<{ text: SearchText; all: number }> {
  loading ??= fetchList().catch((error) => {
    loading = undefined;
    throw error;
  });
  return loading;
}

async function fetchList(): Promise<{ text: SearchText; all: number }> {
  const answer = await fetch(`${base}/${PACKAGE_LIST}`);
  if (!answer.ok) throw new Error(`The server answered ${answer.status}.`);
  const text = searchTextOf(new Uint8Array(await answer.arrayBuffer()));
  return { text, all: find(text, '').starts.length };
}

/** Puts the query into the address, so that what is shown can be shared. */
function followInAddress(query: string): void {
  clearTimeout(addressTimer);
  addressTimer = setTimeout(() => history.replaceState(null, '', addressOf(query)), ADDRESS_PAUSE);
}

const addressOf = (query: string): string =>
  query === '' ? home : `${home}?${new URLSearchParams({ q: query })}`;
