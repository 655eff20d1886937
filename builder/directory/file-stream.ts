import type { FileHandle } from 'node:fs/promises';
import type { ByteRange } from '../../format/store.ts';

/** Large, because each chunk costs a round trip to another thread. */
export const CHUNK_SIZE = 256 * 1024;

/**
 * A range of an open file that is read once, from its beginning. Before the last chunk, `expectUnchanged` is called: if it throws,
 * or the file ends too early, the read fails, so that nobody takes for whole what was changed while it was sent.
 */
export class FileRange {
  readonly #file: FileHandle;
  readonly #expectUnchanged: () => Promise<void>;
  readonly #end: number;
  #at: number;

  constructor(file: FileHandle, { offset, length }: ByteRange, expectUnchanged: () => Promise<void>) {
    this.#file = file;
    this.#expectUnchanged = expectUnchanged;
    this.#at = offset;
    this.#end = offset + length;
  }

  /** Bytes that are still to be read. */
  get left(): number {
    return this.#end - this.#at;
  }

  /** Reads the next bytes into a buffer and returns its part that has them; empty only for an empty range. */
  async next(buffer: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
    const { bytesRead } = await this.#file.read(buffer, 0, Math.min(buffer.length, this.left), this.#at);
    this.#at += bytesRead;
    if (bytesRead === 0 && this.left > 0)
      throw new Error(`The file ends after ${this.#at} of ${this.#end} bytes.`);
    if (this.left === 0) await this.#expectUnchanged();
    return buffer.subarray(0, bytesRead);
  }

  /** Closes the file. */
  close(): Promise<void> {
    return this.#file.close();
  }
}

const ranges = new WeakMap<object, FileRange>();

/** Returns what a stream of {@link streamOf} reads, for a host that can send a file without one. Then that closes it. */
export const fileRangeOf = (stream: object): FileRange | undefined => ranges.get(stream);

/** Streams a range of a file, and closes the file when the stream ends, fails or is cancelled. */
export function streamOf(range: FileRange): ReadableStream<Uint8Array<ArrayBuffer>> {
  const stream = new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      pull: async (controller) => {
        try {
          const chunk = await range.next(Buffer.allocUnsafeSlow(Math.min(CHUNK_SIZE, range.left)));
          if (chunk.length > 0) controller.enqueue(chunk);
        } catch (error) {
          await range.close();
          throw error;
        }
        if (range.left > 0) return;
        await range.close();
        controller.close();
      },
      cancel: () => range.close(),
    },
    // Nothing is read before somebody asks.
    { highWaterMark: 0 },
  );
  ranges.set(stream, range);
  return stream;
}
