import { createServer } from 'node:http';
import { findFile, sendFile } from '../sample/static-file.ts';

/** A static host on loopback that counts what it is asked for. */
export interface CountingHost {
  origin: string;
  requests: number;
  /** Bytes of the bodies it sent. */
  bytes: number;
  close(): void;
}

/** Serves a directory on a free port. */
export async function startCountingHost(directory: string): Promise<CountingHost> {
  const server = createServer(async (request, response) => {
    host.requests += 1;
    const file = await findFile(directory, new URL(request.url ?? '/', host.origin).pathname);
    if (!file) return response.writeHead(404).end();
    response.on('finish', () => {
      host.bytes += Number(response.getHeader('content-length') ?? 0);
    });
    return sendFile(request, response, file);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const host: CountingHost = {
    ...{ origin: `http://127.0.0.1:${port}`, requests: 0, bytes: 0 },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
  return host;
}
