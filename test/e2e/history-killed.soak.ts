import { expect, test } from 'vitest';
import { killHistory } from '../history/kill-history.ts';
import { SEED } from '../support/faults/results.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder();

test(`when a folder that keeps snapshots is killed at fifty moments that seed ${SEED} draws, each kept snapshot is whole`, async () => {
  const committing = await killHistory(folder, 50, SEED);
  process.stdout.write(`verbs of a folder with history were killed 50 times, ${committing} in a commit\n`);
  expect(committing).toBeGreaterThan(0);
});
