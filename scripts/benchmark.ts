import { memoryStore, quantile, timeCold, timeWarm } from './benchmark/edge.ts';

/** `npm run benchmark`: how long the serving app itself takes, over a store in memory. */
const store = memoryStore();
report('root and leaf of 50,000 files, first time', await timeCold(store, 1), 'ms', 1);
report('root and leaf of 50,000 files, cold', await timeCold(store, 50), 'ms', 1);
report('warm request for 2 KB', (await timeWarm(store, 20_000)).slice(2_000), 'µs', 1000);

function report(what: string, times: readonly number[], unit: string, factor: number): void {
  const [median, tail] = [quantile(times, 0.5), quantile(times, 0.99)].map((time) =>
    (time * factor).toFixed(1),
  );
  console.log(`${what.padEnd(44)} median ${median} ${unit}, 99 % ${tail} ${unit}, n = ${times.length}`);
}
