import pMap from 'p-map';
import { isSha256 } from '../../format/digest.ts';
import { MirrorError } from '../../format/errors.ts';
import {
  blobName,
  fetchedKey,
  POINTER,
  type SnapshotId,
  snapshotKey,
  snapshotName,
} from '../../format/layout.ts';
import { parseRoot, type Root } from '../../format/snapshot/root.ts';
import { withRetries } from '../http/retry.ts';
import type { Reporter } from '../reporter.ts';
import { BATCH, type Bucket, type ListedObject } from './bucket.ts';
import type { ConfirmLease } from './lease.ts';
import {
  isSameSnapshot,
  listSnapshots,
  openStoredLeaf,
  readPointer,
  readSnapshot,
  type StoredSnapshot,
  snapshotIdOf,
  splitAtLive,
} from './snapshots.ts';

/** What to keep of earlier snapshots. */
export interface Retention {
  /** Number of snapshots to keep in any case, the live one included. */
  keep: number;
  /** Grace period, seconds: what was live or was uploaded within it is kept too. */
  grace: number;
}

export interface PruneBucketOptions {
  bucket: Bucket;
  now: Date;
  /** Requests at a time. */
  jobs: number;
  reporter: Reporter;
  retention: Retention;
  /** Absent for a dry run, which changes nothing. */
  confirm?: ConfirmLease;
}

/** What was removed, or would be in a dry run. */
export interface PrunedBucket {
  dry_run: boolean;
  /** Names of the removed snapshots, `<version>-<key id>`. */
  snapshots: string[];
  objects: number;
  bytes: number;
  /** Names of the kept snapshots, newest first. */
  kept: string[];
}

/**
 * Removes the snapshots that `retention` does not keep, and then the blobs and fetched files that no kept snapshot names
 * and that were uploaded before the grace period. Snapshots go first, so that every snapshot in the bucket is whole
 * whenever this is killed. Throws, and changes nothing, unless it can read all that the kept snapshots name; `locked` when
 * another publisher has taken over the lease.
 */
export async function pruneBucket(options: PruneBucketOptions): Promise<PrunedBucket> {
  const { bucket, now, retention, confirm } = options;
  const pointer = await readPointer(bucket);
  const live = pointer?.live && { id: snapshotIdOf(pointer.live), root: parseRoot(pointer.live.root) };
  const stored = await listSnapshots(bucket);
  if (!live && stored.length > 0) throw nothingLive();
  const removed = live ? removableSnapshots(stored, live.id, retention, now) : [];
  const kept = stored.filter((snapshot) => !removed.includes(snapshot));
  const orphans = await findOrphans(options, await namedBlobs(options, live, kept));
  if (confirm) {
    const keys = orphans.map(({ key }) => key);
    await remove(options, removed.map(snapshotKey), 'Removing snapshots');
    await remove(options, keys, 'Removing objects');
  }
  const bytes = orphans.reduce((sum, { size }) => sum + size, 0);
  const [snapshots, names] = [removed.map(snapshotName), kept.map(snapshotName)];
  return { dry_run: !confirm, snapshots, objects: orphans.length, bytes, kept: names };
}

/**
 * Returns the snapshots that may be removed: those beyond the newest `keep` that were not live within the grace period, so
 * that nobody who still reads one loses it. A snapshot was live until the next one was written. Those written after the live
 * one never were, and may be removed once they are older than the grace period. `stored` is newest first.
 */
export function removableSnapshots(
  stored: readonly StoredSnapshot[],
  live: SnapshotId,
  { keep, grace }: Retention,
  now: Date,
): StoredSnapshot[] {
  const before = now.getTime() - grace * 1000;
  const { unfinished, past } = splitAtLive(stored, live);
  return [
    ...unfinished.filter(({ written }) => written.getTime() <= before),
    ...past.filter((_snapshot, index) => {
      const next = past[index - 1];
      return index >= keep && next !== undefined && next.written.getTime() <= before;
    }),
  ];
}

/**
 * Returns the SHA-256 of everything that the live and the kept snapshots name. No signature is verified: that only keeps
 * more.
 */
async function namedBlobs(
  { bucket, jobs }: PruneBucketOptions,
  live: { id: SnapshotId; root: Root } | undefined,
  kept: readonly SnapshotId[],
): Promise<ReadonlySet<string>> {
  const others = kept.filter((id) => !live || !isSameSnapshot(id, live.id));
  const read = async (id: SnapshotId): Promise<Root> => parseRoot((await readSnapshot(bucket, id)).root);
  const roots = [...(live ? [live.root] : []), ...(await pMap(others, read, { concurrency: jobs }))];
  const leaves = new Map<string, { root: Root; index: number }>();
  for (const root of roots)
    for (const [index, { sha256 }] of root.leaves.entries()) leaves.set(sha256, { root, index });
  const named = new Set(leaves.keys());
  const add = async ({ root, index }: { root: Root; index: number }): Promise<void> => {
    for (const { sha256 } of (await openStoredLeaf(bucket, root, index)).entries()) named.add(sha256);
  };
  await pMap(leaves.values(), add, { concurrency: jobs });
  return named;
}

/** Lists the blobs and fetched files that no kept snapshot names and that are older than the grace period. */
async function findOrphans(
  { bucket, now, retention }: PruneBucketOptions,
  named: ReadonlySet<string>,
): Promise<ListedObject[]> {
  const before = now.getTime() - retention.grace * 1000;
  const orphans: ListedObject[] = [];
  for (const prefix of [blobName(''), fetchedKey('')]) {
    for await (const object of bucket.list(prefix)) {
      const sha256 = object.key.slice(prefix.length);
      const isOld = object.modified.getTime() <= before;
      if (isSha256(sha256) && !named.has(sha256) && isOld) orphans.push(object);
    }
  }
  return orphans;
}

/** Deletes in batches, and confirms the lease before each: another publisher may need what are orphans to us. */
async function remove(
  { bucket, confirm, reporter }: PruneBucketOptions,
  keys: readonly string[],
  label: string,
): Promise<void> {
  for (let at = 0; at < keys.length; at += BATCH) {
    const batch = keys.slice(at, at + BATCH);
    await withRetries(async () => {
      await confirm?.();
      await bucket.deleteAll(batch);
    });
    reporter.progress({ label, done: at + batch.length, total: keys.length, bytes: 0 });
  }
}

const nothingLive = (): MirrorError =>
  new MirrorError(
    'unpublished',
    'The bucket has snapshots, but none is live: publish first, so that it is clear what to keep.',
    { where: POINTER },
  );
