import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';

export type HashAlgorithm = 'sha256' | 'md5' | 'blake2b512';

/** A file to hash, by its path or as an open descriptor, which is read from its beginning. */
export interface HashJob {
  file: string | number;
  algorithms: readonly HashAlgorithm[];
}

/** Size of the file in bytes, and its digests in hex, in the order of the algorithms. */
export interface HashResult {
  size: number;
  digests: string[];
}

const buffer = Buffer.allocUnsafe(1024 * 1024);

/** Hashes a file on a thread of the pool in `hash.ts`. Reads synchronously, which is fastest and blocks only this thread. */
export default function hashJob({ file, algorithms }: HashJob): HashResult {
  try {
    if (typeof file === 'number') return hash(file, algorithms);
    const opened = openSync(file, 'r');
    try {
      return hash(opened, algorithms);
    } finally {
      closeSync(opened);
    }
  } catch (error) {
    // Between threads an error loses all fields but its message and cause.
    const { message, code, syscall, path } = error as NodeJS.ErrnoException;
    throw new Error(message, { cause: { code, syscall, path } });
  }
}

function hash(file: number, algorithms: HashJob['algorithms']): HashResult {
  const hashes = algorithms.map((algorithm) => createHash(algorithm));
  let size = 0;
  for (;;) {
    const length = readSync(file, buffer, 0, buffer.length, size);
    if (length === 0) return { size, digests: hashes.map((one) => one.digest('hex')) };
    for (const one of hashes) one.update(buffer.subarray(0, length));
    size += length;
  }
}
