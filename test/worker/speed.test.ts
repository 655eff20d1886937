import { expect, test } from 'vitest';
import { memoryStore, timeCold, timeWarm } from '../../scripts/bench/app.ts';
import { cpuTime } from '../support/cpu-time.ts';

// Processor time, the least of three rounds, so that a busy machine does not decide: other processes take the caches of the processor
// too. `npm run bench -- app` measures what a client waits.
const store = memoryStore();

test.each<[what: string, milliseconds: number, runs: number, run: typeof timeCold]>([
  ['root and leaf of a snapshot of 50,000 files are verified cold', 15, 20, timeCold],
  ['a warm request for 2 KB goes through the app', 0.15, 2_000, timeWarm],
])('%s in %d ms', async (_what, milliseconds, runs, run) => {
  await run(store, runs); // compiles it
  const rounds: number[] = [];
  for (let round = 0; round < 3; round++) rounds.push((await cpuTime(() => run(store, runs))) / runs);
  expect(Math.min(...rounds)).toBeLessThan(milliseconds);
});
