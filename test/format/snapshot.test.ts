import { describe, expect, it } from 'vitest';
import { utf8 } from '../../format/bytes.ts';
import { buildSnapshot } from '../../format/snapshot/build.ts';
import type { SnapshotEntry } from '../../format/snapshot/entry.ts';
import { type EncodedLeaf, encodeLeaf, parseLeaf } from '../../format/snapshot/leaf.ts';
import { findEntry, findLeaf } from '../../format/snapshot/lookup.ts';
import { openRoot, signRoot } from '../../format/snapshot/root.ts';
import { blobEntryOf, DAY, entryOf, failing, GENERATOR, KEY, NOW, NOW_SECONDS } from './support.ts';

const input = { now: NOW, validFor: 30 * DAY, previousVersion: 0, generator: GENERATOR };
const build = (entries: readonly SnapshotEntry[], change: Partial<typeof input> = {}) =>
  buildSnapshot({ ...input, ...change, entries });
const names = Array.from({ length: 3000 }, (_, index) => `bottles/package${index}-1.0.all.bottle.tar.gz`);
const entries = names.map((name) => entryOf(name));

/** Finds the entry of a name as every reader does: root, leaf, entry. */
function lookUp(built: ReturnType<typeof build>, name: string): SnapshotEntry | undefined {
  const root = openRoot(signRoot(built.snapshot, KEY), [KEY.publicKey]).snapshot;
  const reference = findLeaf(root, name);
  const leaf = built.leaves.find((candidate) => candidate.reference.sha256 === reference?.sha256);
  return reference && leaf && findEntry(parseLeaf(leaf.bytes, reference), name);
}

describe('a snapshot', () => {
  const built = build(entries);
  const root = openRoot(signRoot(built.snapshot, KEY), [KEY.publicKey]).snapshot;
  const leaves = new Map(
    built.leaves.map(({ bytes, reference }) => [reference.sha256, parseLeaf(bytes, reference)]),
  );
  const find = (name: string) => {
    const reference = findLeaf(root, name);
    return reference && findEntry(leaves.get(reference.sha256) ?? [], name);
  };

  it('when it is built, signed and opened, every name is found in its leaf', () => {
    expect(built.leaves.length).toBeGreaterThan(2);
    for (const entry of entries) expect(find(entry.name)).toEqual(entry);
  });

  it.each(['', 'a', 'bottles/package0', 'bottles/package0-1.0.all.bottle.tar.gz.sig', 'zzz', '\uffff'])(
    'when %j is looked up, which it does not list, finds nothing',
    (name) => expect(find(name)).toBeUndefined(),
  );

  it('when entries come in another order, has the same root and leaves', () => {
    expect(build([...entries].reverse())).toEqual(built);
  });

  it('when it is built, states times, format, generator and totals', () => {
    expect(built.snapshot).toMatchObject({
      format: 1,
      created_at: '2026-11-01T12:00:00Z',
      expires_at: '2026-12-01T12:00:00Z',
      generator: GENERATOR,
      totals: { files: 3000, bytes: entries.reduce((sum, entry) => sum + entry.size, 0) },
    });
  });

  it('when two files have the same name, is refused naming it', () => {
    expect(() => build([...entries.slice(0, 2), entryOf(names[0] ?? '', utf8('other'))])).toThrow(
      failing('bad-input', names[0]),
    );
  });

  it('when it would list no files, is refused', () => {
    expect(() => build([])).toThrow(failing('bad-input'));
  });

  it('when it follows another, its version is greater, whatever the clock says', () => {
    const version = (previousVersion: number) => build([entryOf('a')], { previousVersion }).snapshot.version;
    expect(version(0)).toBe(NOW_SECONDS);
    expect(version(NOW_SECONDS - 1)).toBe(NOW_SECONDS);
    expect(version(NOW_SECONDS)).toBe(NOW_SECONDS + 1);
    expect(version(NOW_SECONDS + 999)).toBe(NOW_SECONDS + 1000);
  });

  it('when content has a content address, is counted once, and again once superseded', () => {
    const old = blobEntryOf('bottles/a-1.tar.gz', utf8('old'), NOW_SECONDS + DAY);
    const totals = (extra: SnapshotEntry[]) => build([entryOf('a', utf8('12345')), ...extra]).snapshot.totals;
    expect(totals([blobEntryOf('a', utf8('12345'))])).toEqual({ files: 1, bytes: 5 });
    expect(totals([old])).toEqual({ files: 2, bytes: 8 });
    expect(lookUp(build([entryOf('a'), old]), old.name)).toEqual(old);
  });
});

