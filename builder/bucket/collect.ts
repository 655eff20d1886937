import pMap from 'p-map';
import { MirrorError } from '../../format/errors.ts';
import { blobName, POINTER, sha256OfBlobName, snapshotKey } from '../../format/layout.ts';
import { type LeafReference, parseRoot, type Root } from '../../format/snapshot/root.ts';
import { withRetries } from '../http/retry.ts';
import type { Reporter } from '../reporter.ts';
import { BATCH, type Bucket } from './bucket.ts';
import type { ConfirmLease } from './lease.ts';
import { type Retention, removableSnapshots } from './retention.ts';
import { listSnapshots, readPointer, readSnapshot, readStoredLeaf } from './snapshots.ts';

/** What collecting takes. */
export interface CollectOptions {
  bucket: Bucket;
  now: Date;
  /** Requests at a time. */
  jobs: number;
  reporter: Reporter;
  retention: Retention;
  /** Absent to change nothing and tell what would be removed. */
  confirm?: ConfirmLease;
}

/** What was removed, or would be. */
export interface Collected {
  dry_run: boolean;
  /** Versions of the snapshots removed. */
  snapshots: number[];
  objects: number;
  bytes: number;
  /** Versions of those that stay, newest first. */
  kept: number[];
}

/** An object that nothing names any more. */
interface Orphan {
  key: string;
  size: number;
}

/**
 * Removes earlier snapshots, as far as `retention` lets go of them, and then the blobs that none of the others names and
 * that were there before the grace period began. Snapshots go first: whenever this is killed, each one that is left is
 * whole. Changes nothing and throws when it cannot tell all that a kept snapshot names; `locked` when somebody has
 * taken over the lease.
 */
export async function collect(options: CollectOptions): Promise<Collected> {
  const { bucket, now, retention, confirm } = options;
  const live = await liveRoot(bucket);
  const stored = await listSnapshots(bucket);
  if (!live && stored.length > 0) throw nothingLive();
  const snapshots = [...removableSnapshots(stored, live?.version ?? 0, retention, now)];
  const kept = stored.map(({ version }) => version).filter((version) => !snapshots.includes(version));
  const orphans = await findOrphans(options, await namedBlobs(options, live, kept));
  if (confirm) {
    await remove(options, snapshots.map(snapshotKey), 'Removing snapshots');
    await remove(
      options,
      orphans.map(({ key }) => key),
      'Removing objects',
    );
  }
  const bytes = orphans.reduce((sum, { size }) => sum + size, 0);
  return { dry_run: !confirm, snapshots, objects: orphans.length, bytes, kept };
}

async function liveRoot(bucket: Bucket): Promise<Root | undefined> {
  const live = (await readPointer(bucket))?.live;
  return live && parseRoot(live.root);
}

/** SHA-256 of every blob that the live and the kept snapshots name. Whoever signed them: more is kept rather than less. */
async function namedBlobs(
  { bucket, jobs }: CollectOptions,
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

async function findOrphans(
  { bucket, now, retention }: CollectOptions,
  named: ReadonlySet<string>,
): Promise<Orphan[]> {
  const before = now.getTime() - retention.grace * 1000;
  const orphans: Orphan[] = [];
  for await (const { key, size, modified } of bucket.list(blobName(''))) {
    const sha256 = sha256OfBlobName(key);
    if (sha256 === undefined || named.has(sha256) || modified.getTime() > before) continue;
    orphans.push({ key, size });
  }
  return orphans;
}

/** Deletes in batches, each only while the lease is surely ours: another publisher may build upon what we see as orphans. */
async function remove(
  { bucket, confirm, reporter }: CollectOptions,
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
