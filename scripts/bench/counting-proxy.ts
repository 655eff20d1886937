import { createServer, request } from 'node:http';

/** An HTTP front of storage that notes what it is asked for. */
export interface CountingProxy {
  origin: string;
  /** Requests so far: `PUT`, `GET`, `HEAD`, `DELETE`, and `LIST` for listings. */
  counts: Map<string, number>;
  close(): void;
}

/** Passes everything on to `origin`. */
export async function startCountingProxy(origin: string): Promise<CountingProxy> {
  const counts = new Map<string, number>();
  const { hostname, port } = new URL(origin);
  const server = createServer((incoming, outgoing) => {
    const { method = '', url = '', headers } = incoming;
    const kind = new URL(url, origin).searchParams.has('list-type') ? 'LIST' : method;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    const onward = request({ hostname, port, path: url, method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const own = typeof address === 'object' && address ? address.port : 0;
  return { origin: `http://127.0.0.1:${own}`, counts, close: () => server.close() };
}
