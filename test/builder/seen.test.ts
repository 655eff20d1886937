import { expect, test } from 'vitest';
import { SeenVersions } from '../../builder/verify/seen.ts';
import { temporaryFolder } from '../support/temporary.ts';

test('when two mirrors are verified at once, the versions of both are remembered, each the newest', async () => {
  const folder = await temporaryFolder();
  const [one, two] = [await SeenVersions.load(folder), await SeenVersions.load(folder)];
  await one.remember('https://one.example', 7);
  await two.remember('https://two.example', 5);
  await two.remember('https://one.example', 6);
  const seen = await SeenVersions.load(folder);
  expect([seen.newest('https://one.example'), seen.newest('https://two.example')]).toEqual([7, 5]);
});
