import { MirrorError, messageOf } from '../format/errors.ts';
import { ROOT } from '../format/layout.ts';
import type { PublicKey } from '../format/minisign/public-key.ts';
import { createMirror, type Mirror } from '../worker/app.ts';
import { warningOf } from '../worker/context.ts';
import { METHODS } from '../worker/http/cors.ts';
import { replyOf } from '../worker/http/respond.ts';
import { LiveSnapshots } from '../worker/live-snapshot.ts';
import type { AskSource } from '../worker/on-demand/source.ts';
import { type Advice, isFault, problemResponse } from '../worker/problem.ts';
import { MAX_PATH, type RequestRecord } from '../worker/request-log.ts';
import { parseTokens, type Settings } from '../worker/settings.ts';
import { removeAbandonedParts } from './directory/fetched.ts';
import { digestFile } from './directory/hash.ts';
import { expectWhole } from './directory/mirror.ts';
import { ownFile } from './directory/paths.ts';
import { DirectoryStore } from './directory/store.ts';
import type { Exchange } from './exchange.ts';
import { askSource } from './http/ask-source.ts';
import { closeServer, httpServer, listen } from './http-server.ts';
import type { OpenMetrics } from './metrics/serve-metrics.ts';
import type { Health } from './metrics/state.ts';

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
  /** Called when a response has ended. `isFault` is true for a status that is for the operator, not for the client. */
  log?: (record: RequestRecord, isFault: boolean, exchange: Exchange) => void;
  /** Address of Prometheus' figures, apart from the mirror's port. Without it there are none. */
  metrics?: { host: string; port: number } | undefined;
}

/** A running server. */
export interface RunningServer {
  /** Scheme, host and port. */
  origin: string;
  /** Where the figures are, if they were asked for. */
  metrics: string | undefined;
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
 * Serves a mirror directory with the app that runs at the edge. Resolves once the ports are open.
 * Throws `missing` or `refused` for a directory without a whole mirror, and `refused` for a port that is not free.
 */
export async function serveDirectory(options: ServeOptions): Promise<RunningServer> {
  const { directory, host, port, clock, cache } = options;
  await expectWhole(directory);
  // The thread that hashes files starts now, while there are descriptors for it: no request must need a new one.
  await digestFile(ownFile(directory, ROOT));
  // A mirror without files on demand needs no cache folder; with some, each that cannot be kept is answered with 503.
  if (cache !== undefined) await removeAbandonedParts(cache, clock()).catch(() => undefined);
  const store = new DirectoryStore(directory, cache);
  const settings = settingsOf(options);
  const records = new WeakMap<Request, RequestRecord>();
  const mirror = mirrorOf(options, store, settings, (record, request) => void records.set(request, record));
  const figures = options.metrics && (await openMetrics(options.metrics, port, healthOf(mirror)));
  const server = httpServer({
    fetch: (request) => mirror.app.fetch(request),
    replyOf,
    malformed,
    methods: METHODS,
    began: () => figures?.metrics.began(),
    ended: (exchange, request) => {
      const record = (request && records.get(request)) ?? malformedRecord(exchange);
      figures?.metrics.ended(exchange, record);
      options.log?.(record, isFault(record.status), exchange);
    },
  });
  const close = async (): Promise<void> => {
    await Promise.all([closeServer(server), figures?.close()]);
  };
  return {
    origin: await listen(server, host, port).catch((error) => close().then(() => Promise.reject(error))),
    metrics: figures?.url,
    problem: await problemOf(store, settings, clock),
    close,
  };
}

const mirrorOf = (
  { clock, cache, ask = askSource }: ServeOptions,
  store: DirectoryStore,
  settings: Settings,
  log: (record: RequestRecord, request: Request) => void,
): Mirror =>
  createMirror({ store, settings, clock, advice: ADVICE, log, ...(cache === undefined ? {} : { ask }) });

/** Loads what figures need only where they are wanted. */
async function openMetrics(
  address: { host: string; port: number },
  mirrorPort: number,
  health: () => Promise<Health>,
): Promise<OpenMetrics> {
  if (address.port !== 0 && address.port === mirrorPort) {
    throw new MirrorError('usage', 'The figures need another port than the mirror.', {
      found: String(address.port),
    });
  }
  const { serveMetrics } = await import('./metrics/serve-metrics.ts');
  return serveMetrics(address, METHODS.split(', '), health);
}

/**
 * Returns a function that reads the health of the root, as anybody may, with the faults of all places: while the snapshot stays the
 * same, that checks no signature.
 */
const healthOf =
  ({ app, faults }: Mirror) =>
  async (): Promise<Health> => {
    const answer = await app.fetch(new Request('http://localhost/api/v1/health'));
    return { ...((await answer.json()) as Health), not_as_signed: { files: faults() } };
  };

/** Returns the record of a request that no route was given. Of the responses to these, only that of {@link malformed} has a code. */
const malformedRecord = ({ method = '-', target, status, bytes, ms }: Exchange): RequestRecord => ({
  ...{ method, route: 'malformed', path: target?.slice(0, MAX_PATH) ?? '' },
  ...{ status, bytes, ms: Math.round(ms) },
  message: 'The request is malformed, or expects what this server does not do.',
  ...(status === 400 && target !== undefined ? { code: 'bad-input' } : {}),
});

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

const MALFORMED = 'This request is refused: its target or its host is malformed.';

const malformed = (): Promise<Response> =>
  problemResponse(new MirrorError('bad-input', MALFORMED), new Request('http://localhost/'));
