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

/** A body of at most `limit` bytes; `onBytes` is told how many have come so far. Throws `too-large`, or as {@link chunksOf}. */
export async function readBody(
  body: AsyncIterable<Uint8Array> | null,
  limit: number,
  where: string,
  onBytes?: (bytes: number) => void,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunksOf(body, where)) {
    chunks.push(chunk);
    size += chunk.length;
    onBytes?.(size);
    if (size > limit) {
      throw new MirrorError('too-large', `${where} is longer than ${limit} bytes.`, { where });
    }
  }
  return Buffer.concat(chunks);
}

/** Reasons that trying again does not change: there is no such host, or it is not who it says. */
const FINAL = /^(?:ENOTFOUND|CERT_|ERR_TLS_CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_(?:GET|VERIFY)_)/;

/** The error for a connection that failed or broke: {@link Transient} where another try may help. */
export function networkError(where: string, cause: unknown): Error {
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  const code = inner instanceof Error && 'code' in inner ? String(inner.code) : '';
  // Node's error for a name with several addresses has a code and no message.
  const reason = messageOf(inner) || code || 'no reason given';
  const error = new MirrorError('upstream', `${where} cannot be read: ${reason}`, { where, cause });
  return FINAL.test(code) ? error : new Transient(error);
}
