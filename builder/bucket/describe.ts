import { MirrorError } from '../../format/errors.ts';
import { parseIndexManifest } from '../../format/index-manifest.ts';
import { INDEX_MANIFEST, type SnapshotId } from '../../format/layout.ts';
import { KINDS } from '../../format/packages/kinds.ts';
import { leafIndex } from '../../format/snapshot/lookup.ts';
import { isExpired, parseRoot, type Root } from '../../format/snapshot/root.ts';
import type { Bucket } from './bucket.ts';
import {
  isSameSnapshot,
  listSnapshots,
  openStoredLeaf,
  readPointer,
  readSnapshot,
  readStoredFile,
  type StoredSnapshot,
  snapshotIdOf,
  splitAtLive,
} from './snapshots.ts';

type State = 'live' | 'kept' | 'unfinished';

/** A snapshot of a bucket, as its own documents describe it. Their signatures are not checked. */
export interface SnapshotDescription extends SnapshotId {
  /** `unfinished` was written after the live one: it is being published, or was abandoned. */
  state: State;
  created_at: string;
  expires_at: string;
  expired: boolean;
  files: number;
  bytes: number;
  /** Packages of all kinds. */
  packages: number;
}

/** A snapshot of a bucket that cannot be read, and why. */
export interface UnreadableSnapshot extends SnapshotId {
  state: 'unreadable';
  reason: string;
}

/** Describes every snapshot of a bucket, newest first. Throws `bad-input` for a damaged pointer, or `refused`. */
export async function describeSnapshots(
  bucket: Bucket,
  now: Date,
): Promise<(SnapshotDescription | UnreadableSnapshot)[]> {
  const pointer = await readPointer(bucket);
  const live = pointer?.live && snapshotIdOf(pointer.live);
  const stored = await listSnapshots(bucket);
  const { unfinished } = live ? splitAtLive(stored, live) : { unfinished: stored };
  const described: (SnapshotDescription | UnreadableSnapshot)[] = [];
  for (const snapshot of stored) {
    const { version, signer } = snapshot;
    const isLive = live !== undefined && isSameSnapshot(snapshot, live);
    const state = isLive ? 'live' : unfinished.includes(snapshot) ? 'unfinished' : 'kept';
    try {
      described.push(await describe(bucket, snapshot, state, now));
    } catch (error) {
      if (!(error instanceof MirrorError) || error.code === 'unreachable') throw error;
      described.push({ version, signer, state: 'unreadable', reason: error.message });
    }
  }
  return described;
}

async function describe(
  bucket: Bucket,
  { version, signer }: StoredSnapshot,
  state: State,
  now: Date,
): Promise<SnapshotDescription> {
  const root = parseRoot((await readSnapshot(bucket, { version, signer })).root);
  const { created_at, expires_at, totals } = root;
  return {
    ...{ version, signer, state, created_at, expires_at, expired: isExpired(root, now), ...totals },
    packages: await packageCount(bucket, root),
  };
}

async function packageCount(bucket: Bucket, root: Root): Promise<number> {
  const index = leafIndex(root, INDEX_MANIFEST);
  const entry = index < 0 ? undefined : (await openStoredLeaf(bucket, root, index)).find(INDEX_MANIFEST);
  if (entry?.source !== undefined || !entry) {
    throw new MirrorError('missing', `This snapshot lists no ${INDEX_MANIFEST}.`);
  }
  const bytes = await readStoredFile(bucket, entry, INDEX_MANIFEST);
  const { indexes } = parseIndexManifest(bytes);
  return KINDS.reduce((sum, { key }) => sum + (indexes[key]?.count ?? 0), 0);
}
