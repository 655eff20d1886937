import { MirrorError } from '../errors.ts';
import { isoSeconds } from '../iso-seconds.ts';
import { keyIdText } from '../minisign/public-key.ts';
import { splitIntoLeaves } from './boundaries.ts';
import { byName, type SnapshotEntry } from './entry.ts';
import { type EncodedLeaf, encodeLeaf, totalsOf } from './leaf.ts';
import { FORMAT, type Generator, LAST_VERSION, type Root } from './root.ts';
import { sourceHost } from './source.ts';

/** What a new snapshot is made from. */
export interface SnapshotInput {
  entries: readonly SnapshotEntry[];
  now: Date;
  /** Seconds from `now` to expiry. */
  validFor: number;
  /** The snapshot that this one continues; absent for the first of a mirror. */
  previous?: Pick<Root, 'mirror' | 'version'> | undefined;
  /** The key id that is to sign. */
  keyId: Uint8Array;
  generator: Generator;
  /** Further hosts that files on demand, if there are any, may be redirected to. */
  redirectHosts?: readonly string[];
}

/**
 * Builds the leaves and the unsigned root of a snapshot. Throws `bad-input` if a name occurs twice, or without entries;
 * `refused` if no version is left.
 */
export function buildSnapshot(input: SnapshotInput): { snapshot: Root; leaves: EncodedLeaf[] } {
  const entries = [...input.entries].sort(byName);
  if (entries.length === 0) throw new MirrorError('bad-input', 'A snapshot lists at least one file.');
  const twice = entries.find(({ name }, index) => name === entries[index - 1]?.name)?.name;
  if (twice !== undefined) {
    throw new MirrorError('bad-input', `Two files of this mirror would be named ${twice}.`, { where: twice });
  }
  const leaves = splitIntoLeaves(entries).map(encodeLeaf);
  const seconds = Math.floor(input.now.getTime() / 1000);
  const version = nextVersion(input.previous?.version ?? 0, seconds);
  const snapshot: Root = {
    format: FORMAT,
    mirror: input.previous?.mirror ?? `${keyIdText(input.keyId)}-${version}`,
    version,
    created_at: isoSeconds(seconds),
    expires_at: isoSeconds(seconds + input.validFor),
    generator: input.generator,
    ...sourcesOf(entries, input.redirectHosts),
    totals: totalsOf(entries),
    leaves: leaves.map((leaf) => leaf.reference),
  };
  return { snapshot, leaves };
}

/**
 * Returns the version of the snapshot after `previous`, made at a time in Unix seconds. Versions must grow even if a mirror is
 * rebuilt from nothing, so they follow the clock. Throws `refused` if no version is left.
 */
export function nextVersion(previous: number, seconds: number): number {
  if (previous < LAST_VERSION) return Math.max(previous + 1, seconds);
  throw new MirrorError(
    'refused',
    'The last snapshot has the highest version that there is, so nothing can follow it: somebody else may have ' +
      'signed it. See docs/keys.md.',
    { expected: `a version below ${LAST_VERSION}`, found: String(previous) },
  );
}

function sourcesOf(
  entries: readonly SnapshotEntry[],
  redirectHosts: readonly string[] = [],
): Pick<Root, 'sources'> {
  const hosts = sourceHosts(entries);
  return hosts.size === 0 ? {} : { sources: [...new Set([...hosts, ...redirectHosts])].sort() };
}

/** Returns the hosts of the files on demand among these entries. */
export const sourceHosts = (entries: readonly SnapshotEntry[]): Set<string> =>
  new Set(entries.flatMap(({ source }) => (source === undefined ? [] : (sourceHost(source) ?? []))));
