import { blobName } from '../../format/layout.ts';
import { isOwnFile, type SnapshotEntry } from '../../format/snapshot/entry.ts';
import { parseRoot } from '../../format/snapshot/root.ts';
import { inspectFile, ownFile, ownFolder } from '../directory/paths.ts';
import { sync, writeFileAtomic } from '../directory/write.ts';
import { ifWhole, isWithdrawn, keptPath, keptSnapshots, readKept, readKeptEntries } from './kept.ts';

/** Returns the paths of all files of kept snapshots that can still be served from them, or be fetched for them. */
export async function keptFiles(directory: string): Promise<string[]> {
  const files = (await entriesOfKept(directory)).filter((entry) => isOffered(directory, entry));
  return files.map(({ name }) => name);
}

/**
 * Takes the bytes at these paths away from every kept snapshot: an empty file is in their place, which is not as signed, so
 * that nothing is served and nothing fetched in place of them. Requires the lock.
 */
export async function emptyWithdrawn(directory: string, paths: readonly string[]): Promise<void> {
  const withdrawn = new Set(paths);
  const entries = (await entriesOfKept(directory)).filter(({ name }) => withdrawn.has(name));
  for (const sha256 of new Set(entries.map((entry) => entry.sha256)))
    await writeFileAtomic(ownFile(directory, keptPath(blobName(sha256))), '');
  if (entries.length > 0) await sync(ownFolder(directory, keptPath(blobName('')).slice(0, -1)));
}

/** Returns the own files of all kept snapshots that are whole; those that several have come several times. */
async function entriesOfKept(directory: string): Promise<SnapshotEntry[]> {
  const lists: SnapshotEntry[][] = [];
  for (const id of await keptSnapshots(directory)) {
    const read = readKept(directory, id).then(({ root }) => readKeptEntries(directory, parseRoot(root)));
    lists.push((await ifWhole(read)) ?? []);
  }
  return lists.flat().filter(isOwnFile);
}

function isOffered(directory: string, { sha256, source }: SnapshotEntry): boolean {
  const found = inspectFile(directory, keptPath(blobName(sha256)));
  return found ? !isWithdrawn(found) : source !== undefined;
}
