import { Agent, type Dispatcher, EnvHttpProxyAgent, request } from 'undici';
import { MirrorError, messageOf } from '../../format/errors.ts';
import { NAME, VERSION } from '../version.ts';
import { isLoopbackHttp, publicLookup } from './policy.ts';
import { isInDirectSubnet, proxySettings } from './proxy.ts';
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
/** The proxy wants credentials, or other ones. */
const PROXY_REFUSAL = /\(407\)/;

const limits = {
  connections: CONNECTIONS_PER_HOST,
  connect: { timeout: CONNECT_SECONDS * 1000 },
  headersTimeout: STALL_SECONDS * 1000,
  bodyTimeout: STALL_SECONDS * 1000,
};
/** Connections are kept, apart for each way to connect. */
const dispatchers = new Map<string, Dispatcher>();

/** A request to send. A body that is streamed needs a `content-length` header. */
export interface OutgoingRequest {
  method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  url: URL;
  headers: Record<string, string>;
  body?: Uint8Array | AsyncIterable<Uint8Array>;
  /** Connect only to a public address, whatever the name leads to. Through a proxy, the proxy decides. */
  publicOnly?: boolean;
  /** Ends the request; a MirrorError that it gives as reason is thrown as it is. */
  signal?: AbortSignal | undefined;
  /** How long the server may take to answer once it has the body, if it may take longer than usual. */
  answerSeconds?: number;
}

/** What a server answered. The body must be read or dumped. */
export interface Answer {
  /** The URL that answered, after redirects. */
  url: URL;
  status: number;
  /** Returns a header by its lower-case name. */
  header(name: string): string | undefined;
  body: AsyncIterable<Uint8Array> & { dump(): Promise<void> };
}

/**
 * Sends one request and returns the answer, whatever its status. Throws as {@link networkError}, `refused` for a private
 * address, `usage` for a proxy that cannot be used, or what the body throws.
 */
export async function send(outgoing: OutgoingRequest): Promise<Answer> {
  const { method, url, headers, body, publicOnly = false, signal, answerSeconds = STALL_SECONDS } = outgoing;
  try {
    const dispatcher = dispatcherFor(url, publicOnly);
    const answer = await request(url, {
      ...{ method, dispatcher, headersTimeout: answerSeconds * 1000 },
      // Any async iterable will do, though the type does not say so.
      ...{ body: (body as Uint8Array | undefined) ?? null, signal: signal ?? null },
      headers: { 'user-agent': `${NAME}/${VERSION}`, 'accept-encoding': 'identity', ...headers },
    });
    const header = (name: string): string | undefined => [answer.headers[name] ?? []].flat()[0];
    return { url, status: answer.statusCode, header, body: answer.body };
  } catch (cause) {
    throw cause instanceof MirrorError ? cause : networkError(url.href, cause);
  }
}

/** HTTPS_PROXY, HTTP_PROXY and NO_PROXY apply, except to this machine, which no proxy can reach for us. */
function dispatcherFor(url: URL, publicOnly: boolean): Dispatcher {
  const found = isLoopbackHttp(url) ? undefined : proxySettings(process.env);
  const proxies = found && !isInDirectSubnet(url, found.noProxy) ? found : undefined;
  const way = JSON.stringify([publicOnly, proxies]);
  const known = dispatchers.get(way);
  if (known) return known;
  const connect = { ...limits.connect, ...(publicOnly ? { lookup: publicLookup } : {}) };
  // A proxy itself may have a private address: its agent connects to it without this lookup.
  const made = proxies
    ? new EnvHttpProxyAgent({ ...limits, connect, ...proxies })
    : new Agent({ ...limits, connect });
  dispatchers.set(way, made);
  return made;
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
  const bytes = await readBeyond(body, limit, where, onBytes);
  if (bytes.length > limit) throw tooLarge(where, limit);
  return bytes;
}

/** Does what {@link readBody} does, but returns the beginning of a body that is longer than `limit`, and more than that of it. */
export async function readBeyond(
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
    if (size > limit) break;
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
  const message = `The connection to ${where} failed: ${reason}${proxyRemark(where)}`;
  const error = new MirrorError('unreachable', message, { where, cause });
  return FINAL.test(code) || PROXY_REFUSAL.test(reason) ? error : new Transient(error);
}

/** Names the variable by which a proxy may have been asked instead of the host. */
function proxyRemark(where: string): string {
  const url = URL.parse(where);
  if (!url || isLoopbackHttp(url)) return '';
  const { httpProxy, httpsProxy } = proxySettings(process.env);
  if (url.protocol === 'https:' && httpsProxy !== '') return ' (HTTPS_PROXY is set)';
  return httpProxy === '' ? '' : ' (HTTP_PROXY is set)';
}
