import { MirrorError } from '../../format/errors.ts';
import { parseIndexManifest } from '../../format/index-manifest.ts';
import { isoSeconds } from '../../format/iso-seconds.ts';
import { INDEX_MANIFEST, type SnapshotId } from '../../format/layout.ts';
import { KINDS } from '../../format/packages/kinds.ts';
import { leafIndex } from '../../format/snapshot/lookup.ts';
import { isExpired, parseRoot, type Root } from '../../format/snapshot/root.ts';
import { movesOf } from '../channel-rules.ts';
import type { Bucket } from './bucket.ts';
import { readChannels } from './channels.ts';
import { isPinned, readPins } from './pins.ts';
import {
  isSameSnapshot,
  listSnapshots,
  openStoredLeaf,
  readSnapshot,
  readStoredFile,
  type StoredSnapshot,
} from './snapshots.ts';

const JOBS = 4;

/** What needs a snapshot. */
interface Use {
  /** `unused` was never live in any of the channels: it is being published, or was abandoned, or its channel was removed. */
  state: 'live' | 'kept' | 'unused';
  /** The channels in which it is live. */
  channels: string[];
  /** Whether a pin keeps it. */
  pinned: boolean;
  /** Until when; null for as long as the pin is there. */
  pinned_until: string | null;
}

/** A snapshot of a bucket, as its own documents describe it. Their signatures are not checked. */
export interface SnapshotDescription extends SnapshotId, Use {
  created_at: string;
  expires_at: string;
  expired: boolean;
  files: number;
  bytes: number;
  /** Packages of all kinds. */
  packages: number;
}

/** A snapshot of a bucket that cannot be read, and why. */
export interface UnreadableSnapshot extends SnapshotId, Omit<Use, 'state'> {
  state: 'unreadable';
  reason: string;
}

/** Describes every snapshot of a bucket, newest first. Throws `bad-input` for a damaged pointer or pin, or `refused`. */
export async function describeSnapshots(
  bucket: Bucket,
  now: Date,
): Promise<(SnapshotDescription | UnreadableSnapshot)[]> {
  const useOf = await usesIn(bucket, now);
  const described: (SnapshotDescription | UnreadableSnapshot)[] = [];
  for (const snapshot of await listSnapshots(bucket)) {
    const { version, signer } = snapshot;
    const use = useOf(snapshot);
    try {
      described.push({ version, signer, ...use, ...(await describe(bucket, snapshot, now)) });
    } catch (error) {
      if (!(error instanceof MirrorError) || error.code === 'unreachable') throw error;
      described.push({ version, signer, ...use, state: 'unreadable', reason: error.message });
    }
  }
  return described;
}

/** Returns a function that says what needs a snapshot. */
async function usesIn(bucket: Bucket, now: Date): Promise<(id: SnapshotId) => Use> {
  const lines = (await readChannels(bucket, JOBS)).map(({ name, live }) => ({ name, moves: movesOf(live) }));
  const pins = (await readPins(bucket)).filter((pin) => isPinned(pin, now));
  return (id) => {
    const isIt = ({ snapshot }: { snapshot: SnapshotId }): boolean => isSameSnapshot(snapshot, id);
    const channels = lines.filter(({ moves }) => moves.slice(0, 1).some(isIt)).map(({ name }) => name);
    const wasLive = lines.some(({ moves }) => moves.some(isIt));
    const pin = pins.find(isIt);
    return {
      state: channels.length > 0 ? 'live' : wasLive ? 'kept' : 'unused',
      channels,
      pinned: pin !== undefined,
      pinned_until: pin?.until === undefined ? null : isoSeconds(pin.until),
    };
  };
}

async function describe(
  bucket: Bucket,
  { version, signer }: StoredSnapshot,
  now: Date,
): Promise<Omit<SnapshotDescription, keyof SnapshotId | keyof Use>> {
  const root = parseRoot((await readSnapshot(bucket, { version, signer })).root);
  const { created_at, expires_at, totals } = root;
  return {
    ...{ created_at, expires_at, expired: isExpired(root, now), ...totals },
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
