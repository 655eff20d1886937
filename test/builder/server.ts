import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { onTestFinished } from 'vitest';

export interface TestServer {
  origin: string;
  /** Requests so far, oldest first. */
  requests: IncomingMessage[];
}

/** Starts an HTTP server that lives as long as the calling test. `attempt` counts requests from 1. */
export async function startServer(
  handle: (request: IncomingMessage, response: ServerResponse, attempt: number) => void,
): Promise<TestServer> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    handle(request, response, requests.length);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return { origin: `http://127.0.0.1:${address.port}`, requests };
}

/** A redirect. */
export function redirect(response: ServerResponse, location: string): void {
  response.writeHead(302, { location }).end();
}
