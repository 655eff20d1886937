import { expect, test } from 'vitest';
import { rememberVersion, seenVersion } from '../../builder/verify/seen.ts';
import { temporaryFolder } from '../support/temporary.ts';

test('when two mirrors are verified in turn, the newest version of each is remembered', async () => {
  const folder = await temporaryFolder();
  const [one, two] = ['https://one.example', 'https://two.example'];
  expect(await seenVersion(folder, one)).toBeUndefined();
  await rememberVersion(folder, one, 7);
  await rememberVersion(folder, two, 5);
  await rememberVersion(folder, one, 6);
  expect([await seenVersion(folder, one), await seenVersion(folder, two)]).toEqual([7, 5]);
});
