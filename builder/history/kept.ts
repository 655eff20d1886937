import { readdir } from 'node:fs/promises';
import { hasCode, MirrorError } from '../../format/errors.ts';
import {
  blobName,
  CHANNELS,
  channelKey,
  isChannelName,
  parseSnapshotName,
  ROOT_CHANNEL,
  SNAPSHOTS,
  type SnapshotId,
  snapshotKey,
  snapshotName,
} from '../../format/layout.ts';
import type { SnapshotEntry } from '../../format/snapshot/entry.ts';
import { Leaf } from '../../format/snapshot/leaf.ts';
import {
  type ChannelPointer,
  MAX_POINTER_SIZE,
  parseChannel,
  parseKept,
} from '../../format/snapshot/pointer.ts';
import type { LeafReference, Root, SignedRoot } from '../../format/snapshot/root.ts';
import { snapshotIdOf } from '../bucket/snapshots.ts';
import { ownFolder, PRIVATE } from '../directory/paths.ts';
import { readMirrorFile } from '../directory/read.ts';
import { ifPresent } from '../directory/write.ts';

// What a folder keeps besides its live snapshot is below `.stout-mirror`, under the keys that a bucket has for it
// (docs/format.md section 10). The live snapshot itself is the tree.

/** Returns the path in a folder of what a bucket has under a key. */
export const keptPath = (key: string): string => `${PRIVATE}/${key}`;

/** Returns the names of all files in a folder of what is kept. Throws `refused` for a link in its place. */
export async function keptNames(directory: string, prefix: string): Promise<string[]> {
  return (await ifPresent(readdir(ownFolder(directory, keptPath(prefix).replace(/\/$/, ''))))) ?? [];
}

/** Returns the snapshots that a folder keeps besides the live one, by version. */
export async function keptSnapshots(directory: string): Promise<SnapshotId[]> {
  const names = await keptNames(directory, SNAPSHOTS);
  const ids = names.flatMap((name) => parseSnapshotName(name) ?? []);
  return ids.sort((a, b) => a.version - b.version || (a.signer < b.signer ? -1 : 1));
}

/** Returns the names of a folder's channels besides `current`, sorted. */
export async function keptChannels(directory: string): Promise<string[]> {
  const names = await keptNames(directory, CHANNELS);
  return names.filter((name) => isChannelName(name) && name !== ROOT_CHANNEL).sort();
}

/**
 * Reads a kept snapshot and verifies nothing. Throws `missing`, `bad-input` for a damaged one, or `mismatch` for another one
 * under its name.
 */
export async function readKept(directory: string, id: SnapshotId): Promise<SignedRoot> {
  const [where, name] = [keptPath(snapshotKey(id)), snapshotName(id)];
  const signed = await readKeptRoot(directory, snapshotKey(id));
  const found = snapshotName(snapshotIdOf(signed));
  if (found === name) return signed;
  throw new MirrorError('mismatch', `${where} is another snapshot.`, { where, expected: name, found });
}

/** Reads the pointer of a channel besides `current`, and verifies nothing. Throws `missing` or `bad-input`. */
export async function readChannel(directory: string, name: string): Promise<ChannelPointer> {
  const path = keptPath(channelKey(name));
  return parseChannel(await readMirrorFile(directory, path, MAX_POINTER_SIZE), path);
}

/** Reads the document that a bucket has under a key, and verifies nothing. Throws `missing` or `bad-input`. */
export async function readKeptRoot(directory: string, key: string): Promise<SignedRoot> {
  const path = keptPath(key);
  return parseKept(await readMirrorFile(directory, path, MAX_POINTER_SIZE), path);
}

/** Returns true for an empty file among what is kept: it is in the place of bytes that were withdrawn (docs/format.md section 10). */
export const isWithdrawn = ({ size }: { size: bigint }): boolean => size === 0n;

/** Returns the path of a leaf of a kept snapshot. */
export const keptLeafPath = ({ sha256 }: Pick<LeafReference, 'sha256'>): string => keptPath(blobName(sha256));

/** Reads the entries of one leaf of a kept snapshot. Throws `missing`, `mismatch` or `bad-input`. */
export async function readKeptLeafEntries(
  directory: string,
  root: Root,
  index: number,
): Promise<SnapshotEntry[]> {
  const { sha256 = '', size = 0 } = root.leaves[index] ?? {};
  return new Leaf(await readMirrorFile(directory, keptLeafPath({ sha256 }), size), root, index).entries();
}

/** Reads the entries of a kept snapshot. Throws as {@link readKeptLeafEntries}. */
export const readKeptEntries = async (directory: string, root: Root): Promise<SnapshotEntry[]> =>
  (await Promise.all(root.leaves.map((_, index) => readKeptLeafEntries(directory, root, index)))).flat();

/** Returns the result, or `undefined` for what is missing or damaged. Throws other errors, such as those of a disk. */
export const ifWhole = async <T>(work: Promise<T>): Promise<T | undefined> =>
  work.catch((error: unknown) => {
    if (hasCode(error, 'missing', 'mismatch', 'bad-input', 'too-large', 'bad-signature')) return undefined;
    throw error;
  });
