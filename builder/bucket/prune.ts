import pMap from 'p-map';
import { MirrorError } from '../../format/errors.ts';
import { isSha256 } from '../../format/is-sha256.ts';
import {
  blobName,
  fetchedKey,
  POINTER,
  pinKey,
  type SnapshotId,
  snapshotKey,
  snapshotName,
} from '../../format/layout.ts';
import type { Move } from '../../format/snapshot/pointer.ts';
import { parseRoot, type Root } from '../../format/snapshot/root.ts';
import { movesOf } from '../channel-rules.ts';
import { withRetries } from '../http/retry.ts';
import type { Reporter } from '../reporter.ts';
import { BATCH, type Bucket, type ListedObject } from './bucket.ts';
import { type Channel, readChannels } from './channels.ts';
import type { ConfirmLease } from './lease.ts';
import { isPinned, readPins } from './pins.ts';
import { listSnapshots, openStoredLeaf, readSnapshot, type StoredSnapshot } from './snapshots.ts';

/** What to keep of earlier snapshots. */
export interface Retention {
  /** Number of snapshots to keep in any case: of all that were written, and of those that each channel has and had. */
  keep: number;
  /** Grace period, seconds: what was live, written or uploaded within it is kept too. */
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
 * Removes the snapshots that neither `retention` nor a pin keeps, and then the blobs and fetched files that no kept snapshot
 * names and that were uploaded before the grace period. Snapshots go first, so that every snapshot in the bucket is whole
 * whenever this is killed. Throws, and changes nothing, unless it can read every channel, every pin, and all that the kept
 * snapshots name; `locked` when another publisher has taken over the lease.
 */
export async function pruneBucket(options: PruneBucketOptions): Promise<PrunedBucket> {
  const { bucket, now, jobs, retention, confirm } = options;
  const channels = await readChannels(bucket, jobs);
  const pins = await readPins(bucket);
  const stored = await listSnapshots(bucket);
  if (channels.length === 0 && stored.length > 0) throw nothingLive();
  const pinned = pins.filter((pin) => isPinned(pin, now));
  const needed = {
    lines: channels.map(({ live }) => movesOf(live)),
    pinned: pinned.map(({ snapshot }) => snapshot),
  };
  const removed = removableSnapshots(stored, needed, retention, now);
  const kept = stored.filter((snapshot) => !removed.includes(snapshot));
  const orphans = await findOrphans(options, await namedBlobs(options, channels, kept));
  if (confirm) {
    const ended = pins.filter((pin) => !pinned.includes(pin)).map(({ snapshot }) => pinKey(snapshot));
    await remove(options, ended, 'Removing pins');
    await remove(options, removed.map(snapshotKey), 'Removing snapshots');
    await remove(
      options,
      orphans.map(({ key }) => key),
      'Removing objects',
    );
  }
  const bytes = orphans.reduce((sum, { size }) => sum + size, 0);
  const [snapshots, names] = [removed.map(snapshotName), kept.map(snapshotName)];
  return { dry_run: !confirm, snapshots, objects: orphans.length, bytes, kept: names };
}

/** What a bucket needs, whatever its age. */
export interface Needed {
  /** What each channel has and had, the live snapshot first. */
  lines: readonly (readonly Move[])[];
  /** The snapshots that a pin keeps. */
  pinned: readonly SnapshotId[];
}

/**
 * Returns the snapshots that may be removed: those that are live in no channel, are not pinned, and are not among the last
 * `keep` of the bucket or of a channel. One that was live or was written within the grace period stays, so that nobody who still
 * reads it loses it. `stored` is newest first.
 */
export function removableSnapshots(
  stored: readonly StoredSnapshot[],
  { lines, pinned }: Needed,
  { keep, grace }: Retention,
  now: Date,
): StoredSnapshot[] {
  const start = now.getTime() / 1000 - grace;
  const kept = new Set(pinned.map(snapshotName));
  for (const line of lines) {
    for (const [index, { snapshot }] of line.entries()) {
      // A snapshot was live until the channel moved to the next one.
      const next = line[index - 1];
      if (index < keep || next === undefined || next.moved_at > start) kept.add(snapshotName(snapshot));
    }
  }
  return stored.filter(
    (snapshot, index) =>
      index >= keep && snapshot.written.getTime() / 1000 <= start && !kept.has(snapshotName(snapshot)),
  );
}

/**
 * Returns the SHA-256 of everything that the channels and the kept snapshots name. No signature is verified: that only keeps
 * more.
 */
async function namedBlobs(
  { bucket, jobs }: PruneBucketOptions,
  channels: readonly Channel[],
  kept: readonly SnapshotId[],
): Promise<ReadonlySet<string>> {
  const read = async (id: SnapshotId): Promise<Root> => parseRoot((await readSnapshot(bucket, id)).root);
  const roots = [
    ...channels.map(({ live }) => parseRoot(live.root)),
    ...(await pMap(kept, read, { concurrency: jobs })),
  ];
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
