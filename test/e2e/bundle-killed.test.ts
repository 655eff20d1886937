import { expect, test } from 'vitest';
import { killUnbundle } from '../bundle/kill-unbundle.ts';
import { SEED } from '../support/faults/results.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder();
/** The soak kills it fifty times. */
const KILLS = 6;

test(`when unbundle is killed at moments that seed ${SEED} draws, readers get the old mirror, the new one or a refusal`, {
  tags: 'long',
}, async () => {
  const states = await killUnbundle(folder, KILLS, SEED);
  expect(Object.values(states).reduce((sum, count) => sum + count, 0)).toBe(KILLS);
});
