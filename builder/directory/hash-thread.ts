import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import type { HashAnswer, HashJob } from './hash-pool.ts';

const BUFFER_SIZE = 1024 * 1024;
const buffer = Buffer.allocUnsafe(BUFFER_SIZE);

// A thread of the pool: reads synchronously, which is fastest and holds up nobody here.
parentPort?.on('message', (job: HashJob) => parentPort?.postMessage(answer(job)));

function answer({ file, algorithms }: HashJob): HashAnswer {
  try {
    if (typeof file === 'number') return hash(file, algorithms);
    const opened = openSync(file, 'r');
    try {
      return hash(opened, algorithms);
    } finally {
      closeSync(opened);
    }
  } catch (error) {
    // What makes a file system's error one would be lost on the way.
    const { message, code, syscall, path } = error as NodeJS.ErrnoException;
    return { error: { message, code, syscall, path } };
  }
}

function hash(file: number, algorithms: HashJob['algorithms']): HashAnswer {
  const hashes = algorithms.map((algorithm) => createHash(algorithm));
  let size = 0;
  for (;;) {
    const length = readSync(file, buffer, 0, BUFFER_SIZE, size);
    if (length === 0) return { size, digests: hashes.map((one) => one.digest('hex')) };
    for (const one of hashes) one.update(buffer.subarray(0, length));
    size += length;
  }
}
