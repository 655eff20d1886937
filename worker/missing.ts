import { MirrorError } from '../format/errors.ts';
import { isTreePath } from '../format/paths.ts';

/** Paths at which some mirror has something. */
const PLACES = [
  /^(?:bottles|casks|linux-apps|vulns|api)\/./,
  /^index\/[^/]+$/,
  /^index\/(?:formulas|casks|linux-apps)\/(?:index\.db\.zst|data\/[^/]+\/[^/]+)$/,
  /^blobs\/sha256\/[0-9a-f]{64}(?:\/[^/]*)?$/,
  /^snapshot\/leaves\/[0-9a-f]{64}\.json$/,
];

/**
 * The error for a path that leads nowhere: `not-found` when another mirror could have a file there, `no-such-path` when
 * none does. An installer's user wants to know which of the two it is: a package to ask for, or a wrong address.
 */
export function missingPath(path: string): MirrorError {
  const name = JSON.stringify(path);
  const possible = isTreePath(path.replace(/\/$/, '')) && PLACES.some((place) => place.test(path));
  return possible
    ? new MirrorError('not-found', `This mirror has nothing at ${name}.`, { where: path })
    : new MirrorError('no-such-path', `No mirror has such a path as ${name}.`, { where: path });
}
