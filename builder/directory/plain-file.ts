import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { MirrorError } from '../../format/errors.ts';
import { notOwn } from './paths.ts';

/** Longest file that is read where nothing says how long it is: longer than any package, in bytes. */
export const MAX_FILE = 20 * 1024 ** 3;

/** A link is not followed, and opening a pipe does not wait for a writer. Windows has neither flag. */
const SAFELY = (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
const READ = constants.O_RDONLY | SAFELY;
/** The system's errors for opening a link and a socket. */
const NOT_A_FILE: readonly unknown[] = ['ELOOP', 'EMLINK', 'ENXIO'];

/** Opens a file for reading. Throws `refused` for anything but a plain file, and Node's errors. */
export const openPlain = (local: string): Promise<FileHandle> => openRegular(local, READ);

/** Opens a file outside every mirror for reading: links are followed, and nothing but a file is opened. Throws as {@link openPlain}. */
export const openElsewhere = (local: string): Promise<FileHandle> =>
  openRegular(local, READ & ~(constants.O_NOFOLLOW ?? 0));

async function openRegular(local: string, flags: number): Promise<FileHandle> {
  const file = await open(local, flags).catch((error: unknown) => explainOpen(error, local));
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw notOwn(local, 'file');
}

/** Does what {@link openPlain} does, synchronously; returns the descriptor. */
export function openPlainSync(local: string): number {
  const file = openOrExplain(local);
  if (fstatSync(file).isFile()) return file;
  closeSync(file);
  throw notOwn(local, 'file');
}

function openOrExplain(local: string): number {
  try {
    return openSync(local, READ);
  } catch (error) {
    return explainOpen(error, local);
  }
}

function explainOpen(error: unknown, local: string): never {
  if (error instanceof Error && 'code' in error && NOT_A_FILE.includes(error.code))
    throw notOwn(local, 'file');
  throw error;
}

/**
 * Opens a file that grows: at its end, or instead of what is there, which is removed and not truncated, because it may have
 * a second name outside the mirror.
 */
export async function openForAppending(local: string, offset: number): Promise<FileHandle> {
  if (offset > 0) return open(local, constants.O_WRONLY | constants.O_APPEND | SAFELY);
  await rm(local, { force: true });
  return open(local, 'wx', 0o644);
}

/** Reads an open file of at most `limit` bytes, and stops one byte after that. Throws `too-large` naming `where`. */
export async function readUpTo(
  file: FileHandle,
  limit: number,
  where: string,
): Promise<Uint8Array<ArrayBuffer>> {
  // Its size is only what to expect: it may change while it is read.
  const bytes = new Uint8Array(Math.min((await file.stat()).size, limit) + 1);
  let length = 0;
  for (let count = 1; count > 0 && length < bytes.length; length += count) {
    count = (await file.read(bytes, length, bytes.length - length, length)).bytesRead;
  }
  if (length <= limit) return bytes.subarray(0, length);
  throw new MirrorError('too-large', `${where} is longer than ${limit} bytes.`, { where });
}
