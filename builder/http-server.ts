import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { getRequestListener } from '@hono/node-server';

/** Most open connections: each takes a descriptor, as each open file does. Further ones are closed at once. */
const MAX_CONNECTIONS = 1000;

/** What answers requests. */
export interface Answering {
  fetch(request: Request): Response | Promise<Response>;
  /** The response to a request whose target or host is malformed. */
  malformed(): Promise<Response>;
  /** The methods that are answered, as `Allow` lists them. */
  methods: string;
}

/**
 * Makes a Node server. It accepts what HTTP allows and a `Request` cannot express: no host (HTTP/1.0), and targets in absolute
 * and asterisk form (RFC 9112 section 3.2). It answers 405 to methods that Node's parser does not know, as to all others.
 */
export function httpServer({ fetch, malformed, methods }: Answering): Server {
  const listener = getRequestListener(fetch, { errorHandler: malformed });
  const responses = new WeakMap<Duplex, ServerResponse>();
  const server = createServer((request, response) => {
    const { socket } = request;
    responses.set(socket, response);
    response.once('close', () => responses.delete(socket));
    normalise(request);
    void listener(request, response);
  });
  const refuse = (socket: Duplex, status: number): void => {
    // In the middle of a response, these bytes would become part of it.
    if (socket.writable && !responses.get(socket)?.headersSent) socket.write(refusal(status, methods));
    socket.destroy();
  };
  server.maxConnections = MAX_CONNECTIONS;
  server.on('connect', (_request, socket) => refuse(socket, 405));
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    refuse(socket, STATUS_OF_FAULT[error.code ?? ''] ?? 400);
  });
  return server;
}

function normalise(request: IncomingMessage): void {
  const { headers, rawHeaders, socket, method, url = '/' } = request;
  const hosts = rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === 'host');
  // RFC 9112 section 3.2: two hosts are refused, as a malformed one is.
  if (hosts.length > 1) headers.host = '%';
  headers.host ||= authorityOf(socket);
  if (url === '*' && method === 'OPTIONS') request.url = '/';
  // RFC 9110 section 4.2.3: schemes are case-insensitive.
  else if (!url.startsWith('/')) request.url = url.replace(/^https?:/i, (scheme) => scheme.toLowerCase());
}

/** Returns the address that a client connected to. A request without a host means that one. */
function authorityOf({ localAddress = 'localhost', localPort }: Socket): string {
  const address = localAddress.replace(/^::ffff:(?=\d+\.)/, '');
  return `${address.includes(':') ? `[${address}]` : address}:${localPort}`;
}

/** The status for what Node's parser refuses; 400 for all else. */
const STATUS_OF_FAULT: Readonly<Record<string, number>> = {
  HPE_INVALID_METHOD: 405,
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

function refusal(status: number, methods: string): string {
  const fields = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    ...(status === 405 ? [`Allow: ${methods}`] : []),
    ...['Cache-Control: no-store', 'Content-Length: 0', 'Connection: close'],
  ];
  return `${fields.join('\r\n')}\r\n\r\n`;
}
