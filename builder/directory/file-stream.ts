import type { FileHandle } from 'node:fs/promises';
import type { ByteRange } from '../../format/store.ts';

/** Large, because each chunk costs a round trip to another thread. */
const CHUNK_SIZE = 256 * 1024;

/**
 * Streams a range of an open file. Closes the file after the last byte or when the stream is cancelled. A file that ends
 * too early is an error of the stream.
 */
export function streamOf(
  file: FileHandle,
  { offset, length }: ByteRange,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  let at = offset;
  const end = offset + length;
  return new ReadableStream({
    pull: async (controller) => {
      const chunk = Buffer.allocUnsafeSlow(Math.min(CHUNK_SIZE, end - at));
      const { bytesRead } = await file.read(chunk, 0, chunk.length, at);
      at += bytesRead;
      if (bytesRead > 0) controller.enqueue(chunk.subarray(0, bytesRead));
      if (bytesRead === 0 && at < end) throw new Error(`The file ends after ${at} of ${end} bytes.`);
      if (at < end) return;
      await file.close();
      controller.close();
    },
    cancel: () => file.close(),
  });
}
