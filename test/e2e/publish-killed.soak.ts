import { expect, test } from 'vitest';
import { temporaryFolder } from '../support/temporary.ts';
import { killPublishes } from './publish-killed.ts';

const folder = await temporaryFolder();
const SEED = Number(process.env.SEED ?? Date.now() % 1_000_000);

test(`fifty publishers that are killed at moments that seed ${SEED} draws`, async () => {
  const kills = await killPublishes(folder, 50, SEED);
  // All three show, or the moments were not drawn from the whole of a run.
  expect(kills).toEqual({
    before: expect.any(Number),
    within: expect.any(Number),
    after: expect.any(Number),
  });
  expect(kills.within).toBeGreaterThan(10);
});
