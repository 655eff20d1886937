import { MirrorError } from '../../format/errors.ts';
import { parseIndexManifest } from '../../format/index-manifest.ts';
import { INDEX_MANIFEST } from '../../format/layout.ts';
import { KINDS } from '../../format/packages/kinds.ts';
import { findEntry, findLeaf } from '../../format/snapshot/lookup.ts';
import { isExpired, parseRoot, type Root } from '../../format/snapshot/root.ts';
import type { Bucket } from './bucket.ts';
import { listSnapshots, readPointer, readSnapshot, readStoredFile, readStoredLeaf } from './snapshots.ts';

/** A snapshot of a bucket, as its own documents describe it. Their signatures are not checked. */
export interface SnapshotDescription {
  version: number;
  /** `unfinished` is newer than the live one: being published, or abandoned. */
  state: 'live' | 'kept' | 'unfinished';
  created_at: string;
  expires_at: string;
  expired: boolean;
  files: number;
  bytes: number;
  /** Packages of all kinds. */
  packages: number;
}

/** A snapshot of a bucket that cannot be read, and why. */
export interface UnreadableSnapshot {
  version: number;
  state: 'unreadable';
  reason: string;
}

/** Describes every snapshot of a bucket, newest first. Throws `bad-input` for a damaged pointer, or `refused`. */
export async function describeSnapshots(
  bucket: Bucket,
  now: Date,
): Promise<(SnapshotDescription | UnreadableSnapshot)[]> {
  const pointer = await readPointer(bucket);
  const live = pointer?.live ? parseRoot(pointer.live.root).version : 0;
  const described: (SnapshotDescription | UnreadableSnapshot)[] = [];
  for (const { version } of await listSnapshots(bucket)) {
    try {
      described.push(await describe(bucket, version, live, now));
    } catch (error) {
      if (!(error instanceof MirrorError)) throw error;
      described.push({ version, state: 'unreadable', reason: error.message });
    }
  }
  return described;
}

async function describe(
  bucket: Bucket,
  version: number,
  live: number,
  now: Date,
): Promise<SnapshotDescription> {
  const root = parseRoot((await readSnapshot(bucket, version)).root);
  const { created_at, expires_at, totals } = root;
  return {
    ...{ version, state: version === live ? 'live' : version < live ? 'kept' : 'unfinished' },
    ...{ created_at, expires_at, expired: isExpired(root, now), ...totals },
    packages: await packageCount(bucket, root),
  };
}

async function packageCount(bucket: Bucket, root: Root): Promise<number> {
  const leaf = findLeaf(root, INDEX_MANIFEST);
  const entry = leaf && findEntry(await readStoredLeaf(bucket, leaf), INDEX_MANIFEST);
  if (!entry) throw new MirrorError('missing', `This snapshot lists no ${INDEX_MANIFEST}.`);
  const bytes = await readStoredFile(bucket, entry, INDEX_MANIFEST);
  const { indexes } = parseIndexManifest(bytes);
  return KINDS.reduce((sum, { key }) => sum + (indexes[key]?.count ?? 0), 0);
}
