import { createHash } from 'node:crypto';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileDigest } from '../directory/hash.ts';
import { incomingDirectory } from '../directory/paths.ts';
import { withRetries } from '../http/retry.ts';
import type { UpstreamLocation } from '../upstream/location.ts';
import { MAX_SIZE, receive } from './download.ts';
import { PartWriter } from './part-writer.ts';

/**
 * Brings a file that nothing describes into the mirror's `incoming` folder, under the SHA-256 that it turns out to have.
 * A broken connection starts over: without a checksum, two halves may be of two files. Throws as `download` does.
 */
export async function downloadUnchecked(
  upstream: UpstreamLocation,
  directory: string,
  url: URL,
  onBytes: (count: number) => void,
): Promise<FileDigest> {
  await mkdir(incomingDirectory(directory), { recursive: true });
  const name = createHash('sha256').update(url.href).digest('hex');
  const part = join(incomingDirectory(directory), `${name}.unchecked`);
  const digest = await withRetries(async () => {
    const { chunks } = await upstream.open(url, 0, MAX_SIZE);
    const writer = await PartWriter.open(part);
    try {
      writer.restart();
      return await receive(writer, chunks, url, onBytes);
    } finally {
      await writer.close();
    }
  }).catch(async (error: unknown) => {
    await rm(part, { force: true });
    throw error;
  });
  await rename(part, join(incomingDirectory(directory), digest.sha256));
  return digest;
}
