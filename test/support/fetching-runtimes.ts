import { existsSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Miniflare } from 'miniflare';
import { inject } from 'vitest';
import { fetchedKey } from '../../format/layout.ts';
import { publicKeyLine } from '../../format/minisign/public-key.ts';
import type { SignedMirror } from '../format/support.ts';
import { TEST_KEY } from './keys.ts';
import { putMirror, type Running, writeMirror } from './runtimes.ts';
import { serveFetching } from './serve-fetching.ts';
import { ASKED_HOST } from './source-server.ts';
import { sharedFolder } from './temporary.ts';

/** A server that fetches, with what it fetched. */
export interface FetchingServer extends Running {
  /** Returns the SHA-256 of each file that was fetched, and the names of anything else that was left. */
  kept(): Promise<string[]>;
  /** Drops a fetched file, as a lifecycle rule does. */
  drop(sha256: string): Promise<void>;
  /** The records of its log. */
  log: Record<string, unknown>[];
}

/** What the Worker's storage does with an object: stores it, refuses it, breaks off within it or after it, or is silent. */
type PutFault = 'none' | 'refuse' | 'cut' | 'lose' | 'silent';

/** The Worker, whose storage can be made to fail. */
export interface FetchingWorker extends FetchingServer {
  /** Returns how often the platform was asked for what since the last call. */
  subrequests(): Promise<Record<string, number>>;
  fail(fault: PutFault): Promise<void>;
  /** Ends the Worker's process, whatever it is doing, and starts another one on the same storage; returns its origin. */
  restart(): Promise<string>;
  /** Returns the bytes of a file that was fetched. */
  read(sha256: string): Promise<Buffer>;
  /** Looks every 50 ms at what the Worker's isolate holds; returns a function that ends this and returns the most, in bytes. */
  watchMemory(): Promise<() => number>;
  /** Puts other bytes in the place of a fetched file. */
  replace(sha256: string, bytes: Buffer): Promise<void>;
}

const FETCHED = fetchedKey('');

/**
 * Sends every request for https to one server instead, and names the host. Counts what a plan limits, and lets storage fail. The
 * Worker itself is the bundled one: it asks by the platform's own fetch.
 */
const routed = (origin: string): string => `
import worker from './worker.mjs';
let subrequests = {};
let fault = 'none';
const count = (name) => { subrequests[name] = (subrequests[name] ?? 0) + 1; };
const platform = globalThis.fetch;
globalThis.fetch = (url, init) => {
  count('fetch');
  const { protocol, host, pathname, search } = new URL(url);
  if (protocol !== 'https:') throw new Error('not https');
  const headers = new Headers(init.headers);
  headers.set('${ASKED_HOST}', host);
  return platform('${origin}' + pathname + search, { ...init, headers });
};
async function failingPut(body) {
  if (fault === 'silent') return new Promise(() => undefined);
  if (fault === 'lose') {
    for await (const _ of body);
    // A failure of the connection has no code.
    throw new Error('Network connection lost.');
  }
  if (fault === 'cut') {
    const reader = body.getReader();
    await reader.read();
    await reader.cancel();
  }
  throw new Error('put: We encountered an internal error. Please try again. (10001)');
}
const wrapped = (bucket) => Object.fromEntries(['get', 'head', 'list', 'put'].map((name) => [name, (...args) => {
  count(name);
  return name === 'put' && fault !== 'none' ? failingPut(args[1]) : bucket[name](...args);
}]));
export default {
  fetch(request, { MIRROR, ...variables }, context) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname !== '/test-control') return worker.fetch(request, { ...variables, MIRROR: wrapped(MIRROR) }, context);
    fault = searchParams.get('fault') ?? fault;
    const answer = Response.json(subrequests);
    subrequests = {};
    return answer;
  },
};
`;

