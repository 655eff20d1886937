import { expect, test } from 'vitest';
import { utf8 } from '../../format/bytes.ts';
import {
  encodeChanges,
  NO_CHANGES,
  parseChangesPart,
  parseNewestChanges,
  type SnapshotChanges,
} from '../../format/changes.ts';

const snapshot = (version: number, count = 1): SnapshotChanges => ({
  ...{ version, created_at: 1_700_000_000 + version },
  counts: { added: count, updated: 0, removed: 0, held: 0 },
  packages: Array.from({ length: count }, (_, at) => ({ kind: 'formula', name: `package-${at}`, to: '1' })),
});

test('the newest of several snapshots is read alone', () => {
  const [newest, older] = [snapshot(2), snapshot(1)];
  expect(parseNewestChanges(encodeChanges({ snapshots: [newest, older] }))).toEqual(newest);
  expect(parseNewestChanges(encodeChanges({ snapshots: [older] }))).toEqual(older);
});

test('where there is none, or it is long, or elsewhere, there is nothing to show', () => {
  const inOneLine = utf8(JSON.stringify({ snapshots: [snapshot(1)] }));
  const spread = utf8(JSON.stringify({ snapshots: [snapshot(1)] }, null, 2));
  const long = encodeChanges({ snapshots: [snapshot(1, 4000)] });
  for (const bytes of [encodeChanges(NO_CHANGES), utf8(''), utf8('\n'), inOneLine, spread, long])
    expect(parseNewestChanges(bytes)).toBeUndefined();
});

test('some snapshots are read without the others: as many as are wanted, or as have enough packages', () => {
  const all = Array.from({ length: 9 }, (_, at) => snapshot(9 - at, 10));
  // Its end is damaged, and not read.
  const bytes = utf8(
    `${new TextDecoder().decode(encodeChanges({ snapshots: all })).replace(/..\n]}\n$/, '')}`,
  );
  const part = (from: number | undefined, snapshots: number, packages: number) =>
    parseChangesPart(bytes, { from, snapshots, packages }).map(({ version }) => version);
  expect(part(undefined, 3, 100)).toEqual([9, 8, 7]);
  expect(part(undefined, 9, 15)).toEqual([9, 8]);
  expect(part(undefined, 9, 5)).toEqual([9, 8]);
  expect(part(4, 2, 100)).toEqual([4, 3]);
  expect(part(0, 2, 100)).toEqual([]);
  const [long] = parseChangesPart(encodeChanges({ snapshots: [snapshot(1, 4000)] }), {
    snapshots: 1,
    packages: 1,
  });
  expect(long).toEqual({ version: 1, created_at: 1_700_000_001, counts: snapshot(1, 4000).counts });
});

test('what is no snapshot is refused', () => {
  expect(() => parseNewestChanges(utf8('{"snapshots":[\n{"version":-1}\n]}\n'))).toThrow(
    expect.objectContaining({ code: 'bad-input' }),
  );
});
