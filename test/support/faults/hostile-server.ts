import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { findFile, send, sendFile } from '../../../scripts/sample/static-file.ts';

/** Answers a request for the file under attack; `attempt` counts those from 1, `bytes` are the true ones. */
type Attack = (exchange: {
  request: IncomingMessage;
  response: ServerResponse;
  bytes: Buffer;
  attempt: number;
}) => void;

/** How a server attacks a client that requests a file, and what must come of it. */
export interface HostileAnswer {
  answer: Attack;
  /** `must` when a careful client still gets a sound mirror; `must not` by default. */
  mirror?: 'must' | undefined;
  /** For small documents, for packages, or for both, the default. */
  of?: 'documents' | 'packages';
  /** True when giving up takes minutes. */
  patient?: true;
}

const redirectTo = (location: string): HostileAnswer => ({
  answer: ({ response }) => response.writeHead(302, { location }).end(),
});

/** Offset that a request asks from. */
const offsetOf = ({ headers }: IncomingMessage): number =>
  Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0);

/** Sends half of a file and breaks off. */
function sendHalf(response: ServerResponse, bytes: Buffer): void {
  response.writeHead(200, { 'content-length': bytes.length });
  response.write(bytes.subarray(0, bytes.length >> 1), () => setTimeout(() => response.destroy(), 20));
}

/** Sends half of a file, and after that what `rest` sends. */
const brokenThen =
  (rest: Attack): Attack =>
  (exchange) =>
    exchange.attempt === 1 ? sendHalf(exchange.response, exchange.bytes) : rest(exchange);

/** Answers a Range request with these bytes as what it asked for. */
const sendPart = ({ request, response }: Parameters<Attack>[0], bytes: Buffer): void => {
  const offset = offsetOf(request);
  const range = `bytes ${offset}-${bytes.length - 1}/${bytes.length}`;
  response.writeHead(206, { 'content-range': range }).end(bytes.subarray(offset));
};

/** Writes for ever, a piece at each turn. */
function writeForEver(response: ServerResponse, piece: Buffer, pause: number): void {
  const timer = setInterval(() => {
    // A reader that does not keep up must not fill our memory.
    if (response.writableLength < 1e6) response.write(piece);
  }, pause);
  response.on('close', () => clearInterval(timer));
}

/** What a server can do to a client that requests a file. */
export const HOSTILE_ANSWERS: Readonly<Record<string, HostileAnswer>> = {
  'a huge Content-Length': {
    answer: ({ response }) => response.writeHead(200, { 'content-length': '9000000000000000' }).write('x'),
  },
  'a body that never ends': {
    of: 'documents',
    answer: ({ response }) => writeForEver(response, Buffer.alloc(250_000, ' '), 1),
  },
  'one byte a second': {
    patient: true,
    answer: ({ response }) => writeForEver(response, Buffer.from(' '), 1000),
  },
  'no answer at all': { patient: true, answer: () => undefined },
  'a redirect to plain http': redirectTo('http://example.com/x'),
  'a redirect to a file': redirectTo('file:///etc/passwd'),
  'a redirect to a private address': redirectTo('https://10.0.0.1/x'),
  'a redirect to a metadata service': redirectTo('https://169.254.169.254/latest/meta-data/'),
  'a redirect to this machine by https': redirectTo('https://[::1]/x'),
  'redirects in a circle': {
    answer: ({ request, response }) => response.writeHead(302, { location: request.url }).end(),
  },
  'other bytes': { answer: ({ response, bytes }) => response.end(Buffer.alloc(bytes.length, 'x')) },
  'a page instead': { answer: ({ response }) => response.end('<html>Please log in</html>') },
  'a gzip bomb under Content-Encoding': {
    answer: ({ response }) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(GZIP_BOMB),
  },
  'a megabyte of headers': {
    answer: ({ response }) => response.writeHead(200, { 'x-large': 'x'.repeat(1e6) }).end('x'),
  },
  'a break, then 200 to the Range request': {
    ...{ of: 'packages', mirror: 'must' },
    answer: brokenThen(({ response, bytes }) => response.end(bytes)),
  },
  'a break, then 200 with other bytes': {
    of: 'packages',
    answer: brokenThen(({ response, bytes }) => response.end(Buffer.alloc(bytes.length, 'x'))),
  },
  'a break, then a range of other bytes': {
    of: 'packages',
    answer: brokenThen((exchange) => sendPart(exchange, Buffer.alloc(exchange.bytes.length, 'x'))),
  },
  'a break, then once a range of other bytes': {
    ...{ of: 'packages', mirror: 'must' },
    answer: brokenThen((exchange) => {
      if (exchange.attempt === 2) sendPart(exchange, Buffer.alloc(exchange.bytes.length, 'x'));
      else exchange.response.end(exchange.bytes);
    }),
  },
  'a break, then a range that nobody asked for': {
    ...{ of: 'packages', mirror: 'must' },
    answer: brokenThen(({ request, response, bytes }) => {
      if (request.headers.range === undefined) response.end(bytes);
      else
        response.writeHead(206, { 'content-range': `bytes 0-9/${bytes.length}` }).end(bytes.subarray(0, 10));
    }),
  },
};

const GZIP_BOMB = gzipSync(Buffer.alloc(200_000_000));

/** Serves a folder, but for one file, of which `attack` answers. */
export async function startHostileServer(folder: string, path: string, attack: Attack) {
  let attempt = 0;
  const server = createServer(async (request, response) => {
    response.on('error', () => undefined);
    const { pathname } = new URL(request.url ?? '/', 'http://hostile');
    const file = await findFile(folder, pathname);
    if (file === undefined) return send(response, 404, {}, {});
    if (pathname !== path) return sendFile(request, response, file);
    attempt += 1;
    attack({ request, response, bytes: await readFile(join(folder, pathname)), attempt });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const close = (): void => {
    server.close();
    server.closeAllConnections();
  };
  return { origin: `http://127.0.0.1:${port}`, close };
}
