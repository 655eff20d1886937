import { randomBytes } from 'node:crypto';
import { closeSync, fsync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { lstat, mkdir, open, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { namingFile } from './disk-error.ts';

/**
 * Makes a folder and the folders above it; returns the outermost one that was missing. Throws the system's error for the folder
 * that could not be made, which Node's recursive `mkdir` hides on a file system that can only be read.
 */
export async function makeFolder(path: string): Promise<string | undefined> {
  try {
    return (await isFolderMade(path)) ? path : undefined;
  } catch (error) {
    if (!isAbsent(error) || dirname(path) === path) throw error;
    const made = await makeFolder(dirname(path));
    return (await isFolderMade(path)) ? (made ?? path) : made;
  }
}

/** Makes one folder; returns false if there is one, which another process may have made just now. */
async function isFolderMade(path: string): Promise<boolean> {
  try {
    await mkdir(path);
    return true;
  } catch (error) {
    const isThere = error instanceof Error && 'code' in error && error.code === 'EEXIST';
    if (isThere && (await stat(path)).isDirectory()) return false;
    throw error;
  }
}

/** Writes a file whole or not at all: exclusive temporary file, fsync, rename. Creates missing folders. */
export async function writeFileAtomic(
  path: string,
  content: Uint8Array | string,
  mode = 0o644,
): Promise<void> {
  await makeFolder(dirname(path));
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await namingFile(path, () => writeFile(temporary, content, { flag: 'wx', mode, flush: true }));
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

const fsyncAsync = promisify(fsync);

/**
 * Writes a small file whole or not at all, via `<path>.tmp`, so that it survives a power cut. Only the fsync is
 * asynchronous: for thousands of files, handing each step to another thread costs more than the step.
 */
export async function writeDurably(path: string, content: Uint8Array): Promise<void> {
  const temporary = `${path}.tmp`;
  // What an earlier run left there may be a link, or have a second name: it is never written to.
  rmSync(temporary, { force: true });
  const file = openSync(temporary, 'wx');
  try {
    await namingFile(temporary, async () => {
      writeFileSync(file, content);
      await fsyncAsync(file);
    });
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
}

/** Flushes a file's bytes, or the names in a folder, to disk. */
export async function sync(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Returns true for Node's error for a path that does not exist. */
export const isAbsent = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');

/** Returns the result of a file operation, or `undefined` if the path does not exist. */
export const ifPresent = <T>(operation: Promise<T>): Promise<T | undefined> =>
  operation.catch((error: unknown) => {
    if (isAbsent(error)) return undefined;
    throw error;
  });

/** Returns true if anything exists at a path. Throws file system errors: what cannot be looked at may be there. */
export const isPresent = async (path: string): Promise<boolean> =>
  (await ifPresent(lstat(path))) !== undefined;
