import { expect, onTestFinished, test } from 'vitest';
import { SEED } from '../support/faults/results.ts';
import { Random } from '../support/random.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { startTestWorker } from '../support/worker.ts';
import { stepAtRandom } from './random-channels.ts';

const STEPS = 30;

test(`readers of two channels and a pinned snapshot get what each has, through ${STEPS} publishes, promotions, rollbacks, prunes and pins at random`, {
  tags: ['long'],
  timeout: 400_000,
}, async () => {
  const worker = await startTestWorker();
  onTestFinished(() => worker.close());
  const steps = await stepAtRandom(worker, await temporaryFolder(), STEPS, new Random(SEED)).catch(
    (cause) => {
      throw new Error(`SEED=${SEED} repeats it: ${cause instanceof Error ? cause.message : cause}`, {
        cause,
      });
    },
  );
  for (const count of Object.values(steps)) expect(count).toBeGreaterThan(0);
});
