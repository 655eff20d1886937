import { afterAll, test } from 'vitest';
import { damageInTurn, makeTruth, tellLies } from '../support/faults/damage-cases.ts';
import { PlacedMirror } from '../support/faults/placed-mirror.ts';
import { SEED, settle } from '../support/faults/results.ts';
import { temporaryFolder } from '../support/temporary.ts';

const { directory, truth } = await makeTruth(await temporaryFolder());
const placed = await PlacedMirror.open(directory);
afterAll(() => placed.close());

test('every file of a mirror with every damage is found by every verification and served to nobody', async () => {
  const paths = [...placed.files.keys()];
  const note = `${paths.length} files; by verify DIR, verify URL, /verify, /verify?deep=1 and requests`;
  settle({ family: 'damage to a file', ...(await damageInTurn(placed, SEED, paths)), note });
});

test('every lie about a mirror is found by every verification and served to nobody', async () => {
  settle({ family: 'structural lies', ...(await tellLies(placed, truth)) });
});
