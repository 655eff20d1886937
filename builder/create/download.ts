import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { MirrorError } from '../../format/errors.ts';
import { DigestCounter, digestFile, type FileDigest, feed } from '../directory/hash.ts';
import { incomingDirectory } from '../directory/paths.ts';
import { isAbsent, isPresent } from '../directory/write.ts';
import { withRetries } from '../http/retry.ts';
import type { UpstreamLocation } from '../upstream/location.ts';

const MAX_SIZE = 20 * 1024 ** 3;

/** A file to bring in, and what it must hash to. */
export interface Download {
  url: URL;
  /** SHA-256 that the upstream's index declares, hex. */
  sha256: string;
}

/**
 * Brings a file into the mirror's `incoming` folder under its SHA-256, hashing it as it streams. An earlier part is
 * continued; so is a broken connection. Throws `mismatch` when the bytes are not those declared, `too-large`, or
 * what the upstream throws. `onBytes` is told of bytes as they arrive.
 */
export async function download(
  upstream: UpstreamLocation,
  directory: string,
  { url, sha256 }: Download,
  onBytes: (count: number) => void,
): Promise<FileDigest> {
  await mkdir(incomingDirectory(directory), { recursive: true });
  const target = join(incomingDirectory(directory), sha256);
  const present = await digestFile(target).catch(absent);
  if (present?.sha256 === sha256) return present;
  const part = `${target}.part`;
  const resumed = await isPresent(part);
  let digest = await fetchWhole(upstream, url, part, onBytes);
  // A part from an earlier run may be what is wrong: only a fresh download accuses the upstream.
  if (digest.sha256 !== sha256 && resumed) {
    await rm(part, { force: true });
    digest = await fetchWhole(upstream, url, part, onBytes);
  }
  if (digest.sha256 !== sha256) {
    await rm(part, { force: true });
    throw new MirrorError('mismatch', `${url.href} is not the file that the upstream's index describes.`, {
      where: url.href,
      expected: sha256,
      found: digest.sha256,
    });
  }
  await rename(part, target);
  return digest;
}

async function fetchWhole(
  upstream: UpstreamLocation,
  url: URL,
  part: string,
  onBytes: (count: number) => void,
): Promise<FileDigest> {
  try {
    return await withRetries(() => fetchPart(upstream, url, part, onBytes));
  } catch (error) {
    // What is too large is of no use to the next run either.
    if (error instanceof MirrorError && error.code === 'too-large') await rm(part, { force: true });
    throw error;
  }
}

async function fetchPart(
  upstream: UpstreamLocation,
  url: URL,
  part: string,
  onBytes: (count: number) => void,
): Promise<FileDigest> {
  let counter = new DigestCounter();
  const had = await feed(part, counter).catch((error) => absent(error) ?? 0);
  const { offset, chunks } = await upstream.open(url, had);
  if (offset !== had) counter = new DigestCounter();
  const file = await open(part, had > 0 ? 'r+' : 'w');
  try {
    await file.truncate(offset);
    await append(file, chunks, counter, url, onBytes);
    await file.sync();
    return counter.digest();
  } finally {
    await file.close();
  }
}

/** Writes chunks to a file behind what `counter` has counted. */
export async function append(
  file: FileHandle,
  chunks: AsyncIterable<Uint8Array>,
  counter: DigestCounter,
  url: URL,
  onBytes: (count: number) => void,
): Promise<void> {
  for await (const chunk of chunks) {
    const at = counter.size;
    counter.update(chunk);
    if (counter.size > MAX_SIZE) {
      throw new MirrorError('too-large', `${url.href} is longer than ${MAX_SIZE} bytes.`, {
        where: url.href,
      });
    }
    await file.write(chunk, 0, chunk.length, at);
    onBytes(chunk.length);
  }
}

function absent(error: unknown): undefined {
  if (isAbsent(error)) return undefined;
  throw error;
}
