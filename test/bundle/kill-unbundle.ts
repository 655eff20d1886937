import { cp, rm } from 'node:fs/promises';
import { expect } from 'vitest';
import { readContents } from '../../builder/directory/mirror.ts';
import { DirectoryStore } from '../../builder/directory/store.ts';
import { isCommitUnfinished } from '../../builder/snapshot/journal.ts';
import { verifyDirectory } from '../../builder/verify/verify-directory.ts';
import { MirrorError } from '../../format/errors.ts';
import { Leaf } from '../../format/snapshot/leaf.ts';
import { openRoot } from '../../format/snapshot/root.ts';
import { changesIn, commitsIn, run } from '../support/faults/kill.ts';
import { TEST_KEY } from '../support/keys.ts';
import { Random } from '../support/random.ts';
import { SILENT } from '../support/silent.ts';
import { BundleWorld } from './world.ts';

const PACKAGES = 50;

/** How the folder was found after each kill: with the old mirror, in the middle of the commit, or with the new mirror. */
export type KilledStates = Record<'before' | 'committing' | 'after', number>;

const edition = (number: number) =>
  Array.from({ length: PACKAGES }, (_, index) => ({
    name: `package-${index}`,
    version: `${number}.0`,
    bottle: `package ${index}, edition ${number}\n`.repeat(1000),
  }));

/** The version that a folder has, once every byte of it was read. */
async function versionIn(directory: string): Promise<number | undefined> {
  const { ok, failures, snapshot } = await verifyDirectory(directory, {
    ...{ trusted: [TEST_KEY.publicKey], now: new Date(), reporter: SILENT },
  });
  expect({ ok, failures }).toEqual({ ok: true, failures: [] });
  return snapshot?.version;
}

/** The version that `serve` has for its readers, once every file is as it was signed; `undefined` if it refuses one. */
async function servedVersion(directory: string): Promise<number | undefined> {
  const store = new DirectoryStore(directory);
  try {
    const signed = await store.signedRoot();
    if (!signed) return undefined;
    const { snapshot } = openRoot(signed, [TEST_KEY.publicKey]);
    for (const [index, reference] of snapshot.leaves.entries()) {
      const bytes = await store.leaf(reference);
      if (!bytes) return undefined;
      for (const entry of new Leaf(bytes, snapshot, index).entries())
        if ((await store.head(entry))?.sha256 !== entry.sha256) return undefined;
    }
    return snapshot.version;
  } catch (error) {
    if (error instanceof MirrorError) return undefined;
    throw error;
  }
}

/**
 * Kills unbundle `kills` times, at moments that `seed` draws. Expects that each time the mirror is the old one or the new one,
 * or in the commit, where readers get one of them or a refusal; and that the same command then finishes.
 */
export async function killUnbundle(folder: string, kills: number, seed: number): Promise<KilledStates> {
  const world = new BundleWorld(folder);
  const { at } = world;
  const [before, after] = await makeEditions(world);
  const random = new Random(seed);
  const states: KilledStates = { before: 0, committing: 0, after: 0 };
  let duration = 300;
  for (let round = 0; round < kills; round++) {
    const directory = at('killed');
    await rm(directory, { recursive: true, force: true });
    await cp(at('base'), directory, { recursive: true });
    const environment = await world.environment(`killed-${round}`);
    const args = ['unbundle', at('2.tar'), directory];
    const atCommit = random.chance(50);
    const changes = atCommit ? commitsIn(directory) : changesIn(directory);
    const wait = atCommit ? random.below(40) : random.below(duration);
    await run(args, { environment, changes, kill: { signal: 'SIGKILL', after: wait } });
    changes.close();
    if (await isCommitUnfinished(directory)) {
      expect([before, after, undefined]).toContain(await servedVersion(directory));
      states.committing += 1;
    } else {
      const found = await versionIn(directory);
      expect([before, after]).toContain(found);
      states[found === before ? 'before' : 'after'] += 1;
    }
    const again = changesIn(directory);
    const ended = await run(args, { environment, changes: again });
    again.close();
    expect(ended).toMatchObject({ status: 0 });
    duration = Math.max(50, Math.round((duration + ended.worked) / 2));
    expect(await versionIn(directory)).toBe(after);
  }
  return states;
}

/** Makes two editions of a mirror, a bundle of each, and a folder with the first; returns their versions. */
async function makeEditions(world: BundleWorld): Promise<(number | undefined)[]> {
  const { at, mirror } = world;
  const versions: (number | undefined)[] = [];
  for (const number of [1, 2]) {
    expect(await world.make(edition(number))).toMatchObject({ status: 0 });
    const since = number === 1 ? [] : ['--since', at('1.tar')];
    const made = await world.outside('bundle', mirror, '-o', at(`${number}.tar`), ...since);
    expect(made).toMatchObject({ status: 0 });
    versions.push((await readContents(mirror))?.snapshot.version);
  }
  expect(await world.inside('unbundle', at('1.tar'), at('base'))).toMatchObject({ status: 0 });
  return versions;
}
