import { expect, test } from 'vitest';
import { warmUp } from '../../worker/warm-up.ts';

test('what a starting Worker asks of the small mirror is answered', async () => {
  const statuses = await warmUp();
  expect(statuses.length).toBeGreaterThan(5);
  expect(new Set(statuses)).toEqual(new Set([200]));
});
