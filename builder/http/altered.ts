import { constants, gunzipSync } from 'node:zlib';
import { MirrorError } from '../../format/errors.ts';
import type { Answer } from './request.ts';
import { Transient } from './retry.ts';

/** Names of files whose own format some servers declare as their encoding: Apache does, and the bytes are the file's. */
const OWN_ENCODING: Readonly<Record<string, RegExp>> = {
  gzip: /\.t?gz$/i,
  'x-gzip': /\.t?gz$/i,
  br: /\.br$/i,
  zstd: /\.zst$/i,
};
/** How a web page begins, perhaps behind a byte order mark. */
const PAGE = /^(?:\xef\xbb\xbf)?\s*</;

/** How many bytes of an answer show what it is. */
export const BEGINNING = 1024;

/**
 * Returns the error for an answer that something encoded unasked, or in whose place a web page came; `undefined` for any
 * other. `bytes` are the first {@link BEGINNING} of its body or more, where they are known: some servers declare a file's own
 * format as its encoding, and some call everything that they do not know text/html.
 */
export function alterationOf(answer: Answer, where: string, bytes?: Uint8Array): MirrorError | undefined {
  const encoding = encodingOf(answer.header('content-encoding'));
  if (encoding !== undefined) {
    if (isOwnFormat(encoding, where, bytes)) return undefined;
    const message = `${where} came with Content-Encoding: ${encoding}, which was not requested: a server or proxy on the way changed it.`;
    return new MirrorError('unreachable', message, { where, expected: 'identity', found: encoding });
  }
  const type = answer.header('content-type') ?? '';
  if (!/^text\/html\b/i.test(type) || (bytes && !PAGE.test(beginningOf(bytes)))) return undefined;
  const place = where.startsWith(answer.url.origin) ? '' : `, from ${answer.url.origin}`;
  const message = `${where} was answered with a web page${place}: log in to the network or proxy, or ask the host's operator.`;
  return new MirrorError('unreachable', message, { where, expected: 'the file', found: type });
}

/** Throws the error of {@link alterationOf}, where no checksum of the file is known. */
export function expectUnaltered(answer: Answer, where: string, bytes?: Uint8Array): void {
  const alteration = alterationOf(answer, where, bytes);
  if (alteration) throw alteration;
}

/** Returns whether a declared encoding is only the file's own format. */
function isOwnFormat(encoding: string, where: string, bytes?: Uint8Array): boolean {
  const path = URL.parse(where)?.pathname ?? where;
  return OWN_ENCODING[encoding]?.test(path) === true && !(bytes && isGzipInGzip(bytes));
}

function isGzipInGzip(bytes: Uint8Array): boolean {
  try {
    const decoded = gunzipSync(bytes.subarray(0, BEGINNING), { finishFlush: constants.Z_SYNC_FLUSH });
    return decoded[0] === 0x1f && decoded[1] === 0x8b;
  } catch {
    return false;
  }
}

const beginningOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes.subarray(0, BEGINNING)).toString('latin1');

/**
 * Throws `unreachable` for a body of `found` bytes that is shorter than the file, if only the end of the connection ended it
 * (RFC 9112 section 6.3): it has been cut. Another try may help.
 */
export function expectUncut({ header }: Answer, where: string, found: number, expected = 0): void {
  const hasEnd = header('content-length') !== undefined || header('transfer-encoding') !== undefined;
  if (hasEnd || found >= expected) return;
  const message = `The connection to ${where} ended after ${found} of ${expected} bytes.`;
  throw new Transient(new MirrorError('unreachable', message, { where }));
}

/** Returns the encoding of a body, or `undefined` if there is none. */
function encodingOf(value: string | undefined): string | undefined {
  const encoding = value?.trim().toLowerCase();
  return encoding === undefined || encoding === '' || encoding === 'identity' ? undefined : encoding;
}
