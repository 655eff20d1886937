import { describe, expect, it } from 'vitest';
import { utf8 } from '../../format/bytes.ts';
import { blobName } from '../../format/layout.ts';
import { keyIdText } from '../../format/minisign/public-key.ts';
import { buildSnapshot, type SnapshotInput } from '../../format/snapshot/build.ts';
import { encodeEntry, type SnapshotEntry } from '../../format/snapshot/entry.ts';
import { encodeLeaf, Leaf, totalsOf } from '../../format/snapshot/leaf.ts';
import { leafIndex } from '../../format/snapshot/lookup.ts';
import { openRoot, type Root, signRoot } from '../../format/snapshot/root.ts';
import {
  blobEntryOf,
  DAY,
  entryOf,
  failing,
  GENERATOR,
  hexOf,
  KEY,
  MIRROR_ID,
  NOW,
  NOW_SECONDS,
  OTHER_KEY,
  supersededOf,
} from './support.ts';

const input = { now: NOW, validFor: 30 * DAY, keyId: KEY.keyId, generator: GENERATOR };
const build = (entries: readonly SnapshotEntry[], change: Partial<SnapshotInput> = {}) =>
  buildSnapshot({ ...input, ...change, entries });
const names = Array.from({ length: 3000 }, (_, index) => `bottles/package${index}-1.0.all.bottle.tar.gz`);
const entries = names.map((name) => entryOf(name));
const OLD = 'bottles/a-1.all.bottle.tar.gz';

/** Opens the leaves of a snapshot as every reader does, and returns how a name is found in them. */
function finder({ snapshot, leaves }: ReturnType<typeof build>) {
  const root = openRoot(signRoot(snapshot, KEY), [KEY.publicKey]).snapshot;
  const opened = leaves.map(({ bytes }, index) => new Leaf(bytes, root, index));
  return (name: string): SnapshotEntry | undefined => opened[leafIndex(root, name)]?.find(name);
}

describe('a snapshot', () => {
  const built = build(entries);
  const find = finder(built);

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
      format: 2,
      created_at: '2026-11-01T12:00:00Z',
      expires_at: '2026-12-01T12:00:00Z',
      generator: GENERATOR,
      totals: { files: 3000, bytes: entries.reduce((sum, entry) => sum + entry.size, 0) },
    });
    expect(built.snapshot.sources).toBeUndefined();
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
    const version = (before: number) =>
      build([entryOf('a')], { previous: { mirror: MIRROR_ID, version: before } }).snapshot.version;
    expect(build([entryOf('a')]).snapshot.version).toBe(NOW_SECONDS);
    expect(version(NOW_SECONDS - 1)).toBe(NOW_SECONDS);
    expect(version(NOW_SECONDS)).toBe(NOW_SECONDS + 1);
    expect(version(NOW_SECONDS + 999)).toBe(NOW_SECONDS + 1000);
    expect(() => version(Number.MAX_SAFE_INTEGER)).toThrow(failing('refused'));
  });

  it('when it is the first, the mirror is named after it; when it is not, keeps its name, whoever signs', () => {
    const { mirror, version } = built.snapshot;
    expect(mirror).toBe(`${keyIdText(KEY.keyId)}-${NOW_SECONDS}`);
    const next = build([entryOf('a')], { previous: { mirror, version }, keyId: OTHER_KEY.keyId });
    expect(next.snapshot.mirror).toBe(mirror);
  });

  it('when a content file has a content address, is counted once; when it is superseded, as another file', () => {
    const totals = (extra: SnapshotEntry[]) => build([entryOf('a', utf8('12345')), ...extra]).snapshot.totals;
    expect(totals([entryOf(OLD, utf8('old')), blobEntryOf(OLD, utf8('old'))])).toEqual({
      files: 2,
      bytes: 8,
    });
    expect(totals(supersededOf(OLD, utf8('old'), NOW_SECONDS + DAY))).toEqual({ files: 2, bytes: 8 });
  });

  it('when a file is on demand, names its host once, and counts the bytes that are known', () => {
    const onDemand = (name: string, host: string, size?: number): SnapshotEntry => ({
      ...{ name, sha256: hexOf('sha256', utf8(name)), modified: 1 },
      ...(size === undefined ? {} : { size }),
      source: `https://${host}/${name}`,
    });
    const listed = [
      onDemand('casks/b-1.dmg', 'example.com', 5),
      onDemand('casks/a-1.dmg', 'cdn.example.com'),
      onDemand('casks/c-1.dmg', 'example.com'),
    ];
    const made = build(listed);
    expect(made.snapshot).toMatchObject({
      sources: ['cdn.example.com', 'example.com'],
      totals: { files: 3, bytes: 5 },
    });
    for (const entry of listed) expect(finder(made)(entry.name)).toEqual(entry);
  });
});

