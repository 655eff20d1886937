import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { publicKeyLine } from '../../../format/minisign/public-key.ts';
import { generate } from '../../pack/generate.ts';
import { KEY, madeUpMirror } from '../../pack/made-up-mirror.ts';
import { median } from '../measure.ts';
import type { StoredObject } from './memory-bucket.ts';
import { freePorts, WorkerdProcess } from './workerd-process.ts';

const PROJECT = fileURLToPath(new URL('../../..', import.meta.url));
/** Requests before those that count as warm, and how many do. */
const WARMING = 8;
const WARM = 5;

/** What one request took, by the medians of several fresh processes. CPU in milliseconds, less that of an empty Worker. */
export interface EdgeCost {
  status: number;
  bytes: number;
  /** Operations of storage. */
  operations: number;
  /** Of the first request of an isolate. */
  cold: number;
  /** The same with all threads of workerd: some collect garbage, or compile. */
  allThreads: number;
  /** Of later requests. */
  warm: number;
  /** Of a fixed piece of work in the same process. */
  calibration: number;
}

/** The Worker as it is deployed, in workerd, over a mirror in memory. */
export interface Edge {
  /** Measures a request to fresh processes: a path, and after a bar the value of Accept. */
  measure(times: number, target: string): Promise<EdgeCost>;
  /** Returns the CPU that it takes to start the Worker, milliseconds: what workerd with it takes more than without. */
  startUp(times: number): Promise<number>;
  close(): Promise<void>;
}

/** Bundles the Worker, and makes a mirror of so many packages in memory. */
export async function openEdge(packages: number): Promise<Edge> {
  const folder = await mkdtemp(join(tmpdir(), 'stout-mirror-edge-'));
  await generate(PROJECT);
  await bundle(folder, 'worker.js', 'worker/index.ts');
  await bundle(folder, 'isolate.js', 'scripts/bench/edge/isolate.ts');
  await bundle(folder, 'empty.js', 'scripts/bench/edge/empty-worker.ts');
  const now = new Date();
  await writeObjects(folder, madeUpMirror(packages, now));
  const version = String(Math.floor(now.getTime() / 1000));
  const ports = await freePorts();
  const write = async (name: string, modules: readonly string[]): Promise<string> => {
    const path = join(folder, name);
    await writeFile(path, configOf(modules, ports));
    return path;
  };
  const whole = await write('whole.capnp', ISOLATE);
  const [bare, empty] = [await write('bare.capnp', WORKER), await write('empty.capnp', EMPTY)];
  const started = async (config: string): Promise<number> => {
    const process = new WorkerdProcess(config);
    try {
      await process.ready(ports[1]);
      return (await process.cpu()).worker;
    } finally {
      await process.close();
    }
  };
  return {
    measure: async (times, target) => {
      const runs: EdgeCost[] = [];
      for (let at = 0; at < times; at++)
        runs.push(await measureOnce(whole, ports, target.replace('VERSION', version)));
      const of = (key: keyof EdgeCost) => median(runs.map((run) => run[key]));
      const [{ status, bytes, operations } = { status: 0, bytes: 0, operations: 0 }] = runs;
      return {
        ...{ status, bytes, operations },
        ...{
          cold: of('cold'),
          allThreads: of('allThreads'),
          warm: of('warm'),
          calibration: of('calibration'),
        },
      };
    },
    startUp: async (times) => {
      const differences: number[] = [];
      for (let at = 0; at < times; at++) differences.push((await started(bare)) - (await started(empty)));
      return median(differences);
    },
    close: () => rm(folder, { recursive: true, force: true }),
  };
}

async function measureOnce(
  config: string,
  [main, empty]: [number, number],
  target: string,
): Promise<EdgeCost> {
  const process = new WorkerdProcess(config);
  try {
    await process.ready(empty);
    // Neither the first connection nor the first request of the process is the Worker's.
    for (let at = 0; at < WARMING; at++) await process.ask(empty, '/');
    await process.ask(main, '/bench/operations');
    const none = median(
      await series(WARM, async () => (await process.measure(() => process.ask(empty, '/'))).cpu.worker),
    );
    const work = await process.measure(() => process.ask(empty, '/work'));
    const [path = '', accept] = target.split('|');
    const first = await process.measure(() => process.ask(main, path, accept));
    const operations = Number((await process.ask(main, '/bench/operations')).text);
    for (let at = 0; at < WARMING; at++) await process.ask(main, path, accept);
    const later = await series(
      WARM,
      async () => (await process.measure(() => process.ask(main, path, accept))).cpu.worker,
    );
    const { status, text } = first.result;
    return {
      ...{
        status,
        bytes: text.length,
        operations,
        cold: first.cpu.worker - none,
        allThreads: first.cpu.all - none,
      },
      ...{ warm: median(later) - none, calibration: work.cpu.worker - none },
    };
  } finally {
    await process.close();
  }
}

async function series<T>(times: number, run: () => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let at = 0; at < times; at++) results.push(await run());
  return results;
}

const bundle = (folder: string, name: string, entry: string) =>
  build({
    ...{
      absWorkingDir: PROJECT,
      entryPoints: [entry],
      outfile: join(folder, name),
      bundle: true,
      minify: true,
    },
    ...{ format: 'esm', target: 'es2024', conditions: ['workerd', 'worker'], logLevel: 'error' },
    external: ['node:*', 'objects.bin', 'objects.json'],
  });

/** Puts the objects one after the other into a file, with an index beside it. */
async function writeObjects(folder: string, objects: ReadonlyMap<string, Uint8Array>): Promise<void> {
  const hash = (algorithm: string, bytes: Uint8Array) => createHash(algorithm).update(bytes).digest('hex');
  let offset = 0;
  const index: StoredObject[] = [];
  for (const [key, bytes] of objects) {
    index.push([key, offset, bytes.length, hash('sha256', bytes), hash('md5', bytes)]);
    offset += bytes.length;
  }
  await writeFile(join(folder, 'objects.bin'), Buffer.concat([...objects.values()]));
  await writeFile(join(folder, 'objects.json'), JSON.stringify(index));
}

const module = (kind: string, name: string): string => `(name = "${name}", ${kind} = embed "${name}")`;
const EMPTY = [module('esModule', 'empty.js')];
const WORKER = [module('esModule', 'worker.js')];
const ISOLATE = [
  module('esModule', 'isolate.js'),
  module('data', 'objects.bin'),
  module('json', 'objects.json'),
];

/** Describes a workerd with a Worker of these modules at the first port, and one that does nothing at the second. */
const configOf = (modules: readonly string[], [main, empty]: [number, number]): string => `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .main), (name = "empty", worker = .empty)],
  sockets = [
    (name = "main", address = "127.0.0.1:${main}", http = (), service = "main"),
    (name = "empty", address = "127.0.0.1:${empty}", http = (), service = "empty"),
  ],
);
const main :Workerd.Worker = (
  modules = [${modules.join(', ')}],
  compatibilityDate = "2026-10-01",
  bindings = [(name = "TRUSTED_KEYS", text = "${publicKeyLine(KEY.publicKey)}")],
);
const empty :Workerd.Worker = (modules = [${EMPTY.join(', ')}], compatibilityDate = "2026-10-01");
`;
