import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { MirrorError } from '../../format/errors.ts';
import { digestFile, type FileDigest } from '../directory/hash.ts';
import { incomingDirectory } from '../directory/paths.ts';
import { isAbsent } from '../directory/write.ts';
import { withRetries } from '../http/retry.ts';
import { tooLarge, type UpstreamLocation } from '../upstream/location.ts';
import { PartWriter } from './part-writer.ts';

/** Bytes of the longest package. */
export const MAX_SIZE = 20 * 1024 ** 3;

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
  const part = new PartFile(`${target}.part`, url, onBytes);
  let digest = await part.fetch(upstream);
  // Of several pieces, some may be another file's: only a download that began afresh accuses the upstream.
  if (digest.sha256 !== sha256 && part.isPieced) {
    await part.drop();
    digest = await part.fetch(upstream);
  }
  if (digest.sha256 !== sha256) {
    await part.drop();
    throw new MirrorError('mismatch', `${url.href} is not the file that the upstream's index describes.`, {
      where: url.href,
      expected: sha256,
      found: digest.sha256,
    });
  }
  await rename(part.path, target);
  return digest;
}

/** A file on its way in, which goes on where it broke off, in this run or an earlier one. */
class PartFile {
  readonly path: string;
  readonly #url: URL;
  readonly #onBytes: (count: number) => void;
  /** True once bytes were put behind those of an earlier answer. */
  isPieced = false;

  constructor(path: string, url: URL, onBytes: (count: number) => void) {
    this.path = path;
    this.#url = url;
    this.#onBytes = onBytes;
  }

  drop = (): Promise<void> => rm(this.path, { force: true });

  /** All of the file, and what it hashes to. */
  async fetch(upstream: UpstreamLocation): Promise<FileDigest> {
    let received = 0;
    const onBytes = (count: number): void => {
      received += count;
      this.#onBytes(count);
    };
    try {
      return await withRetries(
        () => this.#fetchRest(upstream, onBytes),
        () => received,
      );
    } catch (error) {
      // What is too large is of no use to the next run either.
      if (error instanceof MirrorError && error.code === 'too-large') await this.drop();
      throw error;
    }
  }

  async #fetchRest(upstream: UpstreamLocation, onBytes: (count: number) => void): Promise<FileDigest> {
    const writer = await PartWriter.open(this.path);
    try {
      const { offset, chunks } = await upstream.open(this.#url, writer.size, MAX_SIZE);
      if (offset > 0) this.isPieced = true;
      else writer.restart();
      return await receive(writer, chunks, this.#url, onBytes);
    } finally {
      await writer.close();
      if (writer.size === 0) await this.drop();
    }
  }
}

/** Writes chunks behind what a part has, and tells what the whole hashes to. Throws `too-large`, or what chunks throw. */
export async function receive(
  writer: PartWriter,
  chunks: AsyncIterable<Uint8Array>,
  url: URL,
  onBytes: (count: number) => void,
): Promise<FileDigest> {
  for await (const chunk of chunks) {
    await writer.write(chunk);
    if (writer.size > MAX_SIZE) throw tooLarge(url.href, MAX_SIZE);
    onBytes(chunk.length);
  }
  return writer.finish();
}

function absent(error: unknown): undefined {
  if (isAbsent(error)) return undefined;
  throw error;
}
