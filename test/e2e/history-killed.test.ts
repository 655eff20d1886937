import { expect, test } from 'vitest';
import { killHistory } from '../history/kill-history.ts';
import { SEED } from '../support/faults/results.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder();
/** The soak kills fifty times. */
const KILLS = 6;

test(`when a folder that keeps snapshots is killed at moments that seed ${SEED} draws, each kept snapshot is whole`, {
  tags: 'long',
}, async () => {
  expect(await killHistory(folder, KILLS, SEED)).toBeLessThanOrEqual(KILLS);
});
