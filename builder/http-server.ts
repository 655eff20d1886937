import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import type { Socket } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { MirrorError } from '../format/errors.ts';
import { fileRangeOf } from './directory/file-stream.ts';
import { sendFile } from './directory/send-file.ts';
import { askedBy, CountedResponse, type Exchange, plainAddress, refused, responseOn } from './exchange.ts';

/** Most open connections: each takes a descriptor, as each open file does. Further ones are closed at once. */
const MAX_CONNECTIONS = 1000;

/** How requests are answered. */
export interface Answering {
  fetch(request: Request): Response | Promise<Response>;
  /** Returns what a response was made of, if that is known: a file is sent without the response's stream. */
  replyOf(
    response: Response,
  ): { status: number; headers: Record<string, string>; body: object | null } | undefined;
  /** Called when a request has come. */
  began(): void;
  /** Called when its response has ended. `request` is what `fetch` was given; `undefined` for one that was malformed. */
  ended(exchange: Exchange, request: Request | undefined): void;
  /** The response to a request whose target or host is malformed. */
  malformed(): Promise<Response>;
  /** The methods that are answered, as `Allow` lists them. */
  methods: string;
}

/**
 * Makes a Node server. It accepts what HTTP allows and a `Request` cannot express: no host (HTTP/1.0), and targets in absolute
 * and asterisk form (RFC 9112 section 3.2). It answers 405 to methods that Node's parser does not know, as to all others.
 */
export function httpServer(answering: Answering): Server {
  const listener = listenerOf(answering);
  // Node would answer a request without a host before anything is counted.
  const options = { ServerResponse: CountedResponse, requireHostHeader: false };
  const server = createServer(options, (request, response) => listener(request, response));
  // Both events give a socket: this server speaks HTTP/1 over TCP.
  const refuse = (socket: Socket, status: number, method?: string): void => {
    // In the middle of a response, these bytes would become part of it.
    if (socket.writable && !responseOn(socket)?.headersSent) {
      socket.write(refusal(status, answering.methods));
      answering.began();
      answering.ended(refused(socket, status, method), undefined);
    }
    socket.destroy();
  };
  server.maxConnections = MAX_CONNECTIONS;
  // Node keeps the address once it was read. Later, a client that is gone has none.
  server.on('connection', ({ remoteAddress }) => void remoteAddress);
  server.on('checkExpectation', (request, response) => listener(request, response, disappoint));
  server.on('connect', ({ method }, socket) => refuse(socket as Socket, 405, method));
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    refuse(socket as Socket, STATUS_OF_FAULT[error.code ?? ''] ?? 400);
  });
  return server;
}

/** Returns a function that answers a request of Node's, and reports the exchange when the response has ended. */
function listenerOf({ fetch, replyOf, malformed, began, ended }: Answering) {
  const listener = getRequestListener(
    async (request, { outgoing }) => {
      const response = outgoing as CountedResponse;
      response.request = request;
      const answer = await fetch(request);
      const { status, headers, body } = replyOf(answer) ?? {};
      const range = body && fileRangeOf(body);
      if (status === undefined || !range) return answer;
      response.writeHead(status, headers);
      await sendFile(response, range);
      return RESPONSE_ALREADY_SENT;
    },
    { errorHandler: malformed },
  );
  return (
    incoming: IncomingMessage,
    response: CountedResponse,
    answer: (incoming: IncomingMessage, response: CountedResponse) => unknown = listener,
  ): void => {
    began();
    const start = performance.now();
    const asked = askedBy(incoming);
    normalise(incoming);
    const closed = new Promise((resolve) => void response.once('close', resolve));
    // A client may be gone before there is a response.
    void Promise.allSettled([answer(incoming, response), closed]).then(() => {
      const ms = performance.now() - start;
      const { statusCode: status, contentBytes: bytes, writableFinished: isWhole } = response;
      ended({ ...asked, status, bytes, ms, isWhole }, response.request);
    });
  };
}

/** Answers an expectation that this server does not know (RFC 9110 section 10.1.1). */
const disappoint = (_incoming: IncomingMessage, response: ServerResponse): unknown =>
  response.writeHead(417, { 'cache-control': 'no-store', 'content-length': 0 }).end();

function normalise(request: IncomingMessage): void {
  const { headers, rawHeaders, socket, method, url = '/', httpVersion } = request;
  const hosts = rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === 'host');
  // RFC 9112 section 3.2: two hosts, or none in HTTP/1.1, are refused, as a malformed one is.
  if (hosts.length > 1 || (hosts.length === 0 && httpVersion === '1.1')) headers.host = '%';
  headers.host ||= authorityOf(socket);
  if (url === '*' && method === 'OPTIONS') request.url = '/';
  // RFC 9110 section 4.2.3: schemes are case-insensitive.
  else if (!url.startsWith('/')) request.url = url.replace(/^https?:/i, (scheme) => scheme.toLowerCase());
}

/** Returns the address that a client connected to. A request without a host means that one. */
function authorityOf({ localAddress, localPort }: Socket): string {
  const address = plainAddress(localAddress) ?? 'localhost';
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

/** Opens a port, 0 for any free one, and returns its address. Throws `refused` for a port that is not free. */
export function listen(server: Server, host: string, port: number): Promise<string> {
  const name = host.includes(':') ? `[${host}]` : host;
  return new Promise((resolve, reject) => {
    server.once('error', (cause) =>
      reject(new MirrorError('refused', `Cannot listen on ${name}:${port}: ${cause.message}`, { cause })),
    );
    server.listen(port, host, () => {
      const address = server.address();
      const open = typeof address === 'object' && address ? address.port : port;
      resolve(`http://${name}:${open}`);
    });
  });
}

/** Closes a server and all its connections. */
export function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}
