import { hash } from 'node:crypto';
import { extname } from 'node:path';
import { Tinypool } from 'tinypool';
import type { HashAlgorithm, HashJob, HashResult } from './hash-thread.ts';

/** Digests of a file, in hex, and its size in bytes. */
export interface FileDigest {
  size: number;
  sha256: string;
  md5: string;
}

/**
 * Threads that hash files, one per core. They start with the first job and keep no process alive. A thread is given its
 * next job while it works on one: otherwise it would be idle until this thread hears that it has finished.
 */
const pool = new Tinypool({
  // TypeScript in the checkout, JavaScript in the packed program.
  filename: new URL(`./hash-thread${extname(import.meta.url)}`, import.meta.url).href,
  minThreads: 0,
  concurrentTasksPerWorker: 2,
  idleTimeout: 60_000,
  // They allocate next to nothing, and need not hold memory for more.
  resourceLimits: { maxYoungGenerationSizeMb: 2 },
});

/** Returns the digests of bytes in memory. */
export const digestBytes = (bytes: Uint8Array): FileDigest => ({
  ...{ size: bytes.length, sha256: hash('sha256', bytes), md5: hash('md5', bytes) },
});

/** Returns the digests of a whole file. Throws Node's file system errors. */
export async function digestFile(path: string): Promise<FileDigest> {
  const { size, digests } = await hashInPool({ file: path, algorithms: ['sha256', 'md5'] });
  const [sha256 = '', md5 = ''] = digests;
  return { size, sha256, md5 };
}

/**
 * Returns one hash of a whole file, given by its path or as an open descriptor, and its size in bytes.
 * Throws Node's file system errors.
 */
export async function hashFile(
  file: string | number,
  algorithm: HashAlgorithm,
): Promise<{ size: number; hash: Buffer }> {
  const { size, digests } = await hashInPool({ file, algorithms: [algorithm] });
  return { size, hash: Buffer.from(digests[0] ?? '', 'hex') };
}

async function hashInPool(job: HashJob): Promise<HashResult> {
  try {
    return await pool.run(job);
  } catch (error) {
    throw error instanceof Error ? Object.assign(error, error.cause) : error;
  }
}
