import timers from 'node:timers/promises';
import { onTestFinished, vi } from 'vitest';

/** Skips the pauses between tries until the calling test ends. Returns their lengths so far, in seconds. */
export function skipPauses(): number[] {
  const pauses: number[] = [];
  const spy = vi.spyOn(timers, 'setTimeout').mockImplementation(async (milliseconds = 0) => {
    pauses.push(milliseconds / 1000);
    return undefined as never;
  });
  onTestFinished(() => spy.mockRestore());
  return pauses;
}
