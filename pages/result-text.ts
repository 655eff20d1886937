import type { ListedPackage } from '../format/package-line.ts';
import { encodePath } from '../format/paths.ts';
import { bytesText, counted, countText } from './units.ts';

// What the server and the script of the front page say alike about results.

const ALL = 'all';

/** Results on one page. */
export const PAGE_ROWS = 50;

/** Returns the address of a page of results; all packages for an empty query. */
export function searchUrl(base: string, query: string, page = 1): string {
  const fields = new URLSearchParams({ q: query, ...(page > 1 ? { page: String(page) } : {}) });
  return `${base}/?${fields}`;
}

/** Returns the address of the page of a package. Its name may be any text: it stays one segment. */
export const packageUrl = (base: string, name: string): string =>
  `${base}/packages/${encodePath(name).replaceAll('/', '%2F')}`;

/** Formats how much a search found. */
export function matchText(query: string, count: number, all: number): string {
  if (query === '') return counted(all, 'package');
  if (count === 0) return `No package matches “${query}”.`;
  return `${countText(count)} of ${counted(all, 'package')}`;
}

/** Formats the small print of a result: kind, platforms, size. */
export function factsOf(
  { kind, tags, size }: ListedPackage,
  labels: Readonly<Record<string, string>>,
): string {
  const sizeText = size === undefined ? 'size unknown' : bytesText(size);
  return [labels[kind] ?? kind, platformText(kind, tags), sizeText].filter(Boolean).join(' · ');
}

/** Formats platforms for people: by system and processor, not by every release of macOS. */
export function platformText(kind: string, tags: readonly string[]): string {
  if (tags.includes(ALL)) return 'all platforms';
  const apps = kind === 'cask' ? 'macOS' : kind === 'linux-app' ? 'Linux' : undefined;
  const systems: Record<string, Set<string>> = apps ? { [apps]: new Set() } : {};
  for (const tag of tags) {
    const system = apps ?? (tag.endsWith('linux') ? 'Linux' : 'macOS');
    systems[system] ??= new Set();
    systems[system].add(tag.startsWith('arm64') ? 'arm64' : 'x86-64');
  }
  return Object.entries(systems)
    .map(([system, processors]) => `${system} ${[...processors].join(', ')}`.trim())
    .join('; ');
}