describe('a leaf', () => {
  const files = [entryOf('a'), entryOf('b'), blobEntryOf('b')];
  const leaf = encodeLeaf([...files].sort((x, y) => (x.name < y.name ? -1 : 1)));
  /** Returns a leaf and a reference that matches its bytes. Only a signer can make these. */
  const forged = (text: string, change: object = {}): EncodedLeaf => ({
    bytes: utf8(text),
    reference: { ...encodeLeaf(files).reference, ...leaf.reference, sha256: '', ...change },
  });
  const parseForged = (text: string, change: object = {}) => {
    const { bytes, reference } = forged(text, change);
    const sha256 = entryOf('x', bytes).sha256;
    return parseLeaf(bytes, { ...reference, sha256, size: bytes.length });
  };
  const text = new TextDecoder().decode(leaf.bytes);

  it('when it is encoded and parsed, has the same entries, one per line', () => {
    expect(parseLeaf(leaf.bytes, leaf.reference)).toHaveLength(3);
    expect(text.split('\n').filter((line) => line.includes('"name"'))).toHaveLength(3);
    expect(parseForged(text)).toEqual(parseLeaf(leaf.bytes, leaf.reference));
  });

  it.each([
    ['one byte flipped', leaf.bytes.map((byte, index) => (index === 40 ? byte ^ 1 : byte))],
    ['its end cut off', leaf.bytes.subarray(0, -1)],
    ['nothing', new Uint8Array()],
    ['the bytes of another leaf', encodeLeaf([entryOf('c')]).bytes],
  ])('when it has %s, is a mismatch that names its path', (_, bytes) => {
    const where = `snapshot/leaves/${leaf.reference.sha256}.json`;
    expect(() => parseLeaf(bytes, leaf.reference)).toThrow(failing('mismatch', where));
  });

  it.each([
    ['another first name', { first: 'a0' }],
    ['another number of files', { files: 3 }],
    ['other bytes in total', { bytes: 7 }],
  ])('when the root says %s, is refused', (_, change) => {
    expect(() => parseLeaf(leaf.bytes, { ...leaf.reference, ...change })).toThrow(failing('bad-input'));
  });

  const line = (entry: object): string => JSON.stringify(entry);
  const a = entryOf('a');
  const blob = blobEntryOf('a');
  it.each([
    ['out of order', [entryOf('b'), a]],
    ['listing a name twice', [a, a]],
    ['empty', []],
    ['naming a path outside', [{ ...a, name: '../a' }]],
    ['naming an absolute path', [{ ...a, name: '/a' }]],
    ['with an unknown field', [{ ...a, mode: 493 }]],
    ['with a negative size', [{ ...a, size: -1 }]],
    ['with half a byte', [{ ...a, size: 0.5 }]],
    ['with a SHA-256 in capitals', [{ ...a, sha256: a.sha256.toUpperCase() }]],
    ['without MD5', [{ ...a, md5: undefined }]],
    ['with a path that also names another', [{ ...a, path: 'b' }]],
    ['with a path that expires', [{ ...a, until: 1 }]],
    ['with a content address of other bytes', [{ ...blob, sha256: entryOf('b').sha256 }]],
    ['with a content address without a path', [{ ...blob, path: undefined }]],
    ['with a content address whose path leaves the mirror', [{ ...blob, path: '../a' }]],
  ])('when a signer made it %s, is refused', (_, list) => {
    const [first] = list;
    const own = list.filter((entry) => !('path' in entry) || 'until' in entry);
    const totals = { files: own.length, bytes: own.reduce((sum, entry) => sum + entry.size, 0) };
    const made = `{"files":[${list.map(line).join(',')}]}`;
    expect(() => parseForged(made, { first: first?.name ?? '', ...totals })).toThrow(failing('bad-input'));
  });

  it('when it would be empty, is not made', () => {
    expect(() => encodeLeaf([])).toThrow(failing('bad-input'));
  });
});
