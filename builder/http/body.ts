import { MirrorError, messageOf } from '../../format/errors.ts';
import { STALL_SECONDS } from './dispatcher.ts';
import { Transient } from './retry.ts';

/** Fewer bytes than this in {@link STALL_SECONDS} are as good as none. */
const LEAST_BYTES = 16 * 1024;

/** The chunks of a body; ends with a transient error when it breaks off, stalls, or comes in drops. */
export async function* chunksOf(
  body: AsyncIterable<Uint8Array> | null,
  where: string,
): AsyncGenerator<Uint8Array> {
  let windowEnd = performance.now() + STALL_SECONDS * 1000;
  let bytes = 0;
  try {
    for await (const chunk of body ?? []) {
      yield chunk;
      bytes += chunk.length;
      if (performance.now() < windowEnd) continue;
      if (bytes < LEAST_BYTES) throw new Error(`only ${bytes} bytes came in ${STALL_SECONDS} seconds`);
      windowEnd = performance.now() + STALL_SECONDS * 1000;
      bytes = 0;
    }
  } catch (cause) {
    throw cause instanceof MirrorError ? cause : networkError(where, cause);
  }
}

/** A body of at most `limit` bytes. Throws `too-large`, or as {@link chunksOf}. */
export async function readBody(
  body: AsyncIterable<Uint8Array> | null,
  limit: number,
  where: string,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunksOf(body, where)) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > limit) {
      throw new MirrorError('too-large', `${where} is longer than ${limit} bytes.`, { where });
    }
  }
  return Buffer.concat(chunks);
}

/** The transient error for a connection that failed or broke. */
export function networkError(where: string, cause: unknown): Transient {
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  // Node's error for a name with several addresses has a code and no message.
  const code = inner instanceof Error && 'code' in inner ? String(inner.code) : 'no reason given';
  const reason = messageOf(inner) || code;
  return new Transient(new MirrorError('upstream', `${where} cannot be read: ${reason}`, { where, cause }));
}
