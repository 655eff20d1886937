import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { lstat, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { MirrorError } from '../../format/errors.ts';
import { namingFile } from '../directory/disk-error.ts';
import { digestFile, type FileDigest } from '../directory/hash.ts';
import { incomingDirectory, notOwn } from '../directory/paths.ts';
import { MAX_FILE, openForAppending, openPlain } from '../directory/plain-file.ts';
import { ifPresent, isPresent, sync } from '../directory/write.ts';
import { alterationOf, BEGINNING, expectUnaltered } from '../http/altered.ts';
import { tooLarge } from '../http/request.ts';
import { withRetries } from '../http/retry.ts';
import type { OpenedFile, UpstreamLocation } from '../upstream/location.ts';

/** A file to ask for. */
interface Wanted {
  url: URL;
  /** By lower-case name. */
  headers?: Readonly<Record<string, string>> | undefined;
  /** Most bytes that it may have; by default, as many as any file. */
  limit?: number | undefined;
}

/** A file to download, and the SHA-256 that it must have. */
export interface Download extends Wanted {
  /** SHA-256 that the upstream's index declares, hex. */
  sha256: string;
}

/** Called with the length of each chunk as it is written, and the bytes that are still to come if the server has said how many. */
export type OnBytes = (count: number, rest: number | undefined) => void;

/**
 * Downloads a file into the mirror's `incoming` folder, under its SHA-256. Continues a broken connection, and what an
 * earlier run left. Throws `mismatch` when the bytes are not those declared, `unreachable` when something on the way changed
 * them, `too-large`, Node's file system errors, or what the upstream throws.
 */
export async function download(
  upstream: UpstreamLocation,
  directory: string,
  { sha256, ...wanted }: Download,
  onBytes: OnBytes,
): Promise<FileDigest> {
  const { url } = wanted;
  await mkdir(incomingDirectory(directory), { recursive: true });
  const target = join(incomingDirectory(directory), sha256);
  const present = (await isPresent(target)) ? await digestFile(target) : undefined;
  if (present?.sha256 === sha256) return present;
  const part = `${target}.part`;
  let last = await fetchRest(upstream, wanted, part, onBytes);
  let digest = await digestDurable(part);
  // The pieces may be of different files: only a download in one piece proves the upstream wrong.
  if (digest.sha256 !== sha256 && last.offset > 0) {
    await rm(part);
    last = await fetchRest(upstream, wanted, part, onBytes);
    digest = await digestDurable(part);
  }
  if (digest.sha256 !== sha256) {
    const alteration = last.answer && alterationOf(last.answer, url.href, await beginningOf(part));
    await rm(part);
    if (alteration) throw alteration;
    throw new MirrorError('mismatch', `${url.href} is not the file that the upstream's index describes.`, {
      where: url.href,
      expected: sha256,
      found: digest.sha256,
    });
  }
  await rename(part, target);
  return digest;
}

/**
 * Downloads a file without a declared checksum into the mirror's `incoming` folder, under the SHA-256 that it has.
 * Starts over when the connection breaks: without a checksum, two halves may be of two files. Throws as {@link download}.
 */
export async function downloadUnchecked(
  upstream: UpstreamLocation,
  directory: string,
  { url, headers }: Wanted,
  onBytes: OnBytes,
): Promise<FileDigest> {
  await mkdir(incomingDirectory(directory), { recursive: true });
  const name = createHash('sha256').update(url.href).digest('hex');
  const part = join(incomingDirectory(directory), `${name}.unchecked`);
  try {
    await withRetries(async () => {
      const opened = await upstream.open(url, 0, MAX_FILE, headers);
      if (opened.answer) expectUnaltered(opened.answer, url.href);
      await append(part, opened, { url, limit: MAX_FILE }, onBytes);
    });
    const digest = await digestDurable(part);
    await rename(part, join(incomingDirectory(directory), digest.sha256));
    return digest;
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

/** Completes a part, from where it ends. Returns the last answer, which is the whole file if it began at 0. */
async function fetchRest(
  upstream: UpstreamLocation,
  { url, headers, limit = MAX_FILE }: Wanted,
  part: string,
  onBytes: OnBytes,
): Promise<OpenedFile> {
  let received = 0;
  const count: OnBytes = (bytes, rest) => {
    received += bytes;
    onBytes(bytes, rest);
  };
  const fetchOnce = async (): Promise<OpenedFile> => {
    const size = await sizeOfPart(part);
    const opened = await upstream.open(url, size, limit, headers);
    await append(part, opened, { url, limit }, count);
    return opened;
  };
  try {
    return await withRetries(fetchOnce, () => received);
  } catch (error) {
    // The next run could not continue a part that is too large.
    if (error instanceof MirrorError && error.code === 'too-large') await rm(part, { force: true });
    throw error;
  }
}

/** Returns the digests of a part, while the disk takes its bytes: the two need not wait for one another. */
async function digestDurable(part: string): Promise<FileDigest> {
  const [digest] = await Promise.all([digestFile(part), namingFile(part, () => sync(part))]);
  return digest;
}

async function beginningOf(local: string): Promise<Uint8Array> {
  const file = await openPlain(local);
  try {
    const { buffer, bytesRead } = await file.read(new Uint8Array(BEGINNING), 0, BEGINNING, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** Returns how much of a download is here. A part with a second name is not ours to continue: that name may be outside. */
async function sizeOfPart(part: string): Promise<number> {
  const found = await ifPresent(lstat(part));
  if (found && !found.isFile()) throw notOwn(part, 'file');
  return found?.nlink === 1 ? found.size : 0;
}

/**
 * Writes an answer to disk: behind what the part has, or in its place. Keeps what came before an error. Synchronous: handing
 * a chunk to another thread takes longer than copying it to the system, and further chunks would wait in memory.
 */
async function append(
  part: string,
  { offset, chunks, answer }: OpenedFile,
  { url, limit }: { url: URL; limit: number },
  onBytes: OnBytes,
): Promise<void> {
  const file = await openForAppending(part, offset);
  const end = offset + Number(answer?.header('content-length'));
  let size = offset;
  try {
    for await (const chunk of chunks) {
      await namingFile(part, () => writeFileSync(file.fd, chunk));
      size += chunk.length;
      if (size > limit) throw tooLarge(url.href, limit);
      onBytes(chunk.length, end >= size ? end - size : undefined);
    }
  } finally {
    await file.close();
  }
}
