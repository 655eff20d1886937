import { hash } from 'node:crypto';
import { extname } from 'node:path';
import { Tinypool } from 'tinypool';
import type { HashAlgorithm, HashFailure, HashJob, HashResult } from './hash-thread.ts';
import { notOwn } from './paths.ts';
import { MAX_FILE } from './plain-file.ts';

/** Digests of a file, in hex, and its size in bytes. */
export interface FileDigest {
  size: number;
  sha256: string;
  md5: string;
}

/** A file, and the most bytes of it that are hashed. */
export interface FileToHash {
  file: string;
  limit?: number | undefined;
}

/** The size of a file in bytes, and its SHA-256 in hex, empty if the file is longer than its limit. */
export type HashedFile = Pick<FileDigest, 'size' | 'sha256'>;

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

/** Starts the first thread, for callers that will soon hash files. */
export const startThreads = (): void => void threads();

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

/**
 * Returns the SHA-256 of each of several files in hex and its size in bytes, in their order, as {@link hashFile} does, or why it cannot be
 * read. One thread reads them all: for small files, the messages between threads take longer than the work.
 */
export async function hashFiles(files: readonly FileToHash[]): Promise<(HashedFile | Error)[]> {
  const jobs = files.map(({ file, limit = MAX_FILE }) => ({ file, limit, algorithms: ['sha256'] as const }));
  return (await runJobs(jobs)).map((result) =>
    'message' in result ? errorOf(result) : { size: result.size, sha256: result.digests[0] ?? '' },
  );
}

async function hashInPool(job: HashJob): Promise<HashResult> {
  const [result] = await runJobs([job]);
  if (!result || 'message' in result)
    throw result ? errorOf(result) : new Error('A thread returned nothing.');
  return result;
}

async function runJobs(jobs: readonly HashJob[]): Promise<(HashResult | HashFailure)[]> {
  const { promise: failure, reject } = Promise.withResolvers<never>();
  waiting.add(reject);
  try {
    return await Promise.race([threads().run(jobs), failure]);
  } finally {
    waiting.delete(reject);
  }
}

function errorOf({ where, message, ...system }: HashFailure): Error {
  return where === undefined ? Object.assign(new Error(message), system) : notOwn(where, 'file');
}
