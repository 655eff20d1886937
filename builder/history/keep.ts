import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { blobName, leafPath, type SnapshotId, snapshotKey } from '../../format/layout.ts';
import { isOffered, isOwnFile, type SnapshotEntry } from '../../format/snapshot/entry.ts';
import { encodeKept } from '../../format/snapshot/pointer.ts';
import { parseRoot, type SignedRoot } from '../../format/snapshot/root.ts';
import { snapshotIdOf } from '../bucket/snapshots.ts';
import { readEntries, readSignedRoot } from '../directory/mirror.ts';
import { incomingDirectory, inspectFile, localPath, ownFile, ownFolder } from '../directory/paths.ts';
import { putInPlace } from '../directory/place.ts';
import { sync, writeFileAtomic } from '../directory/write.ts';
import { ifWhole, isWithdrawn, keptPath, readKept } from './kept.ts';

/** A file of the tree: its path, and what is signed of its bytes. */
type Wanted = Pick<SnapshotEntry, 'sha256' | 'size' | 'source'> & { path: string };

/**
 * Makes the live snapshot of a folder one that is kept, whatever takes its place: every file gets a second name by its
 * SHA-256, and nothing is copied where the file system has links. Requires the lock. Returns the snapshot; `undefined`, and
 * keeps nothing of it, if there is none, or it lacks a file.
 */
export async function keepLive(directory: string, now: Date): Promise<SnapshotId | undefined> {
  const live = await ifWhole(readLive(directory));
  if (!live || (await isKept(directory, live))) return live?.id;
  const files = await ifWhole(filesOf(directory, live.signed, now));
  const states = files?.map((file) => stateOf(directory, file));
  if (!files || states?.includes('lacking')) return undefined;
  const folder = ownFolder(directory, keptPath(blobName('')).slice(0, -1));
  mkdirSync(folder, { recursive: true });
  for (const [index, { path, sha256 }] of files.entries()) {
    if (states?.[index] === 'new') putInPlace(localPath(directory, path), join(folder, sha256));
  }
  // All that a snapshot names is on disk before the snapshot is.
  await sync(folder);
  const place = ownFile(directory, keptPath(snapshotKey(live.id)));
  await writeFileAtomic(place, encodeKept(live.signed));
  await sync(dirname(place));
  return live.id;
}

/**
 * Lets files that are about to be written take the place of what is kept of the same bytes: then both are one file again, and
 * damage of the kept one is repaired. What was withdrawn from kept snapshots stays away.
 */
export function renewKept(directory: string, hashes: Iterable<string>): void {
  const incoming = incomingDirectory(directory);
  for (const sha256 of hashes) {
    const path = keptPath(blobName(sha256));
    const found = inspectFile(directory, path);
    if (found && !isWithdrawn(found)) putInPlace(join(incoming, sha256), localPath(directory, path));
  }
}

async function readLive(directory: string): Promise<{ signed: SignedRoot; id: SnapshotId }> {
  const signed = await readSignedRoot(directory);
  return { signed, id: snapshotIdOf(signed) };
}

async function isKept(
  directory: string,
  { signed, id }: { signed: SignedRoot; id: SnapshotId },
): Promise<boolean> {
  const kept = await ifWhole(readKept(directory, id));
  return kept?.signature === signed.signature && Buffer.from(kept.root).equals(signed.root);
}

/** Returns the leaves of a snapshot and its own files, without those whose time has come. */
async function filesOf(directory: string, signed: SignedRoot, now: Date): Promise<Wanted[]> {
  const root = parseRoot(signed.root);
  const leaves = root.leaves.map(({ sha256, size }): Wanted => ({ path: leafPath(sha256), sha256, size }));
  const entries = await readEntries(directory, root);
  const own = entries.filter((entry) => isOwnFile(entry) && isOffered(entry, now));
  return [...leaves, ...own.map(({ name, ...entry }): Wanted => ({ ...entry, path: name }))];
}

/**
 * Returns whether the bytes of a file are kept already, are to be kept, are on demand and not here, or are missing. What was
 * withdrawn counts as kept, so that a package with the same bytes does not bring it back.
 */
function stateOf(
  directory: string,
  { path, sha256, size, source }: Wanted,
): 'kept' | 'new' | 'on demand' | 'lacking' {
  const isRight = (found: ReturnType<typeof inspectFile>): boolean =>
    found !== undefined && found.size === BigInt(size ?? found.size);
  const kept = inspectFile(directory, keptPath(blobName(sha256)));
  if (kept && (isWithdrawn(kept) || isRight(kept))) return 'kept';
  if (isRight(inspectFile(directory, path))) return 'new';
  return source === undefined ? 'lacking' : 'on demand';
}
