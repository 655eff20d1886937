import { expect, test } from 'vitest';
import { memoryStore, quantile, timeCold, timeWarm } from '../../scripts/bench/app.ts';

// The fastest tenth, so that a busy machine does not decide; `npm run bench -- app` has medians.
const store = memoryStore();

test('root and leaf of a snapshot of 50,000 files are verified cold in 15 ms', async () => {
  expect(quantile(await timeCold(store, 20), 0.1)).toBeLessThan(15);
});

test('a warm request for 2 KB takes 150 µs through the app', async () => {
  expect(quantile(await timeWarm(store, 2_000), 0.1)).toBeLessThan(0.15);
});
