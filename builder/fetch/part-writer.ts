import { availableParallelism } from 'node:os';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { FileDigest } from '../directory/hash.ts';

/** What a thread is told to do with one part. */
export type PartOrder =
  | { id: number; open: string }
  | { id: number; bytes: Uint8Array<ArrayBuffer>; length: number }
  | { id: number; act: 'restart' | 'finish' | 'close' };

/** What it answers: the size it found, a buffer that is free again, digests, its end, or what the file system threw. */
export type PartReply =
  | { id: number; size: number }
  | { id: number; bytes: Uint8Array<ArrayBuffer> }
  | { id: number; digest: FileDigest }
  | { id: number; closed: true }
  | { id: number; error: Pick<NodeJS.ErrnoException, 'message' | 'code' | 'syscall' | 'path'> };

/** Large, so that a message costs little beside what it carries. */
const BUFFER_SIZE = 256 * 1024;
/** Buffers of one part that may be under way; more would only hold memory. */
const MAX_BUFFERS = 2;
/** A thread makes next to nothing of its own, and need not keep room for more. */
const LIMITS = { maxYoungGenerationSizeMb: 2 };
const THREAD = new URL(`./part-thread${extname(import.meta.url)}`, import.meta.url);

/** Buffers that no part needs now: new ones cost the system more than what is put into them. */
const spare: Uint8Array<ArrayBuffer>[] = [];

/**
 * A file that grows by what is written to it. Writing and hashing (SHA-256 with MD5) are another thread's work, so that
 * this one is free for the network. Every method throws what the file system threw at an earlier one.
 */
export class PartWriter {
  readonly #line: ThreadLine;
  #buffers = 0;
  #buffer: Uint8Array<ArrayBuffer> | undefined;
  #filled = 0;
  /** Bytes in the file, those on their way included. */
  size: number;

  private constructor(line: ThreadLine, size: number) {
    this.#line = line;
    this.size = size;
  }

  /** Opens or makes a file; what is in it counts as written. */
  static async open(path: string): Promise<PartWriter> {
    const line = new ThreadLine();
    line.send((id) => ({ id, open: path }));
    const { size } = await line
      .next((reply) => 'size' in reply && reply)
      .catch(async (error: unknown) => {
        await line.end();
        throw error;
      });
    return new PartWriter(line, size);
  }

  /** Empties the file. */
  restart(): void {
    this.size = 0;
    this.#filled = 0;
    this.#line.send((id) => ({ id, act: 'restart' }));
  }

  /** Adds bytes, which are copied. */
  async write(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.length; ) {
      this.#buffer ??= await this.#nextBuffer();
      const some = chunk.subarray(at, at + BUFFER_SIZE - this.#filled);
      this.#buffer.set(some, this.#filled);
      this.#filled += some.length;
      at += some.length;
      if (this.#filled === BUFFER_SIZE) this.#flush();
    }
    this.size += chunk.length;
  }

  /** Waits until all is on disk, and tells what it hashes to. */
  async finish(): Promise<FileDigest> {
    this.#flush();
    this.#line.send((id) => ({ id, act: 'finish' }));
    return (await this.#line.next((reply) => 'digest' in reply && reply)).digest;
  }

  /** Keeps what was written, and lets go of the file. */
  async close(): Promise<void> {
    this.#flush();
    const replies = await this.#line.end();
    spare.push(...replies.flatMap((reply) => ('bytes' in reply ? reply.bytes : [])));
  }

  #flush(): void {
    const bytes = this.#buffer;
    const length = this.#filled;
    if (bytes && length > 0) this.#line.send((id) => ({ id, bytes, length }), [bytes.buffer]);
    this.#buffer = undefined;
    this.#filled = 0;
  }

  async #nextBuffer(): Promise<Uint8Array<ArrayBuffer>> {
    if (this.#buffers === MAX_BUFFERS) {
      return (await this.#line.next((reply) => 'bytes' in reply && reply)).bytes;
    }
    this.#buffers += 1;
    return spare.pop() ?? new Uint8Array(BUFFER_SIZE);
  }
}

const threads: Worker[] = [];
let lines = 0;

/** One part's way to the thread that works on it, and back. Threads are as many as cores, and shared in turn. */
class ThreadLine {
  readonly #id = ++lines;
  readonly #thread: Worker;
  readonly #replies: PartReply[] = [];
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  constructor() {
    const index = this.#id % availableParallelism();
    threads[index] ??= new Worker(THREAD, { resourceLimits: LIMITS }).setMaxListeners(0);
    this.#thread = threads[index];
    this.#thread.on('message', this.#take).ref();
  }

  send(order: (id: number) => PartOrder, transfer: ArrayBuffer[] = []): void {
    this.#thread.postMessage(order(this.#id), transfer);
  }

  /** The next reply of a kind; those of other kinds before it wait for whom they concern. */
  async next<R>(select: (reply: PartReply) => R | false): Promise<R> {
    for (;;) {
      if (this.#failure) throw this.#failure;
      for (const [index, reply] of this.#replies.entries()) {
        const found = select(reply);
        if (found === false) continue;
        this.#replies.splice(index, 1);
        return found;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Has the file closed, and gives the replies that nobody asked for. */
  async end(): Promise<PartReply[]> {
    this.#failure = undefined;
    this.send((id) => ({ id, act: 'close' }));
    try {
      await this.next((reply) => 'closed' in reply);
      return this.#replies;
    } finally {
      this.#thread.off('message', this.#take);
      if (this.#thread.listenerCount('message') === 0) this.#thread.unref();
    }
  }

  readonly #take = (reply: PartReply): void => {
    if (reply.id !== this.#id) return;
    if ('error' in reply) this.#failure = Object.assign(new Error(reply.error.message), reply.error);
    else this.#replies.push(reply);
    this.#wake?.();
  };
}
