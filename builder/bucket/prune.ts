import pMap from 'p-map';
import { MirrorError } from '../../format/errors.ts';
import { blobName, POINTER, sha256OfBlobName, snapshotKey } from '../../format/layout.ts';
import { type LeafReference, parseRoot, type Root } from '../../format/snapshot/root.ts';
import { withRetries } from '../http/retry.ts';
import type { Reporter } from '../reporter.ts';
import { BATCH, type Bucket, type ListedObject } from './bucket.ts';
import type { ConfirmLease } from './lease.ts';
import {
  listSnapshots,
  readPointer,
  readSnapshot,
  readStoredLeaf,
  type StoredSnapshot,
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
  /** Versions of the removed snapshots. */
  snapshots: number[];
  objects: number;
  bytes: number;
  /** Versions of the kept snapshots, newest first. */
  kept: number[];
}

/**
 * Removes the snapshots that `retention` does not keep, and then the blobs that no kept snapshot names and that were
 * uploaded before the grace period. Snapshots go first, so that every snapshot in the bucket is whole whenever this is
 * killed. Throws, and changes nothing, unless it can read all that the kept snapshots name; `locked` when another
 * publisher has taken over the lease.
 */
export async function pruneBucket(options: PruneBucketOptions): Promise<PrunedBucket> {
  const { bucket, now, retention, confirm } = options;
  const pointer = await readPointer(bucket);
  const live = pointer?.live && parseRoot(pointer.live.root);
  const stored = await listSnapshots(bucket);
  if (!live && stored.length > 0) throw nothingLive();
  const snapshots = removableSnapshots(stored, live?.version ?? 0, retention, now);
  const kept = stored.map(({ version }) => version).filter((version) => !snapshots.includes(version));
  const orphans = await findOrphans(options, await namedBlobs(options, live, kept));
  if (confirm) {
    const keys = orphans.map(({ key }) => key);
    await remove(options, snapshots.map(snapshotKey), 'Removing snapshots');
    await remove(options, keys, 'Removing objects');
  }
  const bytes = orphans.reduce((sum, { size }) => sum + size, 0);
  return { dry_run: !confirm, snapshots, objects: orphans.length, bytes, kept };
}

/**
 * Returns the versions of the snapshots that may be removed: those beyond the newest `keep` that were not live within
 * the grace period, so that nobody who still reads one loses it. A snapshot was live until the next one was written.
 * Those above the live one never were, and may be removed once they are older than the grace period. `stored` is newest
 * first.
 */
export function removableSnapshots(
  stored: readonly StoredSnapshot[],
  live: number,
  { keep, grace }: Retention,
  now: Date,
): number[] {
  const before = now.getTime() - grace * 1000;
  const unfinished = stored.filter(({ version }) => version > live);
  const past = stored.filter(({ version }) => version <= live);
  return [
    ...unfinished.filter(({ written }) => written.getTime() <= before),
    ...past.filter((_snapshot, index) => {
      const next = past[index - 1];
      return index >= keep && next !== undefined && next.written.getTime() <= before;
    }),
  ].map(({ version }) => version);
}

/** Returns the SHA-256 of every blob that the live and the kept snapshots name. No signature is checked: that only keeps more. */
async function namedBlobs(
  { bucket, jobs }: PruneBucketOptions,
  live: Root | undefined,
  kept: readonly number[],
): Promise<ReadonlySet<string>> {
  const others = kept.filter((version) => version !== live?.version);
  const read = async (version: number): Promise<Root> =>
    parseRoot((await readSnapshot(bucket, version)).root);
  const roots = [...(live ? [live] : []), ...(await pMap(others, read, { concurrency: jobs }))];
  const leaves = new Map<string, LeafReference>();
  for (const leaf of roots.flatMap((root) => root.leaves)) leaves.set(leaf.sha256, leaf);
  const named = new Set(leaves.keys());
  const add = async (reference: LeafReference): Promise<void> => {
    for (const { sha256 } of await readStoredLeaf(bucket, reference)) named.add(sha256);
  };
  await pMap(leaves.values(), add, { concurrency: jobs });
  return named;
}

/** Lists the blobs that no kept snapshot names and that are older than the grace period. */
async function findOrphans(
  { bucket, now, retention }: PruneBucketOptions,
  named: ReadonlySet<string>,
): Promise<ListedObject[]> {
  const before = now.getTime() - retention.grace * 1000;
  const orphans: ListedObject[] = [];
  for await (const object of bucket.list(blobName(''))) {
    const sha256 = sha256OfBlobName(object.key);
    const isOld = object.modified.getTime() <= before;
    if (sha256 !== undefined && !named.has(sha256) && isOld) orphans.push(object);
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
