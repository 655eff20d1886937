import { describe, expect, test } from 'vitest';
import { removableSnapshots } from '../../builder/bucket/prune.ts';
import type { SnapshotId } from '../../format/layout.ts';

const DAY = 24 * 60 * 60 * 1000;
const NOW = new Date('2026-11-20T00:00:00Z');
/** The snapshot written so many days ago. Versions say nothing of that order: another key may have signed it. */
const idOf = (age: number): SnapshotId => ({ version: 1 + ((age * 7) % 1009), signer: '0123456789ABCDEF' });
const writtenDaysAgo = (days: readonly number[]) =>
  days.map((age) => ({ ...idOf(age), written: new Date(NOW.getTime() - age * DAY) }));

/** A channel that moved, so many days ago, to the snapshot that was written then; or then to one of another day. */
const line = (...moves: readonly (number | [ago: number, written: number])[]) =>
  moves.map((move) => {
    const [ago, written] = typeof move === 'number' ? [move, move] : move;
    return { snapshot: idOf(written), moved_at: NOW.getTime() / 1000 - ago * 86_400 };
  });

interface Bucket {
  /** When each snapshot was written, days ago. */
  stored: number[];
  lines: ReturnType<typeof line>[];
  pinned?: number[];
  keep: number;
  grace: number;
}

/** Returns when those that may be removed were written, days ago. */
const removable = ({ stored, lines, pinned = [], keep, grace }: Bucket): number[] =>
  removableSnapshots(
    writtenDaysAgo(stored),
    { lines, pinned: pinned.map(idOf) },
    { keep, grace: grace * 86_400 },
    NOW,
  ).map(({ written }) => (NOW.getTime() - written.getTime()) / DAY);

describe('removable snapshots', () => {
  test('are those beyond the newest ones to keep', () => {
    const stored = [10, 20, 30, 40];
    const lines = [line(...stored)];
    expect(removable({ stored, lines, keep: 2, grace: 1 })).toEqual([30, 40]);
    expect(removable({ stored, lines, keep: 9, grace: 1 })).toEqual([]);
  });

  test('include none that was live within the grace period, however long ago it was written', () => {
    const of = (...stored: number[]) => removable({ stored, lines: [line(...stored)], keep: 1, grace: 7 });
    expect(of(3, 90, 100)).toEqual([100]);
    expect(of(0, 90)).toEqual([]);
    expect(of(8, 90)).toEqual([90]);
  });

  test('are those that never went live, once they are older than the grace period', () => {
    expect(removable({ stored: [1, 2, 8, 20], lines: [line(20)], keep: 1, grace: 7 })).toEqual([8]);
  });

  test('never include what is live in a channel', () => {
    expect(removable({ stored: [500], lines: [line(500)], keep: 1, grace: 1 })).toEqual([]);
    const stored = [9, 10, 500, 600, 700];
    expect(removable({ stored, lines: [line(500), line(600)], keep: 1, grace: 1 })).toEqual([10, 700]);
  });

  test('include none of the last ones of a channel, wherever they are among those of others', () => {
    const stored = [10, 11, 12, 20, 30];
    const lines = [line([9, 20], 30), line(10, 11, 12)];
    expect(removable({ stored, lines, keep: 2, grace: 1 })).toEqual([12]);
  });

  test('include none that another channel had within the grace period', () => {
    // Promoted three days ago: until then, readers of the second channel had the oldest.
    const lines = [line(40, 50, 60), line([3, 40], [59, 60])];
    expect(removable({ stored: [40, 50, 60], lines, keep: 1, grace: 7 })).toEqual([50]);
    expect(removable({ stored: [40, 50, 60], lines, keep: 1, grace: 2 })).toEqual([50, 60]);
  });

  test('include none that is pinned', () => {
    const stored = [10, 20, 30];
    const lines = [line(...stored)];
    expect(removable({ stored, lines, pinned: [30], keep: 1, grace: 1 })).toEqual([20]);
  });
});
