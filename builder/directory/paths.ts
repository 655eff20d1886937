import { type BigIntStats, lstatSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { MirrorError } from '../../format/errors.ts';

// A mirror folder may come from somebody else. A link in it would lead reads, writes and removals elsewhere, and a pipe or a
// device has no end. So every local path that is opened, written or removed below a mirror comes from here. Node cannot open
// a file relative to an open folder: who changes folders into links while a verb runs is not stopped (SECURITY.md).

/** Folder of our own records in a mirror. It is never part of a snapshot and never served. */
export const PRIVATE = '.stout-mirror';

/** Returns the local path of a mirror path, which uses `/` on every system. It may be anything, also a link. */
export const localPath = (directory: string, path: string): string => join(directory, ...path.split('/'));

/**
 * Returns the local path of a file to read or replace. `directory` itself may be a link, nothing below it. Throws `refused`
 * unless the folders above the file and the file are plain, or absent.
 */
export function ownFile(directory: string, path: string): string {
  const local = ownPlace(directory, path);
  const found = lstatSync(local, ABSENT_IS_UNDEFINED);
  if (found && !found.isFile()) throw notOwn(local, 'file');
  return local;
}

/** Returns the local path of a folder. Throws `refused` unless it and the folders above it are plain, or absent. */
export function ownFolder(directory: string, path: string): string {
  missingFolders(directory, path === '' ? '' : `${path}/`);
  return localPath(directory, path);
}

/** Returns the local path of a name to remove, whatever it names. Throws `refused` unless the folders above it are plain, or absent. */
export function ownPlace(directory: string, path: string): string {
  missingFolders(directory, path);
  return localPath(directory, path);
}

/**
 * Returns the local folders above a file that do not exist, outermost first. Throws `refused` for one that is not a plain folder.
 * Folders in `seen` are not looked at; those that are found plain are added to it.
 */
export function missingFolders(directory: string, path: string, seen?: Set<string>): string[] {
  // Those above it were looked at before it.
  if (seen?.has(dirname(localPath(directory, path)))) return [];
  const names = path.split('/').slice(0, -1);
  const folders = names.map((_, index) => join(directory, ...names.slice(0, index + 1)));
  return folders.filter((folder) => {
    if (seen?.has(folder)) return false;
    const found = lstatSync(folder, ABSENT_IS_UNDEFINED);
    if (found && !found.isDirectory()) throw notOwn(folder, 'folder');
    if (found) seen?.add(folder);
    return found === undefined;
  });
}

/**
 * Returns what a file is, without following a link; `undefined` if it is absent. `seen` are folders as {@link missingFolders} has
 * them. Throws as {@link ownFile}.
 */
export function inspectFile(directory: string, path: string, seen?: Set<string>): BigIntStats | undefined {
  missingFolders(directory, path, seen);
  const local = localPath(directory, path);
  const found = lstatSync(local, { bigint: true, throwIfNoEntry: false });
  if (found && !found.isFile()) throw notOwn(local, 'file');
  return found;
}

const ABSENT_IS_UNDEFINED = { throwIfNoEntry: false } as const;

/** Returns the error for a link or a special file where a mirror has a file or a folder. */
export const notOwn = (local: string, kind: 'file' | 'folder'): MirrorError =>
  new MirrorError(
    'refused',
    `${local} is not a plain ${kind}, and no mirror has links or special files: remove it.`,
    {
      where: local,
    },
  );

/** Returns the folder in which new files wait for the commit. */
export const incomingDirectory = (directory: string): string => ownFolder(directory, `${PRIVATE}/incoming`);
/** Returns the folder for an upstream's databases while they are read. */
export const upstreamFolder = (directory: string): string => ownFolder(directory, `${PRIVATE}/upstream`);
/** Returns the path of the commit that is being carried out. */
export const journalPath = (directory: string): string => ownFile(directory, `${PRIVATE}/journal.json`);
/** Returns the path of the file that is locked. */
export const lockPath = (directory: string): string => ownFile(directory, `${PRIVATE}/lock`);
/** Returns the path of the file that names the holder of the lock. */
export const lockHolderPath = (directory: string): string => ownFile(directory, `${PRIVATE}/lock-holder`);
