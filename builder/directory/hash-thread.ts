import { createHash } from 'node:crypto';
import { closeSync, fstatSync, readSync } from 'node:fs';
import { openPlainSync } from './plain-file.ts';

export type HashAlgorithm = 'sha256' | 'md5' | 'blake2b512';

/** A file to hash, by its path or as an open descriptor, which is read from its beginning. */
export interface HashJob {
  file: string | number;
  algorithms: readonly HashAlgorithm[];
  /** Longest file that is hashed, bytes. Of a longer one only the size is returned. */
  limit: number;
}

/** Size of the file in bytes, and its digests in hex, in the order of the algorithms; no digests if it is too long. */
export interface HashResult {
  size: number;
  digests: string[];
}

/** Why a file cannot be hashed. Between threads an error would lose these fields. */
export type HashFailure = Pick<NodeJS.ErrnoException, 'message' | 'code' | 'syscall' | 'path'> & {
  where?: string;
};

const buffer = Buffer.allocUnsafe(256 * 1024);

/** Hashes files on a thread of the pool in `hash.ts`. Reads synchronously, which is fastest and blocks only this thread. */
export default function hashJobs(jobs: readonly HashJob[]): (HashResult | HashFailure)[] {
  return jobs.map((job) => {
    try {
      return hashJob(job);
    } catch (error) {
      const { message, code, syscall, path, where } = error as Error & HashFailure;
      return { message, code, syscall, path, where } as HashFailure;
    }
  });
}

function hashJob({ file, ...job }: HashJob): HashResult {
  if (typeof file === 'number') return hash(file, job);
  const opened = openPlainSync(file);
  try {
    return hash(opened, job);
  } finally {
    closeSync(opened);
  }
}

function hash(file: number, { algorithms, limit }: Omit<HashJob, 'file'>): HashResult {
  const { size: expected } = fstatSync(file);
  if (expected > limit) return { size: expected, digests: [] };
  const hashes = algorithms.map((algorithm) => createHash(algorithm));
  let size = 0;
  while (size <= limit) {
    const length = readSync(file, buffer, 0, buffer.length, size);
    if (length === 0) return { size, digests: hashes.map((one) => one.digest('hex')) };
    for (const one of hashes) one.update(buffer.subarray(0, length));
    size += length;
  }
  // It grew while it was read.
  return { size, digests: [] };
}
