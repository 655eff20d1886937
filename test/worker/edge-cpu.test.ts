import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Edge, openEdge } from '../../scripts/bench/edge/measure-edge.ts';
import { REQUESTS } from '../../scripts/bench/edge/requests.ts';

/** What a change may cost more before the test fails. */
const SLACK = 1.5;

// `npm run bench -- edge` prints milliseconds. Here, each is compared with a fixed piece of work in the same process, so that
// neither a slow nor a busy machine decides.
describe('the CPU of the first request to a cold Worker', { tags: ['long'] }, () => {
  let edge: Edge;
  beforeAll(async () => {
    edge = await openEdge(16_000);
  }, 60_000);
  afterAll(() => edge?.close());

  test.each(REQUESTS)(
    '$name is at most half as much again as measured',
    async ({ target, share }) => {
      const { cold, calibration, status } = await edge.measure(3, target);
      expect(status).toBe(target.includes('nothing-here') ? 404 : 200);
      expect(cold / calibration).toBeLessThan(share * SLACK);
    },
    60_000,
  );
});
