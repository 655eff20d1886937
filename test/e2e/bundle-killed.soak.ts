import { expect, test } from 'vitest';
import { killUnbundle } from '../bundle/kill-unbundle.ts';
import { SEED } from '../support/faults/results.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder();

test(`when unbundle is killed at fifty moments that seed ${SEED} draws, readers get the old mirror, the new one or a refusal`, async () => {
  const states = await killUnbundle(folder, 50, SEED);
  process.stdout.write(`unbundle was killed 50 times: ${JSON.stringify(states)}\n`);
  expect(states.before).toBeGreaterThan(0);
  expect(states.committing + states.after).toBeGreaterThan(0);
});
