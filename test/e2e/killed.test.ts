import { join } from 'node:path';
import { expect, test } from 'vitest';
import { killRounds } from '../support/faults/kill-rounds.ts';
import { SEED } from '../support/faults/results.ts';
import { temporaryFolder } from '../support/temporary.ts';

/** Of create, publish and update; the soak has them all. */
const ROUNDS = 3;
const folder = await temporaryFolder();
let attempts = 0;

test(`when a verb is killed at a moment that seed ${SEED} draws, nobody sees a half and the next run finishes`, {
  // Where a kill falls is up to the machine; that at least one fell into the middle must be seen.
  retry: 2,
}, async () => {
  const {
    phases,
    lost,
    folder: ofFolder,
    bucket,
  } = await killRounds(join(folder, String(++attempts)), ROUNDS, SEED);
  expect({ lost, halves: [...ofFolder.halves, ...bucket.halves] }).toEqual({ lost: [], halves: [] });
  expect(phases.working + phases.committing).toBeGreaterThan(0);
  expect(ofFolder.snapshots.size).toBeGreaterThan(1);
  expect(bucket.snapshots.size).toBeGreaterThan(1);
});
