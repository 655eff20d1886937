import { isServedAnew } from '../format/layout.ts';
import type { Listing } from './folder.ts';

/**
 * Returns the SHA-256 of the files of a listing, as `sha256sum -c` reads them beside the files. Comments name what the
 * server sends in another form: package JSON, and what leads clients to the server. The root's signature has no signed checksum,
 * so it is left out.
 */
export function checksumsText({ folder, entries, next }: Listing): string {
  const lines = entries.flatMap((entry) => {
    if (entry.type === 'folder' || entry.sha256 === undefined) return [];
    const line = `${entry.sha256}  ${entry.name}`;
    return isServedAnew(folder + entry.name) ? `# with ?raw=1: ${line}` : line;
  });
  const query = new URLSearchParams({ ...(folder === '' ? { files: '' } : {}), format: 'sha256sums' });
  const more = next === undefined ? [] : [`# continued at ?${query}&cursor=${encodeURIComponent(next)}`];
  return [...lines, ...more].map((line) => `${line}\n`).join('');
}
