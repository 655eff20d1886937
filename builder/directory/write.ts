import { randomBytes } from 'node:crypto';
import { closeSync, fsync, openSync, renameSync, writeFileSync } from 'node:fs';
import { access, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';

/** Writes a file whole or not at all: exclusive temporary file, fsync, rename. Makes missing folders. */
export async function writeFileAtomic(
  path: string,
  content: Uint8Array | string,
  mode = 0o644,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    const file = await open(temporary, 'wx', mode);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

const fsyncAsync = promisify(fsync);

/**
 * Writes a small file whole or not at all, by way of `<path>.tmp`, so that a power cut leaves it. Only the wait for the
 * disk is another thread's: for thousands of files, handing each step over costs more than the steps.
 */
export async function writeDurably(path: string, content: Uint8Array): Promise<void> {
  const file = openSync(`${path}.tmp`, 'w');
  try {
    writeFileSync(file, content);
    await fsyncAsync(file);
  } finally {
    closeSync(file);
  }
  renameSync(`${path}.tmp`, path);
}

/** Asks the system to keep a file's bytes, or the names in a folder, through a power cut. */
export async function sync(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** True for Node's error of a path that does not exist. */
export const isAbsent = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');

/** True for Node's error of a disk that takes no more: full, over quota, or read-only. */
export const isDiskFull = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && ['ENOSPC', 'EDQUOT', 'EROFS'].includes(String(error.code));

/** True when something stands at a path. */
export const isPresent = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
