import { createHash, randomBytes } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { type FileHandle, lstat, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hasCode, MirrorError } from '../../format/errors.ts';
import { fetchedKey } from '../../format/layout.ts';
import { filePathOf, type OnDemandEntry } from '../../format/snapshot/entry.ts';
import { ownFile } from './paths.ts';
import { ifPresent, makeFolder } from './write.ts';

const PART = '.part';
/** A part that nobody has written to for so long is left over from a process that was killed, milliseconds. */
const ABANDONED = 60 * 60 * 1000;

/**
 * Writes the bytes of a file on demand into a cache folder, under its SHA-256: whole and as signed, or not at all. Returns what
 * the file is. Throws `mismatch` for other bytes, `upstream` when the disk fails, and what the body throws.
 */
export async function keepFetched(
  folder: string,
  entry: OnDemandEntry,
  size: number,
  body: AsyncIterable<Uint8Array>,
): Promise<BigIntStats> {
  const target = await onDisk(entry, async () => {
    const place = ownFile(folder, fetchedKey(entry.sha256));
    await makeFolder(dirname(place));
    return place;
  });
  const part = `${target}.${randomBytes(6).toString('hex')}${PART}`;
  const file = await onDisk(entry, () => open(part, 'wx', 0o644));
  try {
    const found = await write(file, entry, size, body);
    if (found !== entry.sha256) throw otherBytes(entry, found);
    return await onDisk(entry, async () => {
      await file.sync();
      await rename(part, target);
      return file.stat({ bigint: true });
    });
  } catch (error) {
    await rm(part, { force: true }).catch(() => undefined);
    throw error;
  } finally {
    await file.close();
  }
}

/** Writes a body of exactly `size` bytes; returns its SHA-256. */
async function write(
  file: FileHandle,
  entry: OnDemandEntry,
  size: number,
  body: AsyncIterable<Uint8Array>,
): Promise<string> {
  const hash = createHash('sha256');
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > size) break;
    hash.update(chunk);
    await onDisk(entry, () => file.writeFile(chunk));
  }
  if (length === size) return hash.digest('hex');
  throw new Error(`${length > size ? 'more' : 'fewer'} than ${size} bytes came`);
}

/**
 * Removes what processes that were killed left in a cache folder. One that is at work keeps its parts. Throws if the folder cannot
 * be read or written.
 */
export async function removeAbandonedParts(folder: string, now: Date): Promise<void> {
  const place = dirname(ownFile(folder, fetchedKey('0'.repeat(64))));
  for (const name of (await ifPresent(readdir(place))) ?? []) {
    if (!name.endsWith(PART)) continue;
    const part = join(place, name);
    const found = await ifPresent(lstat(part));
    if (found && found.mtimeMs < now.getTime() - ABANDONED) await rm(part, { force: true });
  }
}

const otherBytes = (entry: OnDemandEntry, found: string): MirrorError =>
  new MirrorError('mismatch', `What came for ${filePathOf(entry)} is not as signed.`, {
    where: filePathOf(entry),
    expected: entry.sha256,
    found,
  });

/** Names the file as clients know it: where the folder is on this machine is nobody's business. */
async function onDisk<T>(entry: OnDemandEntry, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const where = filePathOf(entry);
    const reason = hasCode(cause, 'refused')
      ? 'its place in the cache folder is a link or a special file'
      : ((cause as NodeJS.ErrnoException).code ?? 'no reason given');
    throw new MirrorError('upstream', `${where} cannot be kept: ${reason}.`, { where, cause });
  }
}
