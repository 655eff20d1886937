import { expect, test } from 'vitest';
import { temporaryFolder } from '../support/temporary.ts';
import { killPublishes } from './publish-killed.ts';

const folder = await temporaryFolder();

test('a publisher that is killed leaves readers a whole snapshot, its successor no gap, and cleaning up no orphan', {
  timeout: 120_000,
}, async () => {
  const { before, within, after } = await killPublishes(folder, 8, 20261125);
  expect(before + within + after).toBe(8);
  expect(within).toBeGreaterThan(0);
});
