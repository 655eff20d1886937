import { describe, expect, test } from 'vitest';
import { removableSnapshots } from '../../builder/bucket/prune.ts';
import type { SnapshotId } from '../../format/layout.ts';

const DAY = 24 * 60 * 60 * 1000;
const NOW = new Date('2026-11-20T00:00:00Z');
/** The snapshot written so many days ago. Versions say nothing of that order: another key may have signed it. */
const idOf = (age: number): SnapshotId => ({ version: 1 + ((age * 7) % 1009), signer: '0123456789ABCDEF' });
const writtenDaysAgo = (...days: number[]) =>
  days.map((age) => ({ ...idOf(age), written: new Date(NOW.getTime() - age * DAY) }));
const removable = (days: number[], live: number, keep: number, graceDays: number): number[] =>
  removableSnapshots(writtenDaysAgo(...days), idOf(live), { keep, grace: graceDays * 86_400 }, NOW)
    .map(({ written }) => (NOW.getTime() - written.getTime()) / DAY)
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
