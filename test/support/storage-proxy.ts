import { createServer, request } from 'node:http';

/** An HTTP front of storage that passes requests on, keeps account of them, and loses the answers that a test asks it to lose. */
export interface StorageProxy {
  origin: string;
  /** Method and key of every request so far, the lists' as `LIST <prefix>`. */
  requests: string[];
  close(): void;
}

/** What goes wrong between us and storage. */
export interface StorageTrouble {
  /** Keys whose first PUT is carried out, but answered with 500. */
  lose?: readonly string[];
  /** Called with each request and those before it; returns true to answer 403 instead of passing it on. */
  refuse?: (request: string, before: readonly string[]) => boolean;
}

/** Passes everything on to `origin`, but for the trouble that a test wants. */
export async function startStorageProxy(
  origin: string,
  { lose = [], refuse = () => false }: StorageTrouble = {},
): Promise<StorageProxy> {
  const pending = new Set(lose);
  const requests: string[] = [];
  const { hostname, port } = new URL(origin);
  const server = createServer((incoming, outgoing) => {
    const { method = '', url = '', headers } = incoming;
    const name = nameOf(method, url);
    const refused = refuse(name, requests);
    requests.push(name);
    if (refused) {
      incoming.resume();
      outgoing.writeHead(403).end();
      return;
    }
    const lost = method === 'PUT' && pending.delete(url.slice(url.lastIndexOf('/') + 1));
    // The host stays as it was signed.
    const onward = request({ hostname, port, path: url, method, headers }, (answer) => {
      outgoing.writeHead(lost ? 500 : (answer.statusCode ?? 502), lost ? {} : answer.headers);
      if (!lost) answer.pipe(outgoing);
      else answer.resume().on('end', () => outgoing.end());
    });
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const own = typeof address === 'object' && address ? address.port : 0;
  return { origin: `http://127.0.0.1:${own}`, requests, close: () => server.close() };
}

function nameOf(method: string, url: string): string {
  const { pathname, searchParams } = new URL(url, 'http://storage');
  const prefix = searchParams.get('prefix');
  return prefix === null ? `${method} ${pathname.split('/').slice(6).join('/')}` : `LIST ${prefix}`;
}
