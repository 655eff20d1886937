import type { FileHandle } from 'node:fs/promises';
import { MirrorError } from '../../format/errors.ts';
import { ownFile } from './paths.ts';
import { openPlain, readUpTo } from './plain-file.ts';
import { ifPresent } from './write.ts';

/** Longest document of a mirror that is read where nothing signed says how long it is, bytes. */
export const MAX_DOCUMENT = 64 * 1024 * 1024;

/**
 * Reads a file of a mirror whole, if it is at most `limit` bytes. Throws `missing`, `too-large` or `refused`, naming its path in
 * the mirror or on this machine.
 */
export async function readMirrorFile(
  directory: string,
  path: string,
  limit: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const file = await openMirrorFile(directory, path);
  if (!file) throw new MirrorError('missing', `${path} is missing.`, { where: path });
  try {
    return await readUpTo(file, limit, path);
  } finally {
    await file.close();
  }
}

/** Opens a file of a mirror; returns `undefined` if it is absent. Throws `refused` unless it is a plain file of this mirror. */
export const openMirrorFile = async (directory: string, path: string): Promise<FileHandle | undefined> =>
  ifPresent(openPlain(ownFile(directory, path)));
