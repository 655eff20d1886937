import { availableParallelism } from 'node:os';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';

export type HashAlgorithm = 'sha256' | 'md5' | 'blake2b512';

/** A file to hash, by its path or as an open descriptor, which is read from its beginning. */
export interface HashJob {
  file: string | number;
  algorithms: readonly HashAlgorithm[];
}

/** What a thread answers: bytes and digests (hex, in the order asked), or what the file system threw. */
export type HashAnswer = { size: number; digests: string[] } | { error: FileSystemError };

type FileSystemError = Pick<NodeJS.ErrnoException, 'message' | 'code' | 'syscall' | 'path'>;

interface Waiting {
  job: HashJob;
  resolve(answer: { size: number; digests: string[] }): void;
  reject(error: unknown): void;
}

/** In the checkout the thread is TypeScript, in the packed program JavaScript. */
const THREAD = new URL(`./hash-thread${extname(import.meta.url)}`, import.meta.url);

/** Threads that hash files, as many as the machine has cores. They start when needed and keep no process alive. */
class HashPool {
  readonly #waiting: Waiting[] = [];
  readonly #idle: Worker[] = [];
  #threads = 0;

  /** Bytes and digests (hex) of a whole file. Throws Node's file system errors. */
  hash(
    file: HashJob['file'],
    algorithms: readonly HashAlgorithm[],
  ): Promise<{ size: number; digests: string[] }> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ job: { file, algorithms }, resolve, reject });
      this.#next();
    });
  }

  #next(): void {
    if (this.#waiting.length === 0) return;
    const thread = this.#idle.pop() ?? (this.#threads < availableParallelism() ? this.#start() : undefined);
    const waiting = thread && this.#waiting.shift();
    if (!waiting) return;
    const settle = (act: () => void): void => {
      thread.removeAllListeners('message').removeAllListeners('error').unref();
      act();
      this.#next();
    };
    thread.ref();
    thread.once('message', (answer: HashAnswer) =>
      settle(() => {
        this.#idle.push(thread);
        if ('error' in answer) waiting.reject(Object.assign(new Error(answer.error.message), answer.error));
        else waiting.resolve(answer);
      }),
    );
    thread.once('error', (error) =>
      settle(() => {
        this.#threads -= 1;
        waiting.reject(error);
      }),
    );
    thread.postMessage(waiting.job);
  }

  #start(): Worker {
    this.#threads += 1;
    return new Worker(THREAD);
  }
}

const pool = new HashPool();

/** Hashes a whole file on another thread. Throws Node's file system errors. */
export const hashInPool = pool.hash.bind(pool);
