import { hash } from 'node:crypto';
import { extname } from 'node:path';
import { Tinypool } from 'tinypool';
import type { HashAlgorithm, HashJob, HashResult } from './hash-thread.ts';
import { notOwn } from './paths.ts';
import { MAX_FILE } from './plain-file.ts';

/** Digests of a file, in hex, and its size in bytes. */
export interface FileDigest {
  size: number;
  sha256: string;
  md5: string;
}

let pool: Tinypool | undefined;
/** The jobs that are not done, by what makes them fail. */
const waiting = new Set<(error: Error) => void>();

/**
 * Returns the threads that hash files, at most one per core. The first starts with the first job and stays, so that later jobs
 * need no new thread; none keeps a process alive. A thread is given its next job while it works on one: otherwise it would be
 * idle until this thread hears that it has finished.
 */
function threads(): Tinypool {
  if (pool) return pool;
  const made = new Tinypool({
    // TypeScript in the checkout, JavaScript in the packed program.
    filename: new URL(`./hash-thread${extname(import.meta.url)}`, import.meta.url).href,
    minThreads: 1,
    concurrentTasksPerWorker: 2,
    idleTimeout: 60_000,
    // They allocate next to nothing, and need not hold memory for more.
    resourceLimits: { maxYoungGenerationSizeMb: 2 },
  });
  // A further thread that cannot start, for example with too many open files. If another one runs, it does the work.
  made.on('error', (error: Error) => {
    if (made.threads.length > 0) return;
    for (const fail of waiting) fail(error);
  });
  pool = made;
  return made;
}

/** Returns the digests of bytes in memory. */
export const digestBytes = (bytes: Uint8Array): FileDigest => ({
  ...{ size: bytes.length, sha256: hash('sha256', bytes), md5: hash('md5', bytes) },
});

/**
 * Returns the digests of a whole file, and of one longer than `limit` only the size, with empty digests. Follows no link.
 * Throws `refused` for anything but a plain file, and Node's file system errors.
 */
export async function digestFile(path: string, limit = MAX_FILE): Promise<FileDigest> {
  const { size, digests } = await hashInPool({ file: path, algorithms: ['sha256', 'md5'], limit });
  const [sha256 = '', md5 = ''] = digests;
  return { size, sha256, md5 };
}

/**
 * Returns one hash of a whole file, given by its path or as an open descriptor, and its size in bytes; of one longer than
 * `limit` only the size, with an empty hash. Throws as {@link digestFile}.
 */
export async function hashFile(
  file: string | number,
  algorithm: HashAlgorithm,
  limit = MAX_FILE,
): Promise<{ size: number; hash: Buffer }> {
  const { size, digests } = await hashInPool({ file, algorithms: [algorithm], limit });
  return { size, hash: Buffer.from(digests[0] ?? '', 'hex') };
}

/**
 * Returns the SHA-256 (hex) and the BLAKE2b-512, which is what gets signed, of the same bytes of a file; of one longer than
 * `limit`, both empty. Throws as {@link digestFile}.
 */
export async function hashSigned(
  file: string,
  limit: number,
): Promise<{ sha256: string; prehash: Uint8Array }> {
  const { digests } = await hashInPool({ file, algorithms: ['sha256', 'blake2b512'], limit });
  const [sha256 = '', prehash = ''] = digests;
  return { sha256, prehash: Buffer.from(prehash, 'hex') };
}

async function hashInPool(job: HashJob): Promise<HashResult> {
  const { promise: failure, reject } = Promise.withResolvers<never>();
  waiting.add(reject);
  try {
    return await Promise.race([threads().run(job), failure]);
  } catch (error) {
    // Errors of a job have the system's fields in their cause; those of the threads themselves have none.
    if (!(error instanceof Error && error.cause instanceof Object)) throw error;
    const { where, ...system } = error.cause as { where?: string };
    throw where === undefined ? Object.assign(error, system) : notOwn(where, 'file');
  } finally {
    waiting.delete(reject);
  }
}
