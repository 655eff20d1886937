import pMap from 'p-map';
import { expect } from 'vitest';
import { utf8 } from '../../format/bytes.ts';
import { createApp } from '../../worker/app.ts';
import { R2Store } from '../../worker/r2-store.ts';
import { parseSettings } from '../../worker/settings.ts';
import { signMirror } from '../format/support.ts';
import { type Fault, faultyBucket } from '../support/faults/faulty-bucket.ts';
import { TEST_KEY } from '../support/keys.ts';
import { expectProblem } from '../support/problem.ts';
import { Random } from '../support/random.ts';
import { putMirror } from '../support/runtimes.ts';
import type { TestWorker } from '../support/worker.ts';

const MIRROR = signMirror({ now: new Date(), bottles: 30 });
const PATHS = [...MIRROR.files.keys()].filter((path) => !path.startsWith('index/formulas/data/'));
const FAULTS: readonly [Fault, ...Fault[]] = ['error', 'error', 'error', 'refusal', 'cut', 'silence', 'stop'];
/** Milliseconds; of a real bucket no read takes as long. */
const PATIENCE = 1_000;

/** What became of the requests. */
export interface Outcome {
  served: number;
  refused: number;
  /** Bodies that ended before their time, which a client sees by their length. */
  brokenOff: number;
}

/**
 * Asks the app for files, or parts of them, while a tenth of all reads of its real bucket fail in all ways there are. Each answer
 * is the file, or a problem document, or breaks off; and once storage is well again, everything is served.
 */
export async function askWithRandomFaults(
  worker: TestWorker,
  requests: number,
  seed: number,
): Promise<Outcome> {
  await putMirror(worker, MIRROR);
  const random = new Random(seed);
  const faulty = faultyBucket(worker.binding);
  let time = Date.now();
  const app = createApp({
    store: new R2Store(faulty.bucket, PATIENCE),
    settings: { ...parseSettings({}), trusted: [TEST_KEY.publicKey] },
    clock: () => new Date(time),
  });
  const outcome: Outcome = { served: 0, refused: 0, brokenOff: 0 };
  const ask = async (path: string, from: number): Promise<keyof Outcome> => {
    const bytes = MIRROR.files.get(path) ?? utf8('');
    const response = await app.request(`https://mirror.example/${path}`, {
      headers: { range: `bytes=${from}-` },
    });
    const body = Promise.race([
      response.arrayBuffer(),
      new Promise<never>((_, late) => setTimeout(late, 2 * PATIENCE)),
    ]);
    const got = await body.then(Buffer.from, () => undefined);
    if (response.status !== 206) {
      const { status, headers } = response;
      expectProblem({ status, headers, body: String(got) }, 503, 'upstream');
      return 'refused';
    }
    if (got === undefined || got.length < Number(response.headers.get('content-length'))) return 'brokenOff';
    expect(Buffer.compare(got, bytes.subarray(from)), path).toBe(0);
    return 'served';
  };
  faulty.plan = () => (random.chance(10) ? random.pick(FAULTS) : undefined);
  await pMap(
    Array.from({ length: requests }),
    async () => {
      const path = PATHS[random.below(PATHS.length)] ?? '';
      time += random.below(4_000);
      outcome[await ask(path, random.below(10))] += 1;
    },
    { concurrency: 8 },
  );
  faulty.plan = () => undefined;
  time += 10_000;
  for (const path of PATHS) expect(await ask(path, 0), path).toBe('served');
  return outcome;
}
