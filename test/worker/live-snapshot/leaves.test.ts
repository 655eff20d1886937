import { describe, expect, test } from 'vitest';
import { textOf, utf8 } from '../../../format/bytes.ts';
import { leafPath, ROOT, signaturePath } from '../../../format/layout.ts';
import { byName, encodeEntry, filePathOf, type SnapshotEntry } from '../../../format/snapshot/entry.ts';
import { encodeLeaf } from '../../../format/snapshot/leaf.ts';
import { justAfter } from '../../../format/snapshot/lookup.ts';
import { type LeafReference, signRoot } from '../../../format/snapshot/root.ts';
import { overlapping } from '../../format/overlapping.ts';
import {
  entryOf,
  failing,
  hexOf,
  KEY,
  NOW_SECONDS,
  type SignedMirror,
  signMirror,
} from '../../format/support.ts';
import { BOTTLE, NEW, never, OLD, ONLY_IN_NEW, serving } from './support.ts';

/** A mirror whose root has these leaves instead, signed again. */
function inLeaves({ files, snapshot, entries }: SignedMirror, ...parts: SnapshotEntry[][]): SignedMirror {
  const leaves = parts.map(encodeLeaf);
  const references = leaves.map(({ reference }) => reference);
  const sum = (of: (reference: LeafReference) => number) => references.reduce((all, one) => all + of(one), 0);
  const totals = { files: sum(({ files }) => files), bytes: sum(({ bytes }) => bytes) };
  const root = { ...snapshot, totals, leaves: references };
  const signed = signRoot(root, KEY);
  const all = new Map([...files, [ROOT, signed.root], [signaturePath(ROOT), utf8(signed.signature)]]);
  for (const { bytes, reference } of leaves) all.set(leafPath(reference.sha256), bytes);
  return { files: all, entries, snapshot: root };
}

