import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../support/temporary.ts';
import { killPublishes } from './publish-killed.ts';

const folder = await temporaryFolder();
let attempts = 0;

test('a publisher that is killed leaves readers a whole snapshot, its successor no gap, and cleaning up no orphan', {
  timeout: 120_000,
  // Whether a kill falls within an upload is up to the machine; that at least one does must be seen.
  retry: 2,
}, async () => {
  const { before, within, after } = await killPublishes(join(folder, String(++attempts)), 8, 20261125);
  expect(before + within + after).toBe(8);
  expect(within).toBeGreaterThan(0);
});
