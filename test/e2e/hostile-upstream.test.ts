import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { columnCases, jsonCases, meetHostile, nameCases } from '../support/faults/hostile-cases.ts';
import { HOSTILE_CONTENTS, type HostileContents } from '../support/faults/hostile-contents.ts';
import { createFromHostile, placeIn } from '../support/faults/hostile-run.ts';
import { SEED } from '../support/faults/results.ts';
import { Random } from '../support/random.ts';
import { temporaryFolder } from '../support/temporary.ts';

/** Of each family; the soak meets them all. */
const SOME = 6;
const folder = await temporaryFolder();
let places = 0;
const newPlace = (): string => join(folder, String(++places));

describe('when an upstream is hostile, create refuses it in words or makes a sound mirror, and writes nowhere else', () => {
  const quick = Object.entries(HOSTILE_CONTENTS).filter(([, { slow }]) => !slow);
  const large = ['a generated column of 800 MB', 'a hundred thousand dependencies that nobody has'];
  const meet = async (_name: string, { write, packages = ['jq'] }: HostileContents) => {
    expect(await meetHostile(newPlace(), { write }, { packages, casks: [] })).toEqual([]);
  };
  test.each(quick.filter(([name]) => !large.includes(name)))('%s', meet);
  test.each(quick.filter(([name]) => large.includes(name)))('%s', { tags: 'long' }, meet);

  test.each([
    ['JSON of every kind in every field', jsonCases],
    ['every kind in every column', columnCases],
    ['names and versions', () => nameCases(SEED, SOME)],
  ])(`%s: some that seed ${SEED} draws`, async (_name, cases) => {
    const scratch = join(newPlace(), 'scratch');
    await mkdir(scratch, { recursive: true });
    const all = await cases(scratch);
    const random = new Random(SEED);
    for (const one of Array.from({ length: SOME }, () => all[random.below(all.length)])) {
      if (one) expect([one.name, await meetHostile(newPlace(), one)]).toEqual([one.name, []]);
    }
  });

  test('a zstd frame of 50 GB, in bounded memory', async () => {
    const place = placeIn(newPlace());
    await mkdir(place.upstream, { recursive: true });
    await HOSTILE_CONTENTS['package JSON that expands to 50 GB']?.write(place.upstream);
    const { complaints, peak } = await createFromHostile(place, { mirror: 'must not' });
    expect(complaints).toEqual([]);
    expect(peak).toBeLessThan(300);
  });
});
