import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { closeServer, listen } from '../http-server.ts';
import { Metrics } from './metrics.ts';
import type { Health } from './state.ts';

/** Most open connections: a scraper or two need no more. */
const MAX_CONNECTIONS = 20;

/** Figures, and the server that shows them. */
export interface OpenMetrics {
  metrics: Metrics;
  /** Where they are. */
  url: string;
  close(): Promise<void>;
}

/** Serves figures at `/metrics` and nothing else, to everybody who reaches the port. Throws `refused` for a port that is not free. */
export async function serveMetrics(
  { host, port }: { host: string; port: number },
  methods: readonly string[],
  health: () => Promise<Health>,
): Promise<OpenMetrics> {
  const metrics = new Metrics(methods, health);
  const server = createServer((request, response) => void answer(metrics, request, response));
  server.maxConnections = MAX_CONNECTIONS;
  const origin = await listen(server, host, port);
  return { metrics, url: `${origin}/metrics`, close: () => closeServer(server) };
}

async function answer(
  metrics: Metrics,
  { method, url }: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const isAsked = method === 'GET' && url?.split('?', 1)[0] === '/metrics';
  if (!isAsked) return send(response, 404, 'text/plain; charset=utf-8', 'Only GET /metrics is here.\n');
  try {
    send(response, 200, metrics.contentType, await metrics.text());
  } catch {
    send(response, 500, 'text/plain; charset=utf-8', 'The state of the mirror cannot be read.\n');
  }
}

function send(response: ServerResponse, status: number, type: string, text: string): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.end(text);
}
