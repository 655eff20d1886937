import { describe, expect, test } from 'vitest';
import { removableSnapshots } from '../../builder/bucket/prune.ts';

const DAY = 24 * 60 * 60 * 1000;
const NOW = new Date('2026-11-20T00:00:00Z');
/** Snapshots written so many days ago; the version is the age counted backwards, so that newer is higher. */
const writtenDaysAgo = (...days: number[]) =>
  days.map((age) => ({ version: 1000 - age, written: new Date(NOW.getTime() - age * DAY) }));
const removable = (days: number[], live: number, keep: number, graceDays: number): number[] =>
  removableSnapshots(writtenDaysAgo(...days), 1000 - live, { keep, grace: graceDays * 86_400 }, NOW)
    .map((version) => 1000 - version)
    .sort((a, b) => a - b);

describe('removable snapshots', () => {
  test('are those beyond the newest ones to keep', () => {
    expect(removable([10, 20, 30, 40], 10, 2, 1)).toEqual([30, 40]);
    expect(removable([10, 20, 30, 40], 10, 9, 1)).toEqual([]);
  });

  test('include none that was live within the grace period, however long ago it was written', () => {
    expect(removable([3, 90, 100], 3, 1, 7)).toEqual([100]);
    expect(removable([0, 90], 0, 1, 7)).toEqual([]);
    expect(removable([8, 90], 8, 1, 7)).toEqual([90]);
  });

  test('are those that never went live, once they are older than the grace period', () => {
    expect(removable([1, 8, 20], 20, 5, 7)).toEqual([8]);
  });

  test('never include the live one', () => {
    expect(removable([500], 500, 1, 1)).toEqual([]);
    expect(removable([9, 500], 500, 1, 1)).toEqual([9]);
  });
});
