import { createServer, type Server } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { MirrorError } from '../format/errors.ts';
import type { PublicKey } from '../format/minisign/public-key.ts';
import { createApp } from '../worker/app.ts';
import type { RequestRecord } from '../worker/request-log.ts';
import { parseTokens } from '../worker/settings.ts';
import { expectWhole } from './directory/mirror.ts';
import { DirectoryStore } from './directory/store.ts';

/** How to serve a directory. */
export interface ServeOptions {
  directory: string;
  host: string;
  /** 0 for any free port. */
  port: number;
  trusted: readonly PublicKey[];
  /** Scheme and host that clients use, where requests have another one. */
  publicUrl?: string | undefined;
  clock: () => Date;
  /** The Worker's MIRROR_TOKEN: requests without one of these tokens get only the mirror's health. */
  mirrorToken?: string | undefined;
  /** Called after each response. */
  log?: (record: RequestRecord) => void;
}

/** A running server. */
export interface RunningServer {
  /** Scheme, host and port. */
  origin: string;
  close(): Promise<void>;
}

/** Storage operations cost nothing here: one call verifies everything. */
const UNLIMITED = Number.MAX_SAFE_INTEGER;

/**
 * Serves a mirror directory with the app that runs at the edge. Resolves once the port is open.
 * Throws `missing` or `refused` for a directory without a whole mirror, and `refused` for a port that is not free.
 */
export async function serveDirectory(options: ServeOptions): Promise<RunningServer> {
  const { directory, host, port, trusted, publicUrl, mirrorToken, clock, log } = options;
  await expectWhole(directory);
  const store = new DirectoryStore(directory);
  const app = createApp({
    store,
    settings: {
      trusted,
      allowUnverified: false,
      mirror: undefined,
      expired: 'serve',
      publicUrl,
      tokens: parseTokens(mirrorToken),
      verifyOperations: UNLIMITED,
    },
    clock,
    ...(log ? { log } : {}),
  });
  const listener = getRequestListener(app.fetch);
  const server = createServer((request, response) => void listener(request, response));
  return { origin: originOf(host, await listen(server, host, port)), close: () => closeServer(server) };
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) =>
      reject(new MirrorError('refused', `Cannot listen on ${host}:${port}: ${cause.message}`, { cause })),
    );
    server.listen(port, host, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : port);
    });
  });
}

const originOf = (host: string, port: number): string =>
  `http://${host.includes(':') ? `[${host}]` : host}:${port}`;

function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}
