import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { certificateFor } from '../clients/front.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** Hosts with public names that speak https, and the proxy that leads to them and nowhere else. */
export interface HttpsHosts {
  /** For HTTPS_PROXY. */
  proxy: string;
  /** File with the certificate of their private authority, for NODE_EXTRA_CA_CERTS. */
  authority: string;
  /** Requests so far, as `<method> <host><path>`, oldest first. */
  requests: string[];
  /** What each host answers, by name; a test may replace it. */
  handlers: Record<string, Handler>;
  close(): void;
}

/** Starts hosts by these names. This process trusts their authority from then on; needs the program openssl. */
export async function startHttpsHosts(handlers: Record<string, Handler>): Promise<HttpsHosts> {
  const { key, cert, authority } = await certificateFor(Object.keys(handlers));
  setDefaultCACertificates([...getCACertificates('default'), await readFile(authority, 'utf8')]);
  const requests: string[] = [];
  const hosts: HttpsHosts = { proxy: '', authority, requests, handlers, close: () => undefined };
  const server = createSecureServer({ key, cert }, (request, response) => {
    const { host = '' } = request.headers;
    requests.push(`${request.method} ${host}${request.url}`);
    const handle = hosts.handlers[host];
    if (handle) handle(request, response);
    else response.writeHead(404).end();
  });
  const port = await listen(server);
  const proxy = createServer((_request, response) => response.writeHead(403).end());
  proxy.on('connect', ({ url = '' }, socket, head) => {
    if (!Object.hasOwn(hosts.handlers, url.replace(/:443$/, ''))) {
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
      return;
    }
    const onward = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      onward.write(head);
      onward.pipe(socket).pipe(onward);
    });
    for (const end of [onward, socket]) end.on('error', () => onward.destroy());
  });
  hosts.proxy = `http://127.0.0.1:${await listen(proxy)}`;
  hosts.close = () => {
    for (const one of [server, proxy]) {
      one.closeAllConnections();
      one.close();
    }
  };
  return hosts;
}

async function listen(server: {
  listen(port: number, host: string, done: () => void): unknown;
  address(): AddressInfo | string | null;
}): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}