async function optionsFor(source: string, log: Record<string, unknown>[]) {
  const script = inject('workerBundle');
  const text = (value: string) => ({ type: 'text' as const, value });
  return {
    inspectorPort: 0,
    handleStructuredLogs: ({ message }: { message: string }) => {
      if (message.startsWith('{')) log.push(JSON.parse(message));
    },
    workers: [
      {
        config: {
          name: 'fetching',
          compatibilityDate: '2026-10-01',
          compatibilityFlags: ['nodejs_compat'],
          manifest: {
            mainModule: 'routed.mjs',
            modulesRoot: dirname(script),
            modules: {
              'routed.mjs': { type: 'esm' as const, contents: routed(source) },
              'worker.mjs': { type: 'esm' as const, contents: await readFile(script, 'utf8') },
            },
          },
          env: {
            TRUSTED_KEYS: text(publicKeyLine(TEST_KEY.publicKey)),
            VERIFY_OPERATIONS: text('900'),
            MIRROR: { type: 'r2' as const, name: 'fetching' },
          },
        },
      },
    ],
  };
}

/** Starts the Worker in workerd with a mirror in its bucket. */
export async function startFetchingWorker(mirror: SignedMirror, source: string): Promise<FetchingWorker> {
  const log: Record<string, unknown>[] = [];
  const options = await optionsFor(source, log);
  const miniflare = new Miniflare(options);
  let { origin } = await miniflare.ready;
  // Another process has another binding.
  const bucket = () => miniflare.getR2Bucket('MIRROR');
  const control = async (query = ''): Promise<Record<string, number>> =>
    (await fetch(`${origin}/test-control${query}`)).json() as Promise<Record<string, number>>;
  await putMirror({ binding: (await bucket()) as never }, mirror);
  return {
    origin,
    log,
    subrequests: () => control(),
    fail: async (fault) => void (await control(`?fault=${fault}`)),
    restart: async () => {
      await miniflare.setOptions(options);
      origin = (await miniflare.ready).origin;
      return origin;
    },
    read: async (sha256) => {
      const object = await (await bucket()).get(fetchedKey(sha256));
      return Buffer.from((await object?.arrayBuffer()) ?? new ArrayBuffer());
    },
    watchMemory: async () => watchMemory(await miniflare.getInspectorURL()),
    replace: async (sha256, bytes) => void (await (await bucket()).put(fetchedKey(sha256), bytes)),
    kept: async () => {
      const { objects } = await (await bucket()).list({ prefix: FETCHED });
      return objects.map(({ key }) => key.slice(FETCHED.length));
    },
    drop: async (sha256) => (await bucket()).delete(fetchedKey(sha256)),
    close: () => miniflare.dispose(),
  };
}

/** Asks V8, by the inspector's protocol, for what the isolate of the Worker itself holds: the simulation has others. */
async function watchMemory({ host }: URL): Promise<() => number> {
  const targets = (await (await fetch(`http://${host}/json`)).json()) as { webSocketDebuggerUrl: string }[];
  const target = targets.find(({ webSocketDebuggerUrl }) => webSocketDebuggerUrl.includes('core:user'));
  const socket = new WebSocket(target?.webSocketDebuggerUrl ?? '');
  await new Promise((resolve) => socket.addEventListener('open', resolve));
  let most = 0;
  socket.addEventListener('message', ({ data }) => {
    const { usedSize = 0, embedderHeapUsedSize = 0, backingStorageSize = 0 } = JSON.parse(data).result ?? {};
    most = Math.max(most, usedSize + embedderHeapUsedSize + backingStorageSize);
  });
  let id = 0;
  const ask = () => socket.send(JSON.stringify({ id: ++id, method: 'Runtime.getHeapUsage' }));
  const timer = setInterval(ask, 50);
  return () => {
    clearInterval(timer);
    socket.close();
    return most;
  };
}

const folder = await sharedFolder();
let servers = 0;

async function startServer(mirror: SignedMirror, source: string): Promise<FetchingServer> {
  const place = join(folder, `fetching-${++servers}`);
  const [directory, cache] = [join(place, 'mirror'), join(place, 'cache')];
  await writeMirror(directory, mirror);
  const log: Record<string, unknown>[] = [];
  const server = await serveFetching({ directory, cache }, source, (record) => log.push({ ...record }));
  const fetched = join(cache, FETCHED);
  return {
    ...server,
    log,
    kept: async () => (existsSync(fetched) ? readdir(fetched) : []),
    drop: (sha256) => rm(join(fetched, sha256)),
  };
}

/** Both runtimes with a mirror, asking one server in place of every host. */
export const FETCHING_RUNTIMES: [
  name: string,
  start: (mirror: SignedMirror, source: string) => Promise<FetchingServer>,
][] = [
  ['the Worker in workerd', startFetchingWorker],
  ['serve on Node', startServer],
];
