import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { crc32, createInflateRaw } from 'node:zlib';
import { MirrorError, messageOf } from '../../format/errors.ts';
import { ungzippedPath } from '../../format/layout.ts';
import type { SnapshotEntry } from '../../format/snapshot/entry.ts';
import type { ReportBuilder } from '../../format/verify/report.ts';
import { openPlain } from '../directory/plain-file.ts';

/** Longest gzip header that is read, bytes. */
const MAX_HEADER = 4096;
/** Checksum and length at the end of a gzip member, bytes. */
const TRAILER = 8;
/** What a gzip header has besides its first ten bytes. */
const FLAGS = { checksum: 2, extra: 4, name: 8, comment: 16 } as const;

/** A compressed file, and the file that it must decode to. */
interface Pair {
  compressed: SnapshotEntry;
  plain: SnapshotEntry | undefined;
}

/**
 * Checks that each compressed file of Homebrew's API decodes to the file that it stands for (docs/format.md section 9, step 8):
 * servers send the one in place of the other. `localPathOf` returns the local file that holds a path of the mirror.
 */
export async function checkCompressed(
  localPathOf: (path: string) => string,
  entries: readonly SnapshotEntry[],
  report: ReportBuilder,
): Promise<void> {
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  const pairs = entries.flatMap((compressed): Pair[] => {
    const path = ungzippedPath(compressed.name);
    return path === undefined ? [] : [{ compressed, plain: byName.get(path) }];
  });
  if (pairs.length === 0) return;
  await report.attempt('compressed files', 'api/', async () => {
    const problems: MirrorError[] = [];
    for (const pair of pairs) {
      const problem = await problemOf(pair, localPathOf(pair.compressed.name));
      if (problem) problems.push(problem);
    }
    return problems.length > 0 ? problems : `decode to the files beside them (files: ${pairs.length})`;
  });
}

async function problemOf({ compressed, plain }: Pair, local: string): Promise<MirrorError | undefined> {
  const where = compressed.name;
  if (plain?.size === undefined || compressed.size === undefined) {
    return new MirrorError('mismatch', `${where} is the compressed form of a file that is not listed.`, {
      where,
    });
  }
  const { size } = compressed;
  const found = await decodedSha256(local, size, plain.size).catch((error: unknown) => messageOf(error));
  if (found === plain.sha256) return undefined;
  const message = `${where} does not decode to ${plain.name}.`;
  return new MirrorError('mismatch', message, { where, expected: plain.sha256, found });
}

/**
 * Returns the SHA-256 of the bytes that a file of `size` bytes decodes to. Throws for anything but one gzip member with
 * `plainSize` bytes in it: decoders differ in what they make of bytes after a member (RFC 1952 section 2.2).
 */
async function decodedSha256(local: string, size: number, plainSize: number): Promise<string> {
  const file = await openPlain(local);
  try {
    if ((await file.stat()).size !== size) throw new Error(`not ${size} bytes`);
    const start = headerLength(await readAt(file, 0, Math.min(size, MAX_HEADER)));
    const decoder = createInflateRaw();
    const hash = createHash('sha256');
    let [length, sum] = [0, 0];
    const encoded = file.createReadStream({ start, end: size - 1, autoClose: false });
    await pipeline(encoded, decoder, async (decoded: AsyncIterable<Uint8Array>) => {
      for await (const chunk of decoded) {
        length += chunk.length;
        if (length > plainSize) throw new Error(`more than ${plainSize} bytes`);
        sum = crc32(chunk, sum);
        hash.update(chunk);
      }
    });
    if (start + decoder.bytesWritten + TRAILER !== size) throw new Error('more than one gzip member');
    const trailer = await readAt(file, size - TRAILER, TRAILER);
    if (trailer.readUInt32LE(0) !== sum || trailer.readUInt32LE(4) !== length % 2 ** 32)
      throw new Error('a wrong checksum at its end');
    return hash.digest('hex');
  } finally {
    await file.close();
  }
}

/** Returns the length of a gzip header (RFC 1952 section 2.3). Throws for bytes that do not begin with one. */
function headerLength(bytes: Buffer): number {
  if (bytes.length < 10 || bytes.readUInt32BE(0) >>> 8 !== 0x1f8b08) throw new Error('not gzip');
  const flags = bytes.readUInt8(3);
  let length = 10;
  if (flags & FLAGS.extra && bytes.length >= 12) length += 2 + bytes.readUInt16LE(10);
  for (const text of [FLAGS.name, FLAGS.comment]) if (flags & text) length = bytes.indexOf(0, length) + 1;
  if (flags & FLAGS.checksum) length += 2;
  if (length >= 10 && length < bytes.length) return length;
  throw new Error('a gzip header that does not end');
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}
