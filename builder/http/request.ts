import { Agent, type Dispatcher, EnvHttpProxyAgent, request } from 'undici';
import { MirrorError, messageOf } from '../../format/errors.ts';
import { NAME, VERSION } from '../version.ts';
import { isLoopbackHttp } from './policy.ts';
import { Transient } from './retry.ts';

/** As many as `--jobs` allows. */
const CONNECTIONS_PER_HOST = 64;
const CONNECT_SECONDS = 20;
/** How long a connection may be silent before it counts as broken. */
const STALL_SECONDS = 60;
/** Fewer bytes than this in {@link STALL_SECONDS} count as none. */
const LEAST_BYTES = 16 * 1024;
/** Failures that another try does not change: the host does not exist, or cannot prove who it is. */
const FINAL = /^(?:ENOTFOUND|CERT_|ERR_TLS_CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_(?:GET|VERIFY)_)/;

const limits = {
  connections: CONNECTIONS_PER_HOST,
  connect: { timeout: CONNECT_SECONDS * 1000 },
  headersTimeout: STALL_SECONDS * 1000,
  bodyTimeout: STALL_SECONDS * 1000,
};
let outside: Dispatcher | undefined;
let loopback: Dispatcher | undefined;

/** A request to send. A body that is streamed needs a `content-length` header. */
export interface OutgoingRequest {
  method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  url: URL;
  headers: Record<string, string>;
  body?: Uint8Array | AsyncIterable<Uint8Array>;
  /** Ends the request; a MirrorError that it gives as reason is thrown as it is. */
  signal?: AbortSignal | undefined;
  /** How long the server may take to answer once it has the body, if it may take longer than usual. */
  answerSeconds?: number;
}

/** What a server answered. The body must be read or dumped. */
export interface Answer {
  status: number;
  /** Returns a header by its lower-case name. */
  header(name: string): string | undefined;
  body: AsyncIterable<Uint8Array> & { dump(): Promise<void> };
}

/** Sends one request and returns the answer, whatever its status. Throws as {@link networkError}, or what the body throws. */
export async function send(outgoing: OutgoingRequest): Promise<Answer> {
  const { method, url, headers, body, signal, answerSeconds = STALL_SECONDS } = outgoing;
  try {
    const answer = await request(url, {
      ...{ method, dispatcher: dispatcherFor(url), headersTimeout: answerSeconds * 1000 },
      // Any async iterable will do, though the type does not say so.
      ...{ body: (body as Uint8Array | undefined) ?? null, signal: signal ?? null },
      headers: { 'user-agent': `${NAME}/${VERSION}`, 'accept-encoding': 'identity', ...headers },
    });
    const header = (name: string): string | undefined => [answer.headers[name] ?? []].flat()[0];
    return { status: answer.statusCode, header, body: answer.body };
  } catch (cause) {
    throw cause instanceof MirrorError ? cause : networkError(url.href, cause);
  }
}

/** HTTPS_PROXY, HTTP_PROXY and NO_PROXY apply, except to this machine, which no proxy can reach for us. */
function dispatcherFor(url: URL): Dispatcher {
  if (isLoopbackHttp(url)) {
    loopback ??= new Agent(limits);
    return loopback;
  }
  outside ??= new EnvHttpProxyAgent(limits);
  return outside;
}

/** Yields the chunks of a body. Throws a transient error when it breaks off, stalls, or trickles. */
export async function* chunksOf(body: AsyncIterable<Uint8Array>, where: string): AsyncGenerator<Uint8Array> {
  let windowEnd = performance.now() + STALL_SECONDS * 1000;
  let bytes = 0;
  try {
    for await (const chunk of body) {
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

/**
 * Returns a body of at most `limit` bytes. Calls `onBytes` with the number of bytes so far after each chunk.
 * Throws `too-large`, or as {@link chunksOf}.
 */
export async function readBody(
  body: AsyncIterable<Uint8Array>,
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
    if (size > limit) throw tooLarge(where, limit);
  }
  return Buffer.concat(chunks);
}

/** Returns the error for a document of more than `limit` bytes. */
export const tooLarge = (where: string, limit: number): MirrorError =>
  new MirrorError('too-large', `${where} is longer than ${limit} bytes.`, { where });

/** Returns the error for a connection that failed: {@link Transient} if another try may help. */
function networkError(where: string, cause: unknown): Error {
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  const code = inner instanceof Error && 'code' in inner ? String(inner.code) : '';
  // Node's error for a name with several addresses has a code and no message.
  const reason = messageOf(inner) || code || 'no reason given';
  const error = new MirrorError('upstream', `The connection to ${where} failed: ${reason}`, { where, cause });
  return FINAL.test(code) ? error : new Transient(error);
}
