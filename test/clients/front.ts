import { readFile } from 'node:fs/promises';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { runProgram } from '../support/programs.ts';
import { temporaryFolder } from '../support/temporary.ts';

/** A request that passed a front, and the status of its answer. */
export interface Passed {
  method: string;
  /** As the client wrote it. */
  path: string;
  headers: IncomingHttpHeaders;
  status: number;
}

/** An answer that somebody in the network gives in place of the server's, or the bytes after which the connection breaks. */
export type Replaced = { status?: number; body?: Uint8Array } | { cutAfter: number };

/** A server before another one, which records what passes, and may change it as somebody in the network can. */
export interface Front {
  origin: string;
  /** Everything that passed, oldest first. */
  passed: Passed[];
  /** Says where requests go. */
  leadTo(origin: string): void;
  /** Says what becomes of answers: `undefined` leaves them as they are. */
  alter(change: ((path: string, body: Buffer) => Replaced | undefined) | undefined): void;
  close(): void;
}

/** A front that speaks TLS. */
export interface TlsFront extends Front {
  /** A file with the certificate of the private authority that signed its own, PEM. */
  authority: string;
}

type Alteration = Parameters<Front['alter']>[0];

/** Starts a front on a free port, so that the server behind it can start with its public address known. */
export const startFront = (): Promise<Front> => start('http', createServer);

/** Starts a front with a certificate for 127.0.0.1, and for `names`, by a private authority. */
export async function startTlsFront(...names: string[]): Promise<TlsFront> {
  const { key, cert, authority } = await certificateFor(names);
  const front = await start('https', (listener) => createSecureServer({ key, cert }, listener));
  return Object.assign(front, { authority });
}

async function start(
  scheme: 'http' | 'https',
  make: (listener: (incoming: IncomingMessage, outgoing: ServerResponse) => void) => Server,
): Promise<Front> {
  const passed: Passed[] = [];
  const state: { target: URL; change: Alteration } = {
    target: new URL('http://127.0.0.1'),
    change: undefined,
  };
  const server = make((incoming, outgoing) => {
    pass(incoming, outgoing, state, passed).catch(() => outgoing.destroy());
  });
  const port = await listening(server);
  return {
    origin: `${scheme}://127.0.0.1:${port}`,
    passed,
    leadTo: (origin) => {
      state.target = new URL(origin);
    },
    alter: (change) => {
      state.change = change;
    },
    close: () => closeNow(server),
  };
}

async function pass(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  { target, change }: { target: URL; change: Alteration },
  passed: Passed[],
): Promise<void> {
  const { method = '', url: path = '', headers } = incoming;
  const { hostname, port } = target;
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const onward = request({ hostname, port, path, method, headers }, resolve);
    onward.on('error', reject);
    incoming.pipe(onward);
  });
  const body = await buffer(answer);
  const changed = change?.(path, body);
  if (changed && 'cutAfter' in changed) {
    passed.push({ method, path, headers, status: answer.statusCode ?? 502 });
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    outgoing.write(body.subarray(0, changed.cutAfter));
    outgoing.socket?.destroySoon();
    return;
  }
  const replaced = changed;
  const status = replaced?.status ?? answer.statusCode ?? 502;
  passed.push({ method, path, headers, status });
  outgoing.writeHead(status, replaced ? {} : answer.headers);
  outgoing.end(replaced ? replaced.body : body);
}

/** A proxy for https, as HTTPS_PROXY names one. */
export interface HttpsProxy {
  url: string;
  /** The hosts that were asked for, oldest first. */
  hosts: string[];
  close(): void;
}

/** Starts a proxy that reaches no host; with `impostor`, that server is reached in place of every host. */
export async function startProxy(impostor?: Front): Promise<HttpsProxy> {
  const hosts: string[] = [];
  const server = createServer((_, outgoing) => outgoing.writeHead(403).end());
  server.on('connect', ({ url = '' }, socket, head) => {
    hosts.push(url.split(':')[0] ?? '');
    if (!impostor) return socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    const onward = connect(Number(new URL(impostor.origin).port), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      onward.write(head);
      onward.pipe(socket).pipe(onward);
    });
    for (const end of [onward, socket]) end.on('error', () => onward.destroy());
  });
  return { url: `http://127.0.0.1:${await listening(server)}`, hosts, close: () => closeNow(server) };
}

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

function closeNow(server: Server): void {
  server.closeAllConnections();
  server.close();
}

/** Makes a private authority, and a certificate by it: rustls takes no certificate that is its own authority. */
export async function certificateFor(names: readonly string[]) {
  const folder = await temporaryFolder();
  const file = (name: string): string => join(folder, name);
  const openssl = async (...args: string[]): Promise<void> => {
    const common = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
    const { status, stderr } = await runProgram('openssl', [...common, '-days', '2', ...args]);
    if (status !== 0) throw new Error(`openssl made no certificate: ${stderr}`);
  };
  const alternatives = ['IP:127.0.0.1', ...names.map((name) => `DNS:${name}`)].join(',');
  await openssl('-subj', '/CN=authority', '-keyout', file('authority.key'), '-out', file('authority.pem'));
  await openssl(
    ...['-subj', '/CN=127.0.0.1', '-addext', `subjectAltName=${alternatives}`],
    ...['-addext', 'basicConstraints=critical,CA:FALSE'],
    ...['-CA', file('authority.pem'), '-CAkey', file('authority.key')],
    ...['-keyout', file('key.pem'), '-out', file('certificate.pem')],
  );
  const [key, cert] = await Promise.all([readFile(file('key.pem')), readFile(file('certificate.pem'))]);
  return { key, cert, authority: file('authority.pem') };
}
