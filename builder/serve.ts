import type { Server } from 'node:http';
import { MirrorError, messageOf } from '../format/errors.ts';
import { ROOT } from '../format/layout.ts';
import type { PublicKey } from '../format/minisign/public-key.ts';
import { createApp } from '../worker/app.ts';
import { warningOf } from '../worker/context.ts';
import { METHODS } from '../worker/http/cors.ts';
import { LiveSnapshots } from '../worker/live-snapshot.ts';
import type { AskSource } from '../worker/on-demand/source.ts';
import { type Advice, isFault, problemResponse } from '../worker/problem.ts';
import type { RequestRecord } from '../worker/request-log.ts';
import { parseTokens, type Settings } from '../worker/settings.ts';
import { removeAbandonedParts } from './directory/fetched.ts';
import { digestFile } from './directory/hash.ts';
import { expectWhole } from './directory/mirror.ts';
import { ownFile } from './directory/paths.ts';
import { DirectoryStore } from './directory/store.ts';
import { askSource } from './http/ask-source.ts';
import { httpServer } from './http-server.ts';

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
  /** Folder for files on demand that are fetched; it is made when it is needed. Without it nothing is fetched. */
  cache?: string | undefined;
  /** Asks the sources of files on demand; by https at public addresses if absent. */
  ask?: AskSource | undefined;
  /** What to do with a snapshot that has expired; `serve` if absent. */
  expired?: Settings['expired'] | undefined;
  /** The Worker's MIRROR_TOKEN: requests without one of these tokens get only the mirror's health. */
  mirrorToken?: string | undefined;
  /** Called after each response. `isFault` is true for a status that is for the operator, not for the client. */
  log?: (record: RequestRecord, isFault: boolean) => void;
}

/** A running server. */
export interface RunningServer {
  /** Scheme, host and port. */
  origin: string;
  /** What is wrong with the mirror, if anything: it has expired, or is not served at all. */
  problem: string | undefined;
  close(): Promise<void>;
}

const DAMAGED =
  'The operator can list all such files with stout-mirror verify DIR, and fetch them again with stout-mirror create DIR --force PACKAGE.';

/** What to do about errors here, where the mirror is a folder. */
const ADVICE: Advice = {
  mismatch: DAMAGED,
  missing: DAMAGED,
  'too-large': DAMAGED,
  upstream: 'Ask again in a moment. If it goes on, the operator finds the cause in the log of serve.',
  unpublished: 'The folder has no mirror: make one with stout-mirror create DIR.',
  'source-refused':
    'The source does not have the signed file. The operator can remake the mirror with stout-mirror update DIR.',
  'read-only': 'A mirror changes when its operator remakes its folder: stout-mirror update DIR.',
  'bad-signature':
    'Compare the keys that serve trusts (--trust) with the public key that the mirror is signed with.',
  expired: 'Run stout-mirror sign DIR, which renews the signatures.',
  'other-mirror': 'The folder now has another mirror: start serve again.',
  refused: 'Start serve again with --trust and the public key of the mirror.',
};

/** Storage operations cost nothing here: one call verifies everything. */
const UNLIMITED = Number.MAX_SAFE_INTEGER;

/**
 * Serves a mirror directory with the app that runs at the edge. Resolves once the port is open.
 * Throws `missing` or `refused` for a directory without a whole mirror, and `refused` for a port that is not free.
 */
export async function serveDirectory(options: ServeOptions): Promise<RunningServer> {
  const { directory, host, port, clock, cache, ask = askSource, log } = options;
  await expectWhole(directory);
  // The thread that hashes files starts now, while there are descriptors for it: no request must need a new one.
  await digestFile(ownFile(directory, ROOT));
  // A mirror without files on demand needs no cache folder; with some, each that cannot be kept is answered with 503.
  if (cache !== undefined) await removeAbandonedParts(cache, clock()).catch(() => undefined);
  const store = new DirectoryStore(directory, cache);
  const settings = settingsOf(options);
  const app = createApp({
    store,
    settings,
    clock,
    advice: ADVICE,
    ...(cache === undefined ? {} : { ask }),
    ...(log ? { log: (record) => log(record, isFault(record.status)) } : {}),
  });
  const server = httpServer({ fetch: (request) => app.fetch(request), malformed, methods: METHODS });
  return {
    origin: originOf(host, await listen(server, host, port)),
    problem: await problemOf(store, settings, clock),
    close: () => closeServer(server),
  };
}

/** An https address for clients means a proxy in front, which ends encryption. */
const settingsOf = ({ trusted, expired = 'serve', publicUrl, mirrorToken }: ServeOptions): Settings => ({
  ...{ trusted, expired, publicUrl, allowUnverified: false, mirror: undefined },
  encryption: publicUrl?.startsWith('https:') ? 'proxy' : 'nowhere',
  tokens: parseTokens(mirrorToken),
  verifyOperations: UNLIMITED,
});

async function problemOf(
  store: DirectoryStore,
  settings: Settings,
  clock: () => Date,
): Promise<string | undefined> {
  try {
    return warningOf(await new LiveSnapshots(store, settings, clock).current(), clock());
  } catch (error) {
    return messageOf(error);
  }
}

const malformed = (): Promise<Response> =>
  problemResponse(
    new MirrorError('bad-input', 'This request is refused: its target or its host is malformed.'),
    new Request('http://localhost/'),
  );

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
