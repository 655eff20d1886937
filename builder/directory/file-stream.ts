import type { FileHandle } from 'node:fs/promises';
import type { ByteRange } from '../../format/store.ts';

/** Large, because each chunk costs a round trip to another thread. */
const CHUNK_SIZE = 256 * 1024;

/**
 * Streams a range of an open file, and closes the file when the stream ends, fails or is cancelled. Before the last chunk,
 * `expectUnchanged` is called: if it throws, or the file ends too early, the stream fails, so that nobody takes for whole
 * what was changed while it was sent.
 */
export function streamOf(
  file: FileHandle,
  { offset, length }: ByteRange,
  expectUnchanged: () => Promise<void>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  let at = offset;
  const end = offset + length;
  const next = async (): Promise<Uint8Array<ArrayBuffer>> => {
    const chunk = Buffer.allocUnsafeSlow(Math.min(CHUNK_SIZE, end - at));
    const { bytesRead } = await file.read(chunk, 0, chunk.length, at);
    at += bytesRead;
    if (bytesRead === 0 && at < end) throw new Error(`The file ends after ${at} of ${end} bytes.`);
    if (at === end) await expectUnchanged();
    return chunk.subarray(0, bytesRead);
  };
  return new ReadableStream({
    pull: async (controller) => {
      try {
        const chunk = await next();
        if (chunk.length > 0) controller.enqueue(chunk);
      } catch (error) {
        await file.close();
        throw error;
      }
      if (at < end) return;
      await file.close();
      controller.close();
    },
    cancel: () => file.close(),
  });
}
