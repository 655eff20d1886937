import { createServer, request } from 'node:http';

/** An HTTP front that passes requests on, and loses the answers that a test asks it to lose. */
export interface LosingProxy {
  origin: string;
  close(): void;
}

/** Passes everything on to `origin`; the first PUT of each key in `lose` is carried out, but answered with 500. */
export async function startLosingProxy(origin: string, lose: readonly string[]): Promise<LosingProxy> {
  const pending = new Set(lose);
  const target = new URL(origin);
  const server = createServer((incoming, outgoing) => {
    const { method, url = '', headers } = incoming;
    const lost = method === 'PUT' && pending.delete(url.slice(url.lastIndexOf('/') + 1));
    const { hostname, port } = target;
    // The host stays as it was signed.
    const onward = request({ hostname, port, path: url, method, headers }, (answer) => {
      outgoing.writeHead(lost ? 500 : (answer.statusCode ?? 502), lost ? {} : answer.headers);
      if (!lost) answer.pipe(outgoing);
      else answer.resume().on('end', () => outgoing.end());
    });
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return { origin: `http://127.0.0.1:${port}`, close: () => server.close() };
}
