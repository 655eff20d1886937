import { memoryStore, timeBare, timeCold, timeWarm } from '../app.ts';
import { median } from '../measure.ts';
import type { Row } from '../row.ts';

const WARM = 20_000;
/** Runs before the runtime has compiled what they take. */
const FIRST = 2_000;

export const app: Row = {
  name: 'warm file, app alone; app, cold',
  work: 'CPU of a warm request for a file of 2 KB, store in memory; root and leaf of 50,000 files verified and resolved',
  peer: 'bare Hono handler that returns the same bytes',
  reach: 'at most 0.15 ms; under 15 ms',
  needs: [],
  run: async ({ times }) => {
    const store = memoryStore();
    const [first = Number.NaN] = await timeCold(store, 1);
    const cold = median(await timeCold(store, 10 * times));
    const warm = await cpuOf(times, (runs) => timeWarm(store, runs));
    const bare = await cpuOf(times, timeBare);
    return [
      {
        ours: `${warm.toFixed(3)} ms`,
        peer: `${bare.toFixed(3)} ms`,
        found: `${(warm - bare).toFixed(3)} ms more`,
        reached: warm <= 0.15,
      },
      {
        ours: `cold: ${cold.toFixed(1)} ms`,
        peer: '',
        found: `${first.toFixed(1)} ms the first time in a process`,
        reached: cold < 15,
      },
    ];
  },
};

/** Milliseconds of CPU that one of many runs takes, the middle of several rounds. */
async function cpuOf(times: number, work: (runs: number) => Promise<unknown>): Promise<number> {
  await work(FIRST);
  const rounds: number[] = [];
  for (let round = 0; round < times; round++) {
    const before = process.cpuUsage();
    await work(WARM);
    const { user, system } = process.cpuUsage(before);
    rounds.push((user + system) / 1000 / WARM);
  }
  return median(rounds);
}
