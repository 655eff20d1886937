import { expect, test } from 'vitest';
import { killRounds } from '../support/faults/kill-rounds.ts';
import { SEED } from '../support/faults/results.ts';
import { temporaryFolder } from '../support/temporary.ts';

/** One each of create, publish and update; the soak kills every verb. */
const ROUNDS = 3;
const folder = await temporaryFolder();

test(`when a verb is killed at a moment that seed ${SEED} draws, no reader sees half a change and the next run finishes`, {
  tags: 'long',
}, async () => {
  const { lost, folder: ofFolder, bucket } = await killRounds(folder, ROUNDS, SEED);
  expect({ lost, halves: [...ofFolder.halves, ...bucket.halves] }).toEqual({ lost: [], halves: [] });
  expect(ofFolder.snapshots.size).toBeGreaterThan(1);
  expect(bucket.snapshots.size).toBeGreaterThan(1);
});
