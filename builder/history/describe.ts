import pMap from 'p-map';
import { MirrorError, messageOf } from '../../format/errors.ts';
import { parseIndexManifest } from '../../format/index-manifest.ts';
import { isoSeconds } from '../../format/iso-seconds.ts';
import { blobName, INDEX_MANIFEST, type SnapshotId, snapshotName } from '../../format/layout.ts';
import { KINDS } from '../../format/packages/kinds.ts';
import { leafIndex } from '../../format/snapshot/lookup.ts';
import { isExpired, parseRoot, type Root } from '../../format/snapshot/root.ts';
import type { SnapshotDescription, UnreadableSnapshot } from '../bucket/describe.ts';
import { snapshotIdOf } from '../bucket/snapshots.ts';
import { readSignedRoot } from '../directory/mirror.ts';
import { inspectFile } from '../directory/paths.ts';
import { readMirrorFile } from '../directory/read.ts';
import { folderChannels } from './channels.ts';
import { keptPath, keptSnapshots } from './kept.ts';
import { readHere, readLeafHere } from './named.ts';
import { pinsOf } from './pins.ts';

/** What needs a snapshot of a folder. */
type Use = Pick<SnapshotDescription, 'state' | 'channels' | 'pinned' | 'pinned_until'>;

/** Describes every snapshot of a folder, the live one first and then the newest. Throws `missing` if there is no mirror. */
export async function folderSnapshots(
  directory: string,
  now: Date,
): Promise<(SnapshotDescription | UnreadableSnapshot)[]> {
  const useOf = await usesIn(directory, now);
  const live = snapshotIdOf(await readSignedRoot(directory));
  const kept = (await keptSnapshots(directory)).reverse();
  const ids = [live, ...kept.filter((id) => snapshotName(id) !== snapshotName(live))];
  const describeOne = async (id: SnapshotId): Promise<SnapshotDescription | UnreadableSnapshot> => {
    const use = useOf(id, id === live);
    try {
      return { ...id, ...use, ...(await describe(directory, id, now)) };
    } catch (error) {
      if (!(error instanceof MirrorError)) throw error;
      return { ...id, ...use, state: 'unreadable', reason: messageOf(error) };
    }
  };
  // One at a time: a list may have many snapshots, each with leaves of megabytes.
  return pMap(ids, describeOne, { concurrency: 1 });
}

async function usesIn(directory: string, now: Date): Promise<(id: SnapshotId, isLive: boolean) => Use> {
  const channels = await folderChannels(directory, now);
  const pins = await pinsOf(directory, now);
  return (id, isLive) => {
    const has = (channel: (typeof channels)[number]): boolean =>
      'version' in channel && snapshotName(channel) === snapshotName(id);
    const pin = pins.find(({ snapshot }) => snapshotName(snapshot) === snapshotName(id));
    return {
      state: isLive ? 'live' : 'kept',
      channels: channels.filter(has).map(({ name }) => name),
      pinned: pin !== undefined,
      pinned_until: pin?.until === undefined ? null : isoSeconds(pin.until),
    };
  };
}

async function describe(
  directory: string,
  id: SnapshotId,
  now: Date,
): Promise<Omit<SnapshotDescription, keyof SnapshotId | keyof Use>> {
  const root = parseRoot((await readHere(directory, id)).root);
  const { created_at, expires_at, totals } = root;
  const packages = await packageCount(directory, root);
  return { created_at, expires_at, expired: isExpired(root, now), ...totals, packages };
}

async function packageCount(directory: string, root: Root): Promise<number> {
  const entries = await readLeafHere(directory, root, leafIndex(root, INDEX_MANIFEST));
  const { sha256 = '', size = 0 } = entries.find(({ name }) => name === INDEX_MANIFEST) ?? {};
  const kept = keptPath(blobName(sha256));
  const path = inspectFile(directory, kept) ? kept : INDEX_MANIFEST;
  const { indexes } = parseIndexManifest(await readMirrorFile(directory, path, size));
  return KINDS.reduce((sum, { key }) => sum + (indexes[key]?.count ?? 0), 0);
}
