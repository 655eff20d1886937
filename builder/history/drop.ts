import { lstatSync } from 'node:fs';
import { rm, rmdir } from 'node:fs/promises';
import { isSha256 } from '../../format/is-sha256.ts';
import {
  blobName,
  parseSnapshotName,
  SNAPSHOTS,
  type SnapshotId,
  snapshotName,
} from '../../format/layout.ts';
import { parseRoot } from '../../format/snapshot/root.ts';
import { snapshotIdOf } from '../bucket/snapshots.ts';
import { readSignedRoot } from '../directory/mirror.ts';
import { ownFolder, ownPlace } from '../directory/paths.ts';
import { sync } from '../directory/write.ts';
import {
  ifWhole,
  keptChannels,
  keptNames,
  keptPath,
  keptSnapshots,
  readChannel,
  readKept,
  readKeptLeafEntries,
} from './kept.ts';
import { pinsOf } from './pins.ts';

/** What is dropped of the history of a folder. */
export interface DroppedHistory {
  /** Names of snapshots, `<version>-<key id>`. */
  snapshots: string[];
  /** Files that only those needed, and the bytes that this frees. */
  files: number;
  bytes: number;
  /** Channels, and snapshots that a channel or a pin needs, that cannot be read. If there are any, nothing is dropped. */
  unreadable: string[];
}

/** What is to be dropped of the history of a folder. */
export interface HistoryToDrop extends Omit<DroppedHistory, 'files' | 'bytes'> {
  /** Names of the blobs that only those snapshots need. */
  blobs: string[];
}

const NOTHING: HistoryToDrop = { snapshots: [], blobs: [], unreadable: [] };

/**
 * Drops the kept snapshots of a folder that are neither among its newest `keep`, the live one included, nor in a channel, nor
 * pinned, and the files that only they need. One of the newest that is damaged is dropped too. If a channel cannot be read, or
 * a snapshot that a channel or a pin needs, nothing is dropped. Requires the lock.
 */
export async function dropHistory(directory: string, limits: { keep: number; now: Date }): Promise<void> {
  await dropAll(directory, await historyToDrop(directory, limits));
}

/** Returns what {@link dropHistory} would drop. */
export async function historyToDrop(
  directory: string,
  { keep, now }: { keep: number; now: Date },
): Promise<HistoryToDrop> {
  const stored = await keptNames(directory, SNAPSHOTS);
  const blobs = await keptNames(directory, blobName(''));
  if (stored.length + blobs.length === 0) return NOTHING;
  const { claimed, unreadable } = await claimedIn(directory, now);
  const needed = await neededFiles(directory, claimed, await newestIn(directory, keep));
  unreadable.push(...needed.unreadable);
  if (unreadable.length > 0) return { ...NOTHING, unreadable };
  return {
    snapshots: stored.filter((name) => !needed.snapshots.has(name)),
    blobs: blobs.filter((name) => !needed.hashes.has(name)),
    unreadable,
  };
}

/** Drops history: snapshots first, so that each that is there is whole. Requires the lock. */
export async function dropAll(directory: string, { snapshots, blobs }: HistoryToDrop): Promise<void> {
  await removeAll(directory, SNAPSHOTS, snapshots);
  await removeAll(directory, blobName(''), blobs);
  for (const folder of ['snapshots', 'blobs/sha256', 'blobs'])
    await rmdir(ownFolder(directory, keptPath(folder))).catch(() => undefined);
}

/** Describes what is dropped, or would be. */
export function describeDropped(directory: string, dropped: HistoryToDrop): DroppedHistory {
  const { snapshots, blobs, unreadable } = dropped;
  return {
    snapshots: snapshots.filter((name) => parseSnapshotName(name) !== undefined),
    files: blobs.filter(isSha256).length,
    bytes: bytesFreed(directory, blobPaths(dropped)),
    unreadable,
  };
}

/** Returns the paths of blobs that are to be dropped. */
export const blobPaths = ({ blobs }: HistoryToDrop): string[] =>
  blobs.map((name) => keptPath(blobName(name)));

/** Returns how many bytes it frees to remove all of these files. One of which another name stays is still on disk. */
export function bytesFreed(directory: string, paths: readonly string[]): number {
  const found = paths.flatMap(
    (path) => lstatSync(ownPlace(directory, path), { throwIfNoEntry: false }) ?? [],
  );
  const files = Map.groupBy(found, ({ dev, ino }) => `${dev}:${ino}`);
  return [...files.values()].reduce((sum, names) => {
    const [{ size = 0, nlink = 0 } = {}] = names;
    return nlink === names.length ? sum + size : sum;
  }, 0);
}

/** Returns the names of the newest snapshots of a folder, the live one included. */
async function newestIn(directory: string, keep: number): Promise<ReadonlySet<string>> {
  const live = await ifWhole(readSignedRoot(directory).then(snapshotIdOf));
  const newest = (await keptSnapshots(directory)).map(snapshotName).reverse();
  const inOrder = live
    ? [snapshotName(live), ...newest.filter((name) => name !== snapshotName(live))]
    : newest;
  return new Set(inOrder.slice(0, keep));
}

/** Returns the names of the snapshots that channels and pins need, and the channels that cannot be read. */
async function claimedIn(
  directory: string,
  now: Date,
): Promise<{ claimed: ReadonlySet<string>; unreadable: string[] }> {
  const pins = await pinsOf(directory, now);
  const claimed = new Set(pins.map(({ snapshot }) => snapshotName(snapshot)));
  const unreadable: string[] = [];
  for (const channel of await keptChannels(directory)) {
    const id = await ifWhole(readChannel(directory, channel).then(snapshotIdOf));
    if (id) claimed.add(snapshotName(id));
    else unreadable.push(`channel ${channel}`);
  }
  return { claimed, unreadable };
}

/** Returns which of the snapshots are whole, the SHA-256 of all that these name, and which of the claimed ones are damaged. */
async function neededFiles(directory: string, claimed: ReadonlySet<string>, newest: ReadonlySet<string>) {
  const snapshots = new Set<string>();
  const hashes = new Set<string>();
  const unreadable: string[] = [];
  for (const id of await keptSnapshots(directory)) {
    const name = snapshotName(id);
    if (!claimed.has(name) && !newest.has(name)) continue;
    if (await ifWhole(addNeeded(directory, id, hashes))) snapshots.add(name);
    else if (claimed.has(name)) unreadable.push(`snapshot ${name}`);
  }
  return { snapshots, hashes, unreadable };
}

/** Adds the SHA-256 of all that a snapshot names. Snapshots share leaves: each is read once. */
async function addNeeded(directory: string, id: SnapshotId, hashes: Set<string>): Promise<true> {
  const root = parseRoot((await readKept(directory, id)).root);
  for (const [index, { sha256 }] of root.leaves.entries()) {
    if (hashes.has(sha256)) continue;
    for (const entry of await readKeptLeafEntries(directory, root, index)) hashes.add(entry.sha256);
    hashes.add(sha256);
  }
  return true;
}

async function removeAll(directory: string, prefix: string, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  for (const name of names)
    await rm(ownPlace(directory, keptPath(prefix + name)), { force: true, recursive: true });
  await sync(ownFolder(directory, keptPath(prefix).slice(0, -1)));
}
