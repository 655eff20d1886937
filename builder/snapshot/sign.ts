import pMap from 'p-map';
import { leafPath } from '../../format/layout.ts';
import type { SecretKey } from '../../format/minisign/secret-key.ts';
import { buildSnapshot, sourceHosts } from '../../format/snapshot/build.ts';
import type { SnapshotEntry } from '../../format/snapshot/entry.ts';
import { type Root, type SignedRoot, signRoot } from '../../format/snapshot/root.ts';
import { GENERATOR } from '../generator.ts';
import { knownRedirects } from '../upstream/redirects.ts';
import { isContentFile, snapshotEntries } from './entries.ts';
import type { Stage } from './stage.ts';

const READERS = 4;

/** The key that signs a snapshot, and for how long it is valid. */
export interface SnapshotSigning {
  key: SecretKey;
  now: Date;
  /** Seconds until the snapshot expires. */
  validFor: number;
}

/** The snapshot before the one to come. */
export interface PreviousSnapshot {
  /** The id of the mirror. */
  mirror: string;
  version: number;
  entries: readonly SnapshotEntry[];
  /** The hosts that its files on demand may be fetched from. */
  sources?: readonly string[] | undefined;
}

/** A new snapshot. */
export interface NewSnapshot {
  snapshot: Root;
  entries: SnapshotEntry[];
  signed: SignedRoot;
}

/**
 * Lists and signs every file on the stage as the snapshot after `previous`, or as the first of a new mirror, and stages its
 * leaves. `learned` are hosts to which files on demand were seen to be redirected; those that were learned before are carried
 * over. Throws `refused` if no version is left.
 */
export async function signSnapshot(
  { key, now, validFor }: SnapshotSigning,
  stage: Stage,
  previous?: PreviousSnapshot,
  learned: readonly string[] = [],
): Promise<NewSnapshot> {
  const seconds = Math.floor(now.getTime() / 1000);
  const before = await withoutLost(previous?.entries ?? [], stage);
  const entries = snapshotEntries(stage.files, before, seconds);
  const { keyId } = key.publicKey;
  const known = [...sourceHosts(entries)].flatMap(knownRedirects);
  const redirectHosts = [...known, ...learned, ...learnedBefore(previous)];
  const { snapshot, leaves } = buildSnapshot({
    ...{ entries, now, validFor, previous, keyId, generator: GENERATOR, redirectHosts },
  });
  for (const { bytes, reference } of leaves) await stage.put(leafPath(reference.sha256), bytes);
  return { snapshot, entries, signed: signRoot(snapshot, key) };
}

/** Returns the hosts of a snapshot that none of its files name. */
function learnedBefore(previous: PreviousSnapshot | undefined): string[] {
  const named = sourceHosts(previous?.entries ?? []);
  return (previous?.sources ?? []).filter((host) => !named.has(host));
}

/** Removes superseded files that somebody deleted or altered: what is gone must not be promised. */
async function withoutLost(entries: readonly SnapshotEntry[], stage: Stage): Promise<SnapshotEntry[]> {
  const isKept = async (entry: SnapshotEntry): Promise<boolean> =>
    stage.files.has(entry.name) ||
    !isContentFile(entry) ||
    entry.source !== undefined ||
    stage.holds(entry.name, entry.sha256);
  const kept = await pMap(entries, isKept, { concurrency: READERS });
  return entries.filter((_, index) => kept[index]);
}
