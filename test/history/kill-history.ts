import { join } from 'node:path';
import { expect } from 'vitest';
import { PRIVATE } from '../../builder/directory/paths.ts';
import { DirectoryStore } from '../../builder/directory/store.ts';
import { isCommitUnfinished } from '../../builder/snapshot/journal.ts';
import { snapshotName } from '../../format/layout.ts';
import { writeUpstream } from '../builder/upstream.ts';
import { changesIn, commitsIn, run } from '../support/faults/kill.ts';
import { Random } from '../support/random.ts';
import { edition, HistoryWorld, servedOf } from './world.ts';

const KEEP = 3;

/**
 * Kills verbs that change a folder with kept snapshots `kills` times, at moments that `seed` draws. Expects that each time every
 * kept snapshot is whole, and that the same command then finishes and keeps as many as it should. Returns how many kills came
 * in the middle of a commit.
 */
export async function killHistory(folder: string, kills: number, seed: number): Promise<number> {
  const world = new HistoryWorld(folder);
  const { mirror } = world;
  for (let number = 1; number <= KEEP; number++)
    await world.edition(number, '--keep-snapshots', String(KEEP));
  const random = new Random(seed);
  let time = Math.floor(Date.now() / 1000);
  let committing = 0;
  for (let round = 0; round < kills; round++) {
    await writeUpstream(world.at('upstream'), { formulas: edition(KEEP + 1 + round) });
    const verb = random.pick(['update', 'sign', 'prune']);
    const from = verb === 'update' ? ['--upstream', world.at('upstream')] : [];
    const args = [verb, mirror, ...from];
    time += 3600;
    const environment = { ...(await world.environment('killed')), SOURCE_DATE_EPOCH: String(time) };
    const atCommit = verb !== 'prune' && random.chance(60);
    const changes = atCommit ? commitsIn(mirror) : changesIn(join(mirror, PRIVATE));
    // A commit of so small a mirror takes a few milliseconds.
    const after = random.below(atCommit ? 4 : 200);
    await run(args, { environment, changes, kill: { signal: 'SIGKILL', after } });
    changes.close();
    if (await isCommitUnfinished(mirror)) committing += 1;
    await expectKeptWhole(mirror, 1);
    const again = changesIn(join(mirror, PRIVATE));
    expect(await run(args, { environment, changes: again })).toMatchObject({
      status: 0,
      stderr: expect.any(String),
    });
    again.close();
    expect(await expectKeptWhole(mirror, 0)).toBe(KEEP);
  }
  return committing;
}

/** Expects every snapshot to be whole, but for the `last`: in the middle of a commit, that is the live one. Returns how many there are. */
async function expectKeptWhole(directory: string, last: number): Promise<number> {
  const ids = await new DirectoryStore(directory).snapshots();
  for (const id of ids.slice(0, ids.length - last))
    expect([snapshotName(id), (await servedOf(directory, id))?.damaged]).toEqual([snapshotName(id), []]);
  return ids.length;
}
