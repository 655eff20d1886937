import { MirrorError } from '../format/errors.ts';
import { didYouMean } from '../format/near-names.ts';
import { KINDS } from '../format/packages/kinds.ts';
import { isTreePath } from '../format/paths.ts';
import type { Services } from './context.ts';
import type { LiveSnapshot } from './live-snapshot.ts';
import { packageList } from './package-list.ts';
import { nearNames } from './package-parts.ts';

const FOLDERS = [...KINDS.map(({ folder }) => folder), 'vulns', 'api'].join('|');
const INDEXES = KINDS.map(({ index }) => index).join('|');

/** Paths at which some mirror has something. */
const PLACES = [
  new RegExp(`^(?:${FOLDERS})/.`),
  /^index\/[^/]+$/,
  new RegExp(`^index/(?:${INDEXES})/(?:index\\.db\\.zst|data/[^/]+/[^/]+)$`),
  /^blobs\/sha256\/[0-9a-f]{64}(?:\/[^/]*)?$/,
  /^snapshot\/leaves\/[0-9a-f]{64}\.tsv$/,
];

/**
 * Returns the error for a path without a file: `not-found` when another mirror could have a file there, `no-such-path`
 * when none could. It shows users whether to ask for a package or to correct an address.
 */
export function missingPath(path: string): MirrorError {
  const name = JSON.stringify(path);
  const possible = isTreePath(path.replace(/\/$/, '')) && PLACES.some((place) => place.test(path));
  return possible
    ? new MirrorError('not-found', `This mirror has nothing at ${name}.`, { where: path })
    : new MirrorError('no-such-path', `No mirror has such a path as ${name}.`, { where: path });
}

/** Returns the error for a name that no package has, with the names that may have been meant. Throws `missing` or `mismatch`. */
export async function missingPackage(
  services: Pick<Services, 'store' | 'clock'>,
  live: LiveSnapshot,
  name: string,
): Promise<MirrorError> {
  // Other text is not a mistyped name, and comparing it would take long.
  const near = isTreePath(name) ? nearNames(await packageList(services, live), name) : [];
  const message = `This mirror has no package named ${JSON.stringify(name.slice(0, 80))}.${didYouMean(near)}`;
  return new MirrorError('not-found', message, { near });
}