describe('a leaf', () => {
  const files = [entryOf('a'), entryOf(OLD), blobEntryOf(OLD)];
  const sorted = [...files].sort((x, y) => (x.name < y.name ? -1 : 1));
  const { bytes, reference } = encodeLeaf(sorted);
  const text = new TextDecoder().decode(bytes);
  const open = (made: Uint8Array, change: object = {}, root: Partial<Root> = {}) =>
    new Leaf(made, { leaves: [{ ...reference, ...change }], ...root }, 0);
  /** Opens a leaf that the root describes as it is: only a signer can make these. */
  const forged = (lines: string, change: object = {}, root: Partial<Root> = {}): Leaf => {
    const made = utf8(lines);
    const first = lines.split('\t', 1)[0];
    return open(made, { sha256: hexOf('sha256', made), size: made.length, first, ...change }, root);
  };

  it('when it is encoded and parsed, has the same entries, one a line', () => {
    expect(open(bytes).entries()).toEqual(sorted);
    expect(text.split('\n').map((line) => line.split('\t')[0])).toEqual([
      ...sorted.map(({ name }) => name),
      '',
    ]);
    expect(forged(text).entries()).toEqual(sorted);
  });

  it('when a line is too long, or of no time that there is, a listing does not take it', () => {
    const leaf = open(bytes);
    const [line = ''] = text.split('\n');
    expect(leaf.parseListed(line)).toMatchObject({ name: sorted[0]?.name });
    const late = line.split('\t').with(4, '999999999999').join('\t');
    for (const bad of [late, `${line}\tuntil=${'1'.repeat(5000)}`]) {
      expect(() => leaf.parseListed(bad)).toThrow(failing('bad-input'));
    }
  });

  it('when it is read from a name, yields that one and those after it', () => {
    const leaf = open(bytes);
    const from = (name: string) => [...leaf.from(name)].map((entry) => entry.name);
    const all = sorted.map((entry) => entry.name);
    expect([from(''), from('a0'), from(OLD), from('zzz')]).toEqual([all, all.slice(1), all.slice(2), []]);
  });

  it.each([
    ['one byte flipped', bytes.map((byte, index) => (index === 40 ? byte ^ 1 : byte))],
    ['its end cut off', bytes.subarray(0, -1)],
    ['nothing', new Uint8Array()],
    ['the bytes of another leaf', encodeLeaf([entryOf('c')]).bytes],
  ])('when it has %s, is a mismatch that names its path', (_, other) => {
    const where = `snapshot/leaves/${reference.sha256}.tsv`;
    expect(() => open(other)).toThrow(failing('mismatch', where));
  });

  it('when the root says another first name, is refused as soon as it is opened', () => {
    expect(() => open(bytes, { first: 'a0' })).toThrow(failing('bad-input'));
  });

  it.each([
    ['another number of files', { files: 3 }],
    ['other bytes in total', { bytes: 7 }],
  ])('when the root says %s, is refused when it is read whole', (_, change) => {
    expect(() => open(bytes, change).entries()).toThrow(failing('bad-input'));
  });

  it('when it goes on into the next one, is refused as soon as it is opened', () => {
    const next = { ...reference, first: 'b' };
    expect(() => new Leaf(bytes, { leaves: [reference, next] }, 0)).toThrow(failing('bad-input'));
  });

  const a = entryOf('a');
  const bottle = entryOf(OLD);
  const blob = blobEntryOf(OLD);
  const source = 'https://ghcr.io/v2/a';
  const line = encodeEntry(bottle);
  const lineOf = (entry: object): string => encodeEntry({ ...bottle, ...entry } as SnapshotEntry);
  it.each([
    ['out of order', `${encodeEntry(entryOf('b'))}\n${encodeEntry(a)}\n`],
    ['with a name twice', `${encodeEntry(a)}\n${encodeEntry(a)}\n`],
    ['with an empty line', `${line}\n\n`],
    ['with a carriage return', `${line}\r\n`],
    ['without the last line feed', line],
    ['with a byte order mark', `\uFEFF${line}\n`],
    ['with a path outside', `${lineOf({ name: '../a' })}\n`],
    ['with an absolute path', `${lineOf({ name: '/a' })}\n`],
    ['with an unknown field', `${line}\tmode=493\n`],
    ['with an empty field', `${line}\t\n`],
    ['with a field twice', `${line}\tuntil=5\tuntil=5\n`],
    ['with fields in another order', `${line}\tsource=${source}\tuntil=5\n`],
    ['with a negative size', `${lineOf({ size: -1 })}\n`],
    ['with half a byte', `${lineOf({ size: 0.5 })}\n`],
    ['with a size above the largest', `${lineOf({ size: '9007199254740992' })}\n`],
    ['with a leading zero', `${lineOf({ size: '05' })}\n`],
    ['with a SHA-256 in capitals', `${lineOf({ sha256: bottle.sha256.toUpperCase() })}\n`],
    ['without MD5', `${lineOf({ md5: undefined })}\n`],
    ['without a size', `${lineOf({ size: undefined })}\n`],
    ['with a time after the year 9999', `${lineOf({ modified: 253402300800 })}\n`],
    ['with an end after the year 9999', `${lineOf({ until: 253402300800 })}\n`],
    ['with an end at 0', `${line}\tuntil=0\n`],
    ['with a path that also names another', `${lineOf({ path: OLD })}\n`],
    ['with a document that expires', `${encodeEntry({ ...a, until: 1 })}\n`],
    ['with a document on demand', `${encodeEntry({ ...a, source })}\n`],
    ['with a content address of other bytes', `${encodeEntry({ ...blob, sha256: a.sha256 })}\n`],
    ['with a content address without a path', `${encodeEntry({ ...blob, path: undefined })}\n`],
    ['with a content address of a document', `${encodeEntry({ ...blobEntryOf('a'), path: 'a' })}\n`],
    ['with a content address whose path leaves the mirror', `${encodeEntry({ ...blob, path: '../a' })}\n`],
    ['with a line that is too long', `${lineOf({ source: `https://ghcr.io/${'a'.repeat(4000)}` })}\n`],
    ['with a source of another host', `${lineOf({ source: 'https://example.com/a' })}\n`],
  ])('when a signer made it %s, is refused', (_, lines) => {
    const totals = totalsOf([{ ...bottle, ...(lines.includes(OLD) ? {} : a) }]);
    expect(() => forged(lines, totals, { sources: ['ghcr.io'] }).entries()).toThrow(failing('bad-input'));
  });

  it('when the line of a name is malformed, is refused when that name is looked up, and not before', () => {
    const leaf = forged(`${encodeEntry(a)}\n${lineOf({ size: -1 })}\n${encodeEntry(entryOf('c'))}\n`);
    expect(leaf.find('a')).toEqual(a);
    expect(leaf.find('c')).toEqual(entryOf('c'));
    expect(() => leaf.find(OLD)).toThrow(failing('bad-input'));
  });

  it('when it would be empty, is not made', () => {
    expect(() => encodeLeaf([])).toThrow(failing('bad-input'));
  });

  it('when a line would be too long, is not made', () => {
    const source = `https://ghcr.io/${'a'.repeat(4096)}`;
    expect(() => encodeLeaf([{ ...entryOf('casks/a-1.dmg'), source }])).toThrow(failing('bad-input'));
  });

  it('when a name is a content address, is found by it', () => {
    expect(open(bytes).find(blobName(bottle.sha256))).toEqual(blob);
  });
});
