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

/** A second job waits where its thread takes it up at once: a way to this thread and back would leave the other idle. */
const JOBS_A_THREAD = 2;

/** A thread, and the jobs that it was given, which it answers in their order. */
interface HashThread {
  worker: Worker;
  jobs: Waiting[];
}

/** Threads that hash files, as many as the machine has cores. They start when needed and keep no process alive. */
class HashPool {
  readonly #waiting: Waiting[] = [];
  readonly #threads: HashThread[] = [];

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
    const thread = this.#waiting.length > 0 ? this.#free() : undefined;
    const waiting = thread && this.#waiting.shift();
    if (!waiting) return;
    thread.jobs.push(waiting);
    thread.worker.ref();
    thread.worker.postMessage(waiting.job);
  }

  /** The thread with the least to do, a new one rather than one that is busy. */
  #free(): HashThread | undefined {
    const [least] = this.#threads.toSorted((a, b) => a.jobs.length - b.jobs.length);
    if (least?.jobs.length === 0) return least;
    if (this.#threads.length < availableParallelism()) return this.#start();
    return least && least.jobs.length < JOBS_A_THREAD ? least : undefined;
  }

  #start(): HashThread {
    const thread: HashThread = { worker: new Worker(THREAD), jobs: [] };
    thread.worker.on('message', (answer: HashAnswer) => {
      const job = thread.jobs.shift();
      if (thread.jobs.length === 0) thread.worker.unref();
      if ('error' in answer) job?.reject(Object.assign(new Error(answer.error.message), answer.error));
      else job?.resolve(answer);
      this.#next();
    });
    thread.worker.on('error', (error) => {
      this.#threads.splice(this.#threads.indexOf(thread), 1);
      for (const job of thread.jobs) job.reject(error);
      this.#next();
    });
    this.#threads.push(thread);
    return thread;
  }
}

const pool = new HashPool();

/** Hashes a whole file on another thread. Throws Node's file system errors. */
export const hashInPool = pool.hash.bind(pool);
