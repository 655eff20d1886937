import { expect, test } from 'vitest';
import { SEED, settle } from '../support/faults/results.ts';
import { startTestWorker } from '../support/worker.ts';
import { askWithRandomFaults } from './random-faults.ts';

const REQUESTS = 2_000;

test(`${REQUESTS} requests while storage fails at random: the file, or a problem, or less than was promised`, async () => {
  const worker = await startTestWorker();
  const { served, refused, brokenOff } = await askWithRandomFaults(worker, REQUESTS, SEED);
  await worker.close();
  expect(served + refused + brokenOff).toBe(REQUESTS);
  for (const count of [served, refused, brokenOff]) expect(count).toBeGreaterThan(0);
  settle({
    family: 'reads of storage that fail',
    tried: REQUESTS,
    lost: [],
    note: `${served} served, ${refused} refused, ${brokenOff} broken off`,
  });
});
