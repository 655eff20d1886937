import pMap from 'p-map';
import { leafPath } from '../../format/layout.ts';
import type { SecretKey } from '../../format/minisign/secret-key.ts';
import { buildSnapshot } from '../../format/snapshot/build.ts';
import { filePathOf, type SnapshotEntry } from '../../format/snapshot/entry.ts';
import { type Root, type SignedRoot, signRoot } from '../../format/snapshot/root.ts';
import { GENERATOR } from '../generator.ts';
import { snapshotEntries } from './entries.ts';
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
  version: number;
  entries: readonly SnapshotEntry[];
}

/** A new snapshot. */
export interface NewSnapshot {
  snapshot: Root;
  entries: SnapshotEntry[];
  signed: SignedRoot;
}

/** Lists and signs every file on the stage as the snapshot after `previous`, and stages its leaves. */
export async function signSnapshot(
  { key, now, validFor }: SnapshotSigning,
  stage: Stage,
  previous: PreviousSnapshot = { version: 0, entries: [] },
): Promise<NewSnapshot> {
  const seconds = Math.floor(now.getTime() / 1000);
  const entries = await withoutLost(snapshotEntries(stage.files, previous.entries, seconds), stage);
  const { snapshot, leaves } = buildSnapshot({
    ...{ entries, now, validFor, previousVersion: previous.version, generator: GENERATOR },
  });
  for (const { bytes, reference } of leaves) await stage.put(leafPath(reference.sha256), bytes);
  return { snapshot, entries, signed: signRoot(snapshot, key) };
}

/** Removes superseded files that somebody deleted or altered: what is gone must not be promised. */
async function withoutLost(entries: readonly SnapshotEntry[], stage: Stage): Promise<SnapshotEntry[]> {
  const kept = await pMap(
    entries,
    async (entry) => entry.until === undefined || stage.holds(filePathOf(entry), entry.sha256),
    { concurrency: READERS },
  );
  return entries.filter((_, index) => kept[index]);
}
