import { join } from 'node:path';
import { expect, test } from 'vitest';
import { killRounds } from '../support/faults/kill-rounds.ts';
import { SEED, settle } from '../support/faults/results.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder();
const KILLS = Number(process.env.KILLS ?? 200);

test('twenty-eight stops by Ctrl-C', async () => {
  const { phases, lost } = await killRounds(join(folder, 'stopped'), 28, SEED, 'SIGINT');
  const { working, committing, done, ended } = phases;
  settle({
    family: 'SIGINT, then the next run',
    tried: 28,
    lost,
    note: `${working} at work, ${committing} in a commit, ${done} after it, ${ended} too late; all others 130`,
  });
});

test(`${KILLS} kills across create, update, prune, sign, publish and prune-bucket`, async () => {
  const { phases, lost, folder: ofFolder, bucket } = await killRounds(join(folder, 'killed'), KILLS, SEED);
  const { working, committing, done, ended } = phases;
  settle({
    family: 'kill -9, then the next run',
    tried: KILLS,
    lost,
    note: `${working} at work, ${committing} in a commit, ${done} after it, ${ended} too late`,
  });
  for (const [name, seen] of [
    ['a folder’s server', ofFolder],
    ['the edge', bucket],
  ] as const) {
    settle({
      family: `readings of ${name} at that time`,
      tried: seen.readings,
      lost: seen.halves,
      note: `${seen.snapshots.size} snapshots seen, ${seen.refused} refusals`,
    });
  }
  // Else the moments were not drawn from the whole of the work.
  expect(working).toBeGreaterThan(KILLS / 3);
  expect(committing).toBeGreaterThan(0);
});
