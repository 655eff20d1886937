import { randomBytes } from 'node:crypto';
import { closeSync, fsync, openSync, renameSync, writeFileSync } from 'node:fs';
import { access, mkdir, open, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';

/** Writes a file whole or not at all: exclusive temporary file, fsync, rename. Creates missing folders. */
export async function writeFileAtomic(
  path: string,
  content: Uint8Array | string,
  mode = 0o644,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await writeFile(temporary, content, { flag: 'wx', mode, flush: true });
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
  const file = openSync(`${path}.tmp`, 'w');
  try {
    writeFileSync(file, content);
    await fsyncAsync(file);
  } finally {
    closeSync(file);
  }
  renameSync(`${path}.tmp`, path);
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

/** Returns true for Node's error for a full or read-only disk, or an exceeded quota. */
export const isDiskFull = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && ['ENOSPC', 'EDQUOT', 'EROFS'].includes(String(error.code));

/** Returns true if a file or folder exists at a path. */
export const isPresent = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