describe('leaves', () => {
  test('when a name is looked up cold, it costs one pointer and one leaf; warm, nothing', async () => {
    const { snapshots, store } = serving(OLD);
    const cold = await (await snapshots.current()).find(BOTTLE);
    expect(cold?.name).toBe(BOTTLE);
    expect(store.operations).toEqual(['pointer', 'leaf']);
    await (await snapshots.current()).find(BOTTLE);
    expect(store.operations).toEqual(['pointer', 'leaf']);
  });

  test('when every listed name is looked up, each is found; others are not', async () => {
    const live = await serving(OLD).snapshots.current();
    for (const entry of OLD.entries) expect(await live.find(entry.name)).toEqual(entry);
    const sorted = OLD.entries.map(({ name }) => name).sort();
    for (const [index, name] of sorted.entries()) {
      expect((await live.from(name))?.name).toBe(name);
      expect((await live.from(justAfter(name)))?.name).toBe(sorted[index + 1]);
    }
    expect((await live.from(''))?.name).toBe(sorted[0]);
    for (const name of ['', 'zzz', `${BOTTLE}x`, BOTTLE.slice(0, -1), '__proto__', 'snapshot/root.json']) {
      expect(await live.find(name)).toBeUndefined();
    }
  });

  test('when many requests miss the same leaf at once, they share one read', async () => {
    const { snapshots, store } = serving(OLD);
    await Promise.all(
      Array.from({ length: 20 }, async () =>
        expect(await (await snapshots.current()).find(BOTTLE)).toMatchObject({ name: BOTTLE }),
      ),
    );
    expect(store.operations).toEqual(['pointer', 'leaf']);
  });

  test('when the pointer is read again and a leaf is the same, it is not read again', async () => {
    const fixture = serving(OLD);
    await (await fixture.snapshots.current()).find(BOTTLE);
    fixture.pass(10_000);
    await (await fixture.snapshots.current()).find(BOTTLE);
    expect(fixture.store.operations).toEqual(['pointer', 'leaf', 'pointer']);
  });

  test.each<
    [what: string, bytes: (good: Uint8Array) => Uint8Array | undefined, code: 'mismatch' | 'missing']
  >([
    ['has one byte too many', (good) => Uint8Array.of(...good, 0x20), 'mismatch'],
    ['is cut short', (good) => good.subarray(0, -1), 'mismatch'],
    ['is empty', () => utf8(''), 'mismatch'],
    ['is valid but lists other files', () => utf8(`${encodeEntry(entryOf('a'))}\n`), 'mismatch'],
    ['is missing', () => undefined, 'missing'],
  ])('when a leaf %s, no name in it is found, and once mended every name is', async (_, damage, code) => {
    const { snapshots, store } = serving(OLD);
    const paths = [...store.files.keys()].filter((path) => path.startsWith('snapshot/leaves/'));
    for (const path of paths) {
      const bytes = damage(store.files.get(path) ?? utf8(''));
      if (bytes) store.files.set(path, bytes);
      else store.files.delete(path);
    }
    const live = await snapshots.current();
    await expect(live.find(BOTTLE)).rejects.toEqual(failing(code));
    await expect(live.find(BOTTLE)).rejects.toEqual(failing(code));
    store.files = new Map(OLD.files);
    expect((await live.find(BOTTLE))?.name).toBe(BOTTLE);
  });

  test('when a signed leaf reaches into the next one, nothing in it is served and the next one is', async () => {
    const mirror = overlapping(OLD);
    const live = await serving(mirror).snapshots.current();
    const before = mirror.snapshot.leaves[0]?.first ?? '';
    for (const look of [live.find(before), live.from(before), live.from('')]) {
      await expect(look).rejects.toEqual(failing('mismatch', mirror.leaf));
    }
    expect((await live.find(mirror.within))?.name).toBe(mirror.within);
    expect(await live.find(mirror.beyond)).toBeUndefined();
  });

  test('when a leaf that is known reaches into the next one of a new root, nothing in it is served', async () => {
    const sorted = [...OLD.entries].sort(byName);
    const name = sorted[1]?.name ?? '';
    const fixture = serving(inLeaves(OLD, sorted.slice(0, 5), sorted.slice(5)));
    expect((await (await fixture.snapshots.current()).find(name))?.name).toBe(name);
    fixture.store.files = new Map(inLeaves(NEW, sorted.slice(0, 5), sorted.slice(3)).files);
    fixture.pass(10_000);
    const after = await fixture.snapshots.current();
    expect(after.snapshot.version).toBe(NEW.snapshot.version);
    await expect(after.find(name)).rejects.toEqual(failing('mismatch'));
  });

  test('when a switch comes in the middle of a request, it finishes on the snapshot it began with', async () => {
    const fixture = serving(OLD);
    const before = await fixture.snapshots.current();
    for (const [path, bytes] of NEW.files) fixture.store.files.set(path, bytes);
    fixture.pass(10_000);
    const after = await fixture.snapshots.current();
    expect(after.snapshot.version).toBeGreaterThan(before.snapshot.version);
    expect(await before.find(ONLY_IN_NEW)).toBeUndefined();
    expect((await after.find(ONLY_IN_NEW))?.name).toBe(ONLY_IN_NEW);
    expect(await before.find(BOTTLE)).toEqual(OLD.entries.find((entry) => filePathOf(entry) === BOTTLE));
  });

  test('when names are offered no more, no look finds them, not even over whole leaves of them', async () => {
    const until = NOW_SECONDS + 60;
    const gone = Array.from({ length: 5_000 }, (_, at) => ({ ...entryOf(`casks/old${at}-1.dmg`), until }));
    const mirror = signMirror({ entries: gone });
    const fixture = serving(mirror);
    const live = await fixture.snapshots.current();
    const [first] = gone.map(({ name }) => name).sort();
    expect((await live.from('casks/'))?.name).toBe(first);
    fixture.pass(59_999);
    expect((await live.find(first ?? ''))?.until).toBe(until);
    fixture.pass(1);
    expect(await live.find(first ?? '')).toBeUndefined();
    expect((await live.from('casks/'))?.name).toBe('index/formulas.db');
    expect(live.snapshot.leaves.length).toBeGreaterThan(3);
  });

  test('when a line is malformed, storage is to blame for the names of that line, and no others', async () => {
    const leaf = encodeLeaf(['a/a', 'a/b', 'a/c'].map((name) => entryOf(name)));
    const text = textOf(leaf.bytes, 'leaf').replace('a/b\t', 'a/b\t\t');
    const bytes = utf8(text);
    const reference = { ...leaf.reference, size: bytes.length, sha256: hexOf('sha256', bytes) };
    const snapshot = { ...OLD.snapshot, leaves: [reference], totals: { files: 3, bytes: 9 } };
    const { root, signature } = signRoot(snapshot, KEY);
    const files = new Map([
      [ROOT, root],
      [signaturePath(ROOT), utf8(signature)],
      [leafPath(reference.sha256), bytes],
    ]);
    const live = await serving({ files, entries: [], snapshot }).snapshots.current();
    expect((await live.find('a/c'))?.name).toBe('a/c');
    for (const look of [live.find('a/b'), live.from('a/a0')]) {
      await expect(look).rejects.toEqual(failing('mismatch', leafPath(reference.sha256)));
    }
  });

  test('when the request that reads a leaf is cut off, later ones read it after five seconds', async () => {
    const fixture = serving(OLD);
    const live = await fixture.snapshots.current();
    fixture.store.delay = never();
    void live.find(BOTTLE);
    fixture.store.delay = Promise.resolve();
    fixture.pass(5_000);
    expect((await live.find(BOTTLE))?.name).toBe(BOTTLE);
  });
});
