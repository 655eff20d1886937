import { EACH_BY_ITSELF } from '../folder-text.ts';
import { part } from './part.ts';

// The folder page's script: filters and sorts what is shown, at once. Without it, the form and the headings ask the server.

const form = part<HTMLFormElement>('#filter');
const field = part<HTMLInputElement>('#contains', form);
const shown = part('#shown', form);
const body = part<HTMLTableSectionElement>('.files tbody');
const rows = [...body.rows].filter((row) => !row.classList.contains('up'));
const isPart = document.querySelector('.folder .onward') !== null;
/** The server has left out the names that did not contain what it was asked for. */
const isFiltered = field.defaultValue.trim() !== '';

const nameOf = (row: HTMLTableRowElement): string => row.cells[0]?.textContent ?? '';

field.addEventListener('input', () => {
  const text = field.value.trim().toLowerCase();
  let count = 0;
  for (const row of rows) {
    row.hidden = !nameOf(row).toLowerCase().includes(text);
    if (!row.hidden) count += 1;
  }
  // Enter asks the server for the names that are not on this page.
  const others = isPart ? ' in this part; Enter looks in all parts' : '; Enter looks in all names';
  shown.textContent = `${count} of ${rows.length}${isPart || isFiltered ? others : ''}`;
});

type Key = string | number | undefined;

/** What each column is sorted by; what is unknown comes last. */
const KEYS: Readonly<Record<string, (row: HTMLTableRowElement) => Key>> = {
  name: nameOf,
  size: (row) => Number.parseInt(row.cells[1]?.title ?? '', 10),
  modified: (row) => row.cells[2]?.textContent,
};

for (const link of document.querySelectorAll<HTMLAnchorElement>('[data-sort]')) {
  link.addEventListener('click', (event) => {
    event.preventDefault();
    sortBy(link);
  });
}

function sortBy(link: HTMLAnchorElement): void {
  const heading = link.closest('th');
  const key = KEYS[link.dataset.sort ?? ''];
  if (!heading || !key) return;
  const isDescending = heading.getAttribute('aria-sort') === 'ascending';
  for (const other of document.querySelectorAll('[aria-sort]')) other.removeAttribute('aria-sort');
  heading.setAttribute('aria-sort', isDescending ? 'descending' : 'ascending');
  const sign = isDescending ? -1 : 1;
  const keyed = rows.map((row) => ({ row, key: key(row) }));
  keyed.sort((a, b) => compare(a.key, b.key, sign));
  body.append(...keyed.map(({ row }) => row));
  if (isPart) shown.textContent = EACH_BY_ITSELF;
}

function compare(a: Key, b: Key, sign: number): number {
  if (!isKey(a) || !isKey(b)) return Number(isKey(b)) - Number(isKey(a));
  return a < b ? -sign : a > b ? sign : 0;
}

const isKey = (key: Key): key is string | number => key !== undefined && key !== '' && !Number.isNaN(key);
