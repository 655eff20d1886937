import { MirrorError } from '../../format/errors.ts';
import { type SnapshotId, snapshotName } from '../../format/layout.ts';
import type { SnapshotEntry } from '../../format/snapshot/entry.ts';
import type { Root, SignedRoot } from '../../format/snapshot/root.ts';
import { findSnapshot, snapshotIdOf } from '../bucket/snapshots.ts';
import { readEntries, readLeaf, readSignedRoot } from '../directory/mirror.ts';
import { ifWhole, keptSnapshots, readKept, readKeptEntries, readKeptLeafEntries } from './kept.ts';

/**
 * Returns the snapshot that a version, or `<version>-<key id>`, names among those of a folder, the live one included. Throws
 * `not-found` if the folder does not keep it, and `usage` for a version that two keys have signed.
 */
export async function namedSnapshot(directory: string, text: string): Promise<SnapshotId> {
  const live = await ifWhole(readSignedRoot(directory).then(snapshotIdOf));
  const all = new Map(
    [...(await keptSnapshots(directory)), ...(live ? [live] : [])].map((id) => [snapshotName(id), id]),
  );
  const found = findSnapshot([...all.values()], text);
  if (found) return found;
  const message = `${directory} does not keep snapshot ${text}. It has ${[...all.keys()].join(', ') || 'none'}.`;
  throw new MirrorError('not-found', message, { found: text });
}

/** Reads a snapshot of a folder, kept or live, and verifies nothing. Throws as {@link readKept}. */
export async function readHere(directory: string, id: SnapshotId): Promise<SignedRoot> {
  const live = await ifWhole(readSignedRoot(directory));
  const isLive = live && snapshotName(snapshotIdOf(live)) === snapshotName(id);
  return isLive ? live : readKept(directory, id);
}

/** Reads the entries of one leaf of a snapshot of a folder, kept or live. Throws `missing`, `mismatch` or `bad-input`. */
export const readLeafHere = async (directory: string, root: Root, index: number): Promise<SnapshotEntry[]> =>
  (await ifWhole(readKeptLeafEntries(directory, root, index))) ?? readLeaf(directory, root, index);

/** Reads the entries of a snapshot of a folder, kept or live. Throws `missing`, `mismatch` or `bad-input`. */
export const readEntriesHere = async (directory: string, root: Root): Promise<SnapshotEntry[]> =>
  (await ifWhole(readKeptEntries(directory, root))) ?? readEntries(directory, root);
