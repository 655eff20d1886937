import { createHash } from 'node:crypto';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { MirrorError } from '../../format/errors.ts';
import { digestFile, type FileDigest } from '../directory/hash.ts';
import { incomingDirectory } from '../directory/paths.ts';
import { ifPresent } from '../directory/write.ts';
import { tooLarge } from '../http/request.ts';
import { withRetries } from '../http/retry.ts';
import type { OpenedFile, UpstreamLocation } from '../upstream/location.ts';

/** Longest package, in bytes. */
const MAX_SIZE = 20 * 1024 ** 3;

/** A file to download, and the SHA-256 that it must have. */
export interface Download {
  url: URL;
  /** SHA-256 that the upstream's index declares, hex. */
  sha256: string;
}

/** Called with the length of each chunk as it is written. */
type OnBytes = (count: number) => void;

/**
 * Downloads a file into the mirror's `incoming` folder, under its SHA-256. Continues a broken connection, and what an
 * earlier run left. Throws `mismatch` when the bytes are not those declared, `too-large`, Node's file system errors, or
 * what the upstream throws.
 */
export async function download(
  upstream: UpstreamLocation,
  directory: string,
  { url, sha256 }: Download,
  onBytes: OnBytes,
): Promise<FileDigest> {
  await mkdir(incomingDirectory(directory), { recursive: true });
  const target = join(incomingDirectory(directory), sha256);
  const present = await ifPresent(digestFile(target));
  if (present?.sha256 === sha256) return present;
  const part = `${target}.part`;
  const isPieced = await fetchRest(upstream, url, part, onBytes);
  let digest = await digestFile(part);
  // The pieces may be of different files: only a download in one piece proves the upstream wrong.
  if (digest.sha256 !== sha256 && isPieced) {
    await rm(part);
    await fetchRest(upstream, url, part, onBytes);
    digest = await digestFile(part);
  }
  if (digest.sha256 !== sha256) {
    await rm(part);
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
  url: URL,
  onBytes: OnBytes,
): Promise<FileDigest> {
  await mkdir(incomingDirectory(directory), { recursive: true });
  const name = createHash('sha256').update(url.href).digest('hex');
  const part = join(incomingDirectory(directory), `${name}.unchecked`);
  try {
    await withRetries(async () => append(part, await upstream.open(url, 0, MAX_SIZE), url, onBytes));
    const digest = await digestFile(part);
    await rename(part, join(incomingDirectory(directory), digest.sha256));
    return digest;
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

/** Completes a part, from where it ends. Returns true if the result is of more than one answer. */
async function fetchRest(
  upstream: UpstreamLocation,
  url: URL,
  part: string,
  onBytes: OnBytes,
): Promise<boolean> {
  let received = 0;
  const count: OnBytes = (bytes) => {
    received += bytes;
    onBytes(bytes);
  };
  const fetchOnce = async (): Promise<boolean> => {
    const { size } = (await ifPresent(stat(part))) ?? { size: 0 };
    const opened = await upstream.open(url, size, MAX_SIZE);
    await append(part, opened, url, count);
    return opened.offset > 0;
  };
  try {
    return await withRetries(fetchOnce, () => received);
  } catch (error) {
    // The next run could not continue a part that is too large.
    if (error instanceof MirrorError && error.code === 'too-large') await rm(part, { force: true });
    throw error;
  }
}

/** Writes an answer to disk: behind what the part has, or in its place. Keeps what came before an error. */
async function append(
  part: string,
  { offset, chunks }: OpenedFile,
  url: URL,
  onBytes: OnBytes,
): Promise<void> {
  const file = await open(part, offset > 0 ? 'a' : 'w', 0o644);
  let size = offset;
  try {
    for await (const chunk of chunks) {
      await file.writeFile(chunk);
      size += chunk.length;
      if (size > MAX_SIZE) throw tooLarge(url.href, MAX_SIZE);
      onBytes(chunk.length);
    }
    await file.sync();
  } finally {
    await file.close();
  }
}
