import { lstat } from 'node:fs/promises';
import { MirrorError } from '../../format/errors.ts';
import { isOffered, isOwnFile, type SnapshotEntry } from '../../format/snapshot/entry.ts';
import { ownFile } from '../directory/paths.ts';
import { ifPresent } from '../directory/write.ts';
import { END_SIZE, memberSize } from './part-writer.ts';

/** A file that a bundle carries. */
export interface CarriedFile {
  entry: SnapshotEntry;
  /** Bytes. */
  size: number;
}

/** The files that a bundle carries, and the number of files on demand that the folder does not have. */
export interface Cargo {
  files: CarriedFile[];
  absent: number;
}

/**
 * Returns the files of a mirror that somebody who has `base` may lack, in the order of their names. Superseded files whose
 * time has come are left out, and so are files on demand that the folder does not have.
 */
export async function filesToCarry(
  directory: string,
  entries: readonly SnapshotEntry[],
  base: readonly SnapshotEntry[],
  now: Date,
): Promise<Cargo> {
  const there = new Map(base.filter((entry) => isOffered(entry, now)).map((entry) => [entry.name, entry]));
  const files: CarriedFile[] = [];
  let absent = 0;
  for (const entry of entries.filter((entry) => isOwnFile(entry) && isOffered(entry, now))) {
    if (isThere(there.get(entry.name), entry)) continue;
    const size = entry.source === undefined ? entry.size : await sizeOnDisk(directory, entry.name);
    if (size === undefined) absent += 1;
    else files.push({ entry, size });
  }
  return { files, absent };
}

/** Returns true if whoever has the one has the other. Nobody knows that of a file on demand. */
const isThere = (before: SnapshotEntry | undefined, { sha256 }: SnapshotEntry): boolean =>
  before?.sha256 === sha256 && before.source === undefined;

const sizeOnDisk = async (directory: string, path: string): Promise<number | undefined> =>
  (await ifPresent(lstat(ownFile(directory, path))))?.size;

/**
 * Splits files into parts, in order. Each part has a head of `headSize` bytes and is at most `maxSize` bytes long. Throws
 * `too-large` for a file that fits into no part: a file is never split.
 */
export function splitIntoParts(
  files: readonly CarriedFile[],
  headSize: number,
  maxSize: number,
): CarriedFile[][] {
  const least = headSize + END_SIZE;
  if (least > maxSize) throw tooLarge('The signed list, which is in every part', least, maxSize);
  const parts: CarriedFile[][] = [[]];
  let length = least;
  for (const file of files) {
    const size = memberSize({ name: file.entry.name, size: file.size });
    if (least + size > maxSize) throw tooLarge(file.entry.name, least + size, maxSize);
    if (length + size > maxSize) {
      parts.push([]);
      length = least;
    }
    parts.at(-1)?.push(file);
    length += size;
  }
  return parts;
}

function tooLarge(what: string, needed: number, maxSize: number): MirrorError {
  const message = `${what} does not fit into a part: choose a --max-size of at least ${needed} bytes.`;
  return new MirrorError('too-large', message, {
    where: what,
    expected: `${maxSize} bytes`,
    found: `${needed} bytes`,
  });
}
