import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { CATALOG } from './catalog.ts';
import { sendBlob, sendRegistry, sendToken } from './registry.ts';
import { findFile, send, sendFile } from './static-file.ts';

/** A request that a sample server got, and the status it answered with. */
export interface RequestLog {
  method: string;
  /** Path and query, as they were sent. */
  url: string;
  host: string;
  readonly status: number;
  headers: IncomingHttpHeaders;
}

export interface SampleServer {
  /** Where the index, the downloads, the registry and its tokens are. */
  origin: string;
  /** Where the registry sends clients for blobs. */
  blobOrigin: string;
  /** Every request to either origin, oldest first; a test may empty it. */
  requests: RequestLog[];
  /** Stops both origins and drops open connections. */
  close(): Promise<void>;
}

/**
 * Serves a sample upstream from `dir` as the real hosts would: files, a registry that wants a token, and blobs on
 * another origin. `port` 0 is any free port; the blobs' port is always a free one. Rejects when `port` is taken.
 */
export async function startSampleServer(
  dir: string,
  { port, host = '127.0.0.1' }: { port: number; host?: string },
): Promise<SampleServer> {
  const requests: RequestLog[] = [];
  const blobs = await listen({ port: 0, host, requests }, (request, response, url) =>
    sendBlob(request, response, { dir, url }),
  );
  const main = await listen({ port, host, requests }, (request, response, url) =>
    sendMain(request, response, { dir, url, blobOrigin: blobs.origin }),
  ).catch(async (error: unknown) => {
    await blobs.close();
    throw error;
  });
  const close = async () => {
    await Promise.all([main.close(), blobs.close()]);
  };
  return { origin: main.origin, blobOrigin: blobs.origin, requests, close };
}

async function sendMain(
  request: IncomingMessage,
  response: ServerResponse,
  place: { dir: string; url: URL; blobOrigin: string },
): Promise<void> {
  const { dir, url } = place;
  if (url.pathname === '/token') return sendToken(url, response);
  if (url.pathname.startsWith('/v2/')) return sendRegistry(request, response, place);
  const file = await findFile(dir, url.pathname);
  if (file === undefined) return send(response, 404, {}, { error: 'not found' });
  if (!hasRequired(request, url.pathname)) return send(response, 403, {}, { error: 'forbidden' });
  await sendFile(request, response, file);
}

/** Some vendors send a cask's download only to a request with the headers that the cask names. */
function hasRequired({ headers }: IncomingMessage, pathname: string): boolean {
  const cask = CATALOG.casks.find(({ token }) => pathname.startsWith(`/downloads/${token}-`));
  return Object.entries(cask?.requests ?? {}).every(([name, part]) => String(headers[name]).includes(part));
}

type Handler = (request: IncomingMessage, response: ServerResponse, url: URL) => Promise<void>;

interface Listening {
  origin: string;
  close(): Promise<void>;
}

async function listen(
  { port, host, requests }: { port: number; host: string; requests: RequestLog[] },
  handle: Handler,
): Promise<Listening> {
  const server = createServer((request, response) => {
    requests.push(logOf(request, response));
    answer(request, response, origin, handle);
  });
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address();
  const origin = `http://${host}:${typeof address === 'object' ? address?.port : port}`;
  const close = async () => {
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  };
  return { origin, close };
}

function answer(request: IncomingMessage, response: ServerResponse, origin: string, handle: Handler): void {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    send(response, 405, { Allow: 'GET, HEAD' });
    return;
  }
  const url = new URL(request.url ?? '/', origin);
  // What fails here is a client that went away; dropping its connection is all there is to do.
  handle(request, response, url).catch(() => response.destroy());
}

function logOf(request: IncomingMessage, response: ServerResponse): RequestLog {
  const { method = '', url = '', headers } = request;
  return {
    method,
    url,
    headers,
    host: headers.host ?? '',
    get status() {
      return response.statusCode;
    },
  };
}
