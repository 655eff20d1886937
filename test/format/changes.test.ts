import { describe, expect, test } from 'vitest';
import { utf8 } from '../../format/bytes.ts';
import {
  type Changes,
  encodeChanges,
  MAX_CHANGES,
  MAX_SNAPSHOTS,
  NO_CHANGES,
  type PackageChange,
  parseChanges,
  withSnapshot,
} from '../../format/changes.ts';
import { failing } from './support.ts';

const some = (count: number): PackageChange[] =>
  Array.from({ length: count }, (_, at) => ({ kind: 'formula', name: `package${at}`, to: '1.0' }));

/** Returns what is remembered after snapshots with so many changes each. */
const remembered = (...counts: number[]): Changes =>
  counts.reduce(
    (history, count, at) => withSnapshot(history, { version: at + 1, created_at: at, packages: some(count) }),
    NO_CHANGES,
  );

describe('changes.json', () => {
  test('is read as it was written', () => {
    const changes = withSnapshot(remembered(2, 3), {
      ...{ version: 9, created_at: 9 },
      packages: [
        { kind: 'cask', name: 'firefox', from: '1', to: '2' },
        { kind: 'linux-app', name: 'obsidian', from: '1' },
        { kind: 'formula', name: 'jq', held: '1.8' },
        { kind: 'formula', name: 'rebuilt', from: '1', to: '1' },
      ],
    });
    expect(parseChanges(encodeChanges(changes))).toEqual(changes);
    expect(changes.snapshots[0]?.counts).toEqual({ added: 0, updated: 2, removed: 1, held: 1 });
    expect(parseChanges(encodeChanges(NO_CHANGES))).toEqual(NO_CHANGES);
  });

  test('has the newest snapshot first, and forgets the oldest of a hundred and one', () => {
    const { snapshots } = remembered(...Array.from({ length: MAX_SNAPSHOTS + 1 }, () => 1));
    expect(snapshots.map(({ version }) => version)).toEqual(
      Array.from({ length: MAX_SNAPSHOTS }, (_, at) => MAX_SNAPSHOTS + 1 - at),
    );
  });

  test('gets no entry for a snapshot that changes nothing', () => {
    expect(remembered(2, 0, 0)).toEqual(remembered(2));
  });

  test('counts what it does not name: the oldest first, and what is too much by itself', () => {
    const half = MAX_CHANGES / 2;
    expect(remembered(half, half, 1).snapshots.map(({ packages }) => packages?.length)).toEqual([
      1,
      half,
      undefined,
    ]);
    const [first, second] = remembered(3, MAX_CHANGES + 1).snapshots;
    expect([first?.packages, first?.counts.added, second?.packages]).toEqual([
      ...[undefined, MAX_CHANGES + 1, undefined],
    ]);
    const few = remembered(MAX_CHANGES / 5, (3 * MAX_CHANGES) / 5, (4 * MAX_CHANGES) / 5).snapshots;
    expect(few.map(({ packages }) => packages !== undefined)).toEqual([true, false, false]);
  });

  test('stays small, whatever happens', () => {
    const packages = some(5000);
    const history = Array.from({ length: 200 }).reduce<Changes>(
      (before, _, at) =>
        withSnapshot(before, { version: at, created_at: at, packages: packages.slice(at % 90) }),
      remembered(5000, 40, 400),
    );
    expect(encodeChanges(history).length).toBeLessThan(512 * 1024);
  });

  test.each(['[]', '{}', '{"snapshots":[{}]}', '{"snapshots":[{"version":-1}]}', ''])(
    'is refused where it is %j',
    (text) => {
      expect(() => parseChanges(utf8(text))).toThrow(failing('bad-input', 'changes.json'));
    },
  );
});
