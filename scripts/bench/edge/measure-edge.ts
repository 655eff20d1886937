import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { serialize } from 'node:v8';
import { build } from 'esbuild';
import { publicKeyLine } from '../../../format/minisign/public-key.ts';
import { median } from '../measure.ts';
import { KEY, largeMirror } from './large-mirror.ts';

const PROJECT = fileURLToPath(new URL('../../..', import.meta.url));
const CHILD = fileURLToPath(new URL('first-request.ts', import.meta.url));
const run = promisify(execFile);

/** What one request took, by the medians of several fresh processes. */
export interface EdgeCost {
  target: string;
  status: number;
  /** Milliseconds of CPU. */
  cpu: number;
  /** Of the fixed piece of work in the same process, milliseconds. */
  calibration: number;
  operations: number;
  bytes: number;
}

export interface Edge {
  /** Measures the last of some requests to one isolate, which begins with none of them answered. */
  measure(times: number, ...targets: string[]): Promise<EdgeCost & { startUp: number }>;
  close(): Promise<void>;
}

/** Bundles the Worker, and makes a mirror of so many packages in memory. */
export async function openEdge(packages: number): Promise<Edge> {
  const folder = await mkdtemp(join(tmpdir(), 'stout-mirror-edge-'));
  const [bundle, data] = [join(folder, 'worker.mjs'), join(folder, 'objects')];
  await build({
    ...{ absWorkingDir: PROJECT, entryPoints: ['worker/index.ts'], outfile: bundle, bundle: true },
    ...{ format: 'esm', target: 'es2024', platform: 'node', minify: true, logLevel: 'error' },
  });
  const objects = largeMirror(packages, new Date());
  await writeFile(data, serialize({ objects, trusted: publicKeyLine(KEY.publicKey) }));
  const once = async (targets: readonly string[]): Promise<EdgeCost & { startUp: number }> => {
    const { stdout } = await run(process.execPath, ['--no-warnings', CHILD, bundle, data, ...targets]);
    const { startUp, calibration, found } = JSON.parse(stdout);
    return { ...found.at(-1), startUp, calibration };
  };
  return {
    measure: async (times, ...targets) => {
      const runs: (EdgeCost & { startUp: number })[] = [];
      for (let at = 0; at < times; at++) runs.push(await once(targets));
      const [first] = runs;
      if (!first) throw new RangeError('At least one run.');
      const of = (key: 'cpu' | 'startUp' | 'calibration') => median(runs.map((one) => one[key]));
      return { ...first, cpu: of('cpu'), startUp: of('startUp'), calibration: of('calibration') };
    },
    close: () => rm(folder, { recursive: true, force: true }),
  };
}
