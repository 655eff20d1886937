import { afterAll, expect, test } from 'vitest';
import { damageInTurn, damageTogether, makeTruth, tellLies } from '../support/faults/damage-cases.ts';
import { LIES } from '../support/faults/lies.ts';
import { PlacedMirror } from '../support/faults/placed-mirror.ts';
import { SEED } from '../support/faults/results.ts';
import { temporaryFolder } from '../support/temporary.ts';

const LEAF_TOO_LONG = 'a leaf has an entry more';
const { directory, truth } = await makeTruth(await temporaryFolder());
const placed = await PlacedMirror.open(directory);
afterAll(() => placed.close());

test(`when every file that is listed is damaged, as seed ${SEED} draws, each verification names each, and none is served`, {
  tags: 'long',
}, async () => {
  const { damaged, found, served } = await damageTogether(placed, SEED);
  for (const [by, { ok, paths }] of found) {
    expect({ by, ok, unnamed: damaged.filter((path) => !paths.includes(path)) }).toEqual({
      ...{ by, ok: false, unnamed: [] },
    });
  }
  expect(served).toEqual([]);
});

test('when the list itself is damaged, each verification names it, and it is not served', async () => {
  const leaf = [...placed.files.keys()].find((path) => path.startsWith('snapshot/leaves/')) ?? '';
  expect((await damageInTurn(placed, SEED, [leaf])).lost).toEqual([]);
});

test('when somebody without our key lies about the mirror, each verification names what is wrong', {
  tags: ['long'],
}, async () => {
  // The soak tries all of them.
  const some = Object.keys(LIES).filter((_name, index) => index % 9 === SEED % 9);
  expect(await tellLies(placed, truth, [LEAF_TOO_LONG, ...some])).toMatchObject({ lost: [] });
});
