import type { FileHandle } from 'node:fs/promises';
import type { ByteRange } from '../../format/store.ts';

/** Large, since each chunk is a way to another thread and back. */
const CHUNK_SIZE = 256 * 1024;

/**
 * Some bytes of an open file, from `offset` on. The file is closed once they are read or nobody wants them any more. A
 * file that ends before they do is an error of the stream.
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
