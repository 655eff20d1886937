import { createReadStream } from 'node:fs';
import http, { type ClientRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import https from 'node:https';
import { pipeline } from 'node:stream/promises';
import { MirrorError } from '../../format/errors.ts';
import { isLoopbackHttp } from '../http/policy.ts';

/** After how long without a byte in either direction a connection is given up. */
const STALL_MS = 120_000;
const CHUNK = 256 * 1024;
/** HTTPS_PROXY, HTTP_PROXY and NO_PROXY count, except for this machine, which no proxy can reach for us. */
const proxied = { keepAlive: true, proxyEnv: process.env };
const secureAgent = new https.Agent(proxied);
const plainAgent = new http.Agent(proxied);
const loopbackAgent = new http.Agent({ keepAlive: true });

/** A file's bytes, read while they are sent. */
export interface FileBody {
  path: string;
  /** Bytes that the file has. */
  size: number;
  /** Told how many bytes this try has handed over so far. */
  onSent?: (bytes: number) => void;
}

/** A request, signed already. */
export interface StorageRequest {
  method: string;
  url: URL;
  headers: Record<string, string>;
  body?: Uint8Array | FileBody | undefined;
  /** Most bytes of an answer. */
  limit: number;
  stop?: AbortSignal | undefined;
}

/** An answer whole. */
export interface StorageAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Uint8Array;
}

/**
 * Sends a request over a connection that is kept for the next one. Unlike fetch it tells the length of a file that it
 * streams, which S3 wants to know, and how far it has come.
 * Throws what the connection throws, `too-large` for an answer beyond the limit, and `missing` or `mismatch` for a file
 * that cannot be read or has changed.
 */
export async function sendRequest(given: StorageRequest): Promise<StorageAnswer> {
  const { url, method, body, limit, stop } = given;
  const length = body instanceof Uint8Array ? body.length : body?.size;
  const secure = url.protocol === 'https:';
  const request = (secure ? https : http).request(url, {
    ...{ method, agent: agentFor(url), timeout: STALL_MS },
    headers: { ...given.headers, ...(length === undefined ? {} : { 'content-length': length }) },
    ...(stop ? { signal: stop } : {}),
  });
  request.on('timeout', () => request.destroy(new Error(`nothing moved for ${STALL_MS / 1000} seconds`)));
  const faultOfFile = sendBody(request, body);
  try {
    return await answerTo(request, limit);
  } catch (error) {
    request.destroy();
    throw (await faultOfFile) ?? error;
  } finally {
    // Storage may refuse before it has all of a body: nobody wants the rest, and the connection is of no more use.
    if (!request.writableFinished) request.destroy();
  }
}

function agentFor(url: URL): http.Agent {
  if (url.protocol === 'https:') return secureAgent;
  return isLoopbackHttp(url) ? loopbackAgent : plainAgent;
}

/** Sends a body to its end, or as far as the connection goes. Resolves to what was wrong with the file, if anything was. */
async function sendBody(request: ClientRequest, body: StorageRequest['body']): Promise<unknown> {
  if (body === undefined || body instanceof Uint8Array || body.size === 0) {
    request.end(body instanceof Uint8Array ? body : undefined);
    return undefined;
  }
  const { path, size, onSent } = body;
  let fault: unknown;
  const chunks = createReadStream(path, { end: size - 1, highWaterMark: CHUNK })[Symbol.asyncIterator]();
  const unreadable = (cause: Error): never => {
    fault = new MirrorError('missing', `${path} cannot be read: ${cause.message}`, { where: path, cause });
    throw fault;
  };
  await pipeline(async function* () {
    let sent = 0;
    try {
      // What ends the stream from outside is the connection's error, and must not pass for the file's.
      for (;;) {
        const next = await chunks.next().catch(unreadable);
        if (next.done) break;
        yield next.value;
        sent += next.value.length;
        onSent?.(sent);
      }
    } finally {
      await chunks.return?.();
    }
    if (sent === size) return;
    fault = new MirrorError('mismatch', `${path} changed while it was uploaded.`, { where: path });
    throw fault;
  }, request).catch(() => undefined); // a broken connection is the answer's to tell
  return fault;
}

function answerTo(request: ClientRequest, limit: number): Promise<StorageAnswer> {
  return new Promise((resolve, reject) => {
    request.on('error', reject);
    request.on('response', (incoming) => {
      const { statusCode: status = 0, headers } = incoming;
      readAll(incoming, limit).then((body) => resolve({ status, headers, body }), reject);
    });
  });
}

async function readAll(incoming: IncomingMessage, limit: number): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > limit) throw new MirrorError('too-large', `Storage sent more than ${limit} bytes.`);
  }
  return Buffer.concat(chunks);
}
