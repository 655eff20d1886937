import { expect, test } from 'vitest';
import { killRounds } from '../support/faults/kill-rounds.ts';
import { SEED, settle } from '../support/faults/results.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder();
const KILLS = Number(process.env.KILLS ?? 200);

test(`${KILLS} kills across create, update, prune, sign, publish and prune-bucket`, async () => {
  const { phases, lost, folder: ofFolder, bucket } = await killRounds(folder, KILLS, SEED);
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
      family: `readings of ${name} meanwhile`,
      tried: seen.readings,
      lost: seen.halves,
      note: `${seen.snapshots.size} snapshots seen, ${seen.refused} refusals`,
    });
  }
  // Else the moments were not drawn from the whole of the work.
  expect(working).toBeGreaterThan(KILLS / 3);
  expect(committing).toBeGreaterThan(0);
});
