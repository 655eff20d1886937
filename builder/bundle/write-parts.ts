import { createHash } from 'node:crypto';
import { realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, format, join, parse, relative, resolve, sep } from 'node:path';
import { MirrorError } from '../../format/errors.ts';
import type { SnapshotEntry } from '../../format/snapshot/entry.ts';
import { openMirrorFile } from '../directory/read.ts';
import { ifPresent } from '../directory/write.ts';
import type { Amount } from '../fetch/fetch.ts';
import type { Reporter } from '../reporter.ts';
import type { About } from './about.ts';
import type { CarriedFile } from './carried.ts';
import { type Head, headMembers } from './head.ts';
import { PartWriter } from './part-writer.ts';

const CHUNK_SIZE = 512 * 1024;

/** What all parts of a bundle have in common. */
export interface Whole extends Pick<Head, 'signed' | 'leaves'>, Pick<About, 'since'> {
  directory: string;
}

/** A part that was written, and its size in bytes. */
export interface WrittenPart {
  path: string;
  bytes: number;
}

/**
 * Writes the parts of a bundle, each under a temporary name until all are complete. Throws `mismatch` or `missing` for a file
 * that is not as it was signed.
 */
export async function writeParts(
  output: string,
  { since, ...whole }: Whole,
  parts: readonly CarriedFile[][],
  reporter: Reporter,
): Promise<WrittenPart[]> {
  const report = progressOf(parts.flat(), reporter);
  const paths = parts.map((_, index) => partPath(output, index + 1, parts.length));
  return movedWhenComplete(paths, async (temporary, index) => {
    const about = { part: index + 1, parts: parts.length, since };
    await writePart(temporary, { ...whole, about }, parts[index] ?? [], report);
  });
}

/** Writes a receipt: a bundle without files, from which the next `bundle` learns what a mirror has. */
export async function writeReceipt(output: string, whole: Omit<Whole, 'since'>): Promise<void> {
  const about = { part: 1, parts: 1, since: whole.signed.snapshot.version };
  await movedWhenComplete([output], (temporary) =>
    writePart(temporary, { ...whole, about }, [], () => undefined),
  );
}

/**
 * Throws, before the work, for a place where no output can be written: `usage` for what does not name a file, or is inside the
 * mirror, where no snapshot would name it; `missing` without its folder, such as a stick that is not mounted.
 */
export async function expectOutput(output: string, directory: string): Promise<void> {
  const refuse = (message: string): MirrorError => new MirrorError('usage', message, { where: output });
  const isFolder = (await ifPresent(stat(output)))?.isDirectory() ?? /[\\/]$/.test(output);
  if (isFolder || output === '-') throw refuse(`${output} does not name a file to write: name one.`);
  const folder = dirname(output);
  if (!(await ifPresent(stat(folder)))?.isDirectory()) {
    const message = `There is no folder ${folder} to write ${output} into.`;
    throw new MirrorError('missing', message, { where: folder });
  }
  const path = relative(await realOf(directory), join(await realOf(folder), basename(output)));
  const isOutside = path === '..' || path.startsWith(`..${sep}`) || resolve(path) === path;
  if (!isOutside) throw refuse(`${output} is inside the mirror: write it elsewhere.`);
}

/** Returns a path without links, or the path itself if nothing is there. */
const realOf = async (path: string): Promise<string> => (await ifPresent(realpath(path))) ?? resolve(path);

/** Returns the sum of files. */
export const amountOf = (files: readonly CarriedFile[]): Amount => ({
  files: files.length,
  bytes: files.reduce((sum, { size }) => sum + size, 0),
});

/** Returns the path of a part: of several, each has its number before the extension. */
function partPath(output: string, part: number, parts: number): string {
  if (parts === 1) return output;
  const { dir, name, ext } = parse(output);
  return format({ dir, name: `${name}-${part}`, ext });
}

async function movedWhenComplete(
  paths: readonly string[],
  write: (temporary: string, index: number) => Promise<void>,
): Promise<WrittenPart[]> {
  const files = paths.map((path) => ({ path, temporary: `${path}.tmp` }));
  try {
    for (const [index, { temporary }] of files.entries()) {
      // What a killed run left there may be a link, or have a second name: it is never written to.
      await rm(temporary, { force: true });
      await write(temporary, index);
    }
    for (const { path, temporary } of files) await rename(temporary, path);
  } catch (error) {
    for (const { temporary } of files) await rm(temporary, { force: true });
    throw error;
  }
  return Promise.all(paths.map(async (path) => ({ path, bytes: (await stat(path)).size })));
}

/** Called with the bytes of a chunk that was written, and at the end of each file with `true`. */
type Report = (bytes: number, isWhole?: boolean) => void;

function progressOf(files: readonly CarriedFile[], reporter: Reporter): Report {
  const total = amountOf(files);
  const progress = { label: 'Bundling', done: 0, total: total.files, bytes: 0, totalBytes: total.bytes };
  return (bytes, isWhole = false) => {
    progress.bytes += bytes;
    if (isWhole) progress.done += 1;
    reporter.progress(progress);
  };
}

async function writePart(
  local: string,
  { directory, ...head }: Omit<Head, 'entries'> & Pick<Whole, 'directory'>,
  files: readonly CarriedFile[],
  report: Report,
): Promise<void> {
  const writer = new PartWriter(local);
  try {
    for (const { header, bytes } of headMembers(head)) await writer.add(header, [bytes]);
    for (const { entry, size } of files) {
      const { name, modified } = entry;
      await writer.add({ name, size, modified }, asSigned(directory, entry, size, report));
      report(0, true);
    }
    await writer.finish();
  } catch (error) {
    await writer.abandon();
    throw error;
  }
}

/** Reads a file, and throws before its end unless its bytes are those that were signed. */
async function* asSigned(
  directory: string,
  { name: where, sha256: expected }: SnapshotEntry,
  size: number,
  report: Report,
): AsyncGenerator<Uint8Array> {
  const file = await openMirrorFile(directory, where);
  if (!file) throw new MirrorError('missing', `${where} is missing: run verify.`, { where });
  try {
    const found = (await file.stat()).size;
    if (found !== size) throw notAsSigned(where, `${size} bytes`, `${found} bytes`);
    const hash = createHash('sha256');
    for await (const chunk of file.createReadStream({
      highWaterMark: CHUNK_SIZE,
      end: size,
      autoClose: false,
    })) {
      hash.update(chunk);
      yield chunk;
      report(chunk.length);
    }
    const digest = hash.digest('hex');
    if (digest !== expected) throw notAsSigned(where, expected, digest);
  } finally {
    await file.close();
  }
}

const notAsSigned = (where: string, expected: string, found: string): MirrorError =>
  new MirrorError('mismatch', `${where} is not as it was signed, and no bundle was written: run verify.`, {
    ...{ where, expected, found },
  });
