import { memoryStore, timeBare, timeCold, timeWarm } from '../app.ts';
import { median } from '../measure.ts';
import type { Row } from '../row.ts';

const WARM = 20_000;
/** Runs before the runtime has compiled what they take. */
const FIRST = 2_000;

export const app: Row = {
  name: 'app alone; app, cold',
  work: 'warm 2 KB request, store in memory; root and leaf of 50,000 files verified and resolved',
  peer: 'bare Hono handler that returns the same bytes',
  reach: 'at most 150 µs more; under 15 ms',
  needs: [],
  run: async ({ times }) => {
    const store = memoryStore();
    const [first = Number.NaN] = await timeCold(store, 1);
    const cold = median(await timeCold(store, 10 * times));
    const warm = median((await timeWarm(store, WARM)).slice(FIRST)) * 1000;
    const bare = median((await timeBare(WARM)).slice(FIRST)) * 1000;
    return [
      {
        ours: `${warm.toFixed(0)} µs`,
        peer: `${bare.toFixed(0)} µs`,
        found: `${(warm - bare).toFixed(0)} µs more`,
        reached: warm - bare <= 150,
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
