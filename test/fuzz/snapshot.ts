import fc, { type Arbitrary } from 'fast-check';
import { describe, expect } from 'vitest';
import { utf8 } from '../../format/bytes.ts';
import { sha256Hex } from '../../format/digest.ts';
import { httpDate, parseHttpDate } from '../../format/http-date.ts';
import { blobName } from '../../format/layout.ts';
import { treePath } from '../../format/paths.ts';
import { buildSnapshot } from '../../format/snapshot/build.ts';
import { byName, type SnapshotEntry } from '../../format/snapshot/entry.ts';
import { encodeLeaf, Leaf } from '../../format/snapshot/leaf.ts';
import { leafIndex } from '../../format/snapshot/lookup.ts';
import { encodeKept, parseKept } from '../../format/snapshot/pointer.ts';
import { isExpired, openRoot, parseRoot, signRoot } from '../../format/snapshot/root.ts';
import { sourceHost } from '../../format/snapshot/source.ts';
import { entryOf, GENERATOR, KEY, NOW, signMirror, supersededOf } from '../format/support.ts';
import { hostile, mutatedJson } from './mutation.ts';
import { type Effort, hex, holds, parsed, plainName } from './support.ts';

const path = fc.array(plainName, { minLength: 1, maxLength: 5 }).map((names) => names.join('/'));
const contentPath = fc
  .tuple(fc.constantFrom('bottles', 'casks', 'linux-apps'), plainName)
  .map((names) => names.join('/'));
const seconds = fc.nat();
const stored = { size: fc.nat(1_000_000), sha256: hex(64), md5: hex(32), modified: seconds };
/** What a content file and its address have besides their names: whether superseded, and whether on demand. */
const content: Arbitrary<Omit<SnapshotEntry, 'name' | 'path'>> = fc
  .record(
    {
      ...stored,
      until: seconds.map((value) => value + 1),
      source: plainName.map((name) => `https://ghcr.io/${name}`),
    },
    { requiredKeys: ['sha256', 'modified', 'size', 'md5'] },
  )
  .chain((entry) => {
    if (entry.source === undefined) return fc.constant(entry);
    const { size, md5, ...rest } = entry;
    return fc.constantFrom(entry, { ...rest, size }, { ...rest, md5 }, rest);
  }) as Arbitrary<Omit<SnapshotEntry, 'name' | 'path'>>;
const document: Arbitrary<SnapshotEntry> = fc.record({ name: path, ...stored });
const file = fc.tuple(contentPath, content).map(([name, rest]) => ({ name, ...rest }) as SnapshotEntry);
const address = fc
  .tuple(contentPath, content)
  .map(([leadsTo, rest]) => ({ name: blobName(rest.sha256), ...rest, path: leadsTo }) as SnapshotEntry);
const entries = fc.uniqueArray(fc.oneof(document, file, address), {
  selector: ({ name }) => name,
  minLength: 1,
  maxLength: 40,
});

const { snapshot, files } = signMirror();
const SIGNED = signRoot(snapshot, KEY);
const ROOT_TEXT = Buffer.from(SIGNED.root).toString();
const LEAF_ENTRIES = [
  entryOf('a'),
  ...supersededOf('bottles/b-1.all.bottle.tar.gz', utf8('x'), 5),
  { ...entryOf('casks/c-1.dmg'), source: 'https://ghcr.io/c' },
].sort(byName);
const LEAF = encodeLeaf(LEAF_ENTRIES);
const LEAF_TEXT = Buffer.from(LEAF.bytes).toString();
const HOSTS = ['ghcr.io'];
/** What looks like a time, whether or not the calendar has it. */
const time = fc.stringMatching(
  /^\d{4}-[01]\d-[0-3]\d[T ][0-2]\d:[0-5]\d:[0-5]\d(\.\d{1,3})?(Z|[+-][012]\d:[0-5]\d)?$/,
);
const otherTimes = fc
  .tuple(time, time)
  .map(([created_at, expires_at]) => JSON.stringify({ ...snapshot, created_at, expires_at }));
const POINTER_TEXT = Buffer.from(encodeKept(SIGNED)).toString();

export function snapshotProperties(effort: Effort): void {
  describe('snapshots', () => {
    holds(
      'a snapshot is read as it was built, and each of its names and no other is found',
      effort,
      fc.tuple(entries, path),
      async ([listed, other]) => {
        const built = buildSnapshot({
          ...{ entries: listed, now: NOW, validFor: 60, keyId: KEY.keyId, generator: GENERATOR },
        });
        const root = openRoot(parseKept(encodeKept(signRoot(built.snapshot, KEY)), 'x'), [
          KEY.publicKey,
        ]).snapshot;
        expect(root).toEqual(built.snapshot);
        const leaves = built.leaves.map(({ bytes }, index) => new Leaf(bytes, root, index));
        const find = (name: string) => leaves[leafIndex(root, name)]?.find(name);
        for (const entry of listed) expect(find(entry.name)).toEqual(entry);
        expect(find(other)).toEqual(listed.find(({ name }) => name === other));
        expect(leaves.flatMap((leaf) => leaf.entries())).toEqual([...listed].sort(byName));
      },
      0.1,
    );

    const anyName = fc.oneof(
      path,
      contentPath,
      hostile(['a', 'bottles/b-1.all.bottle.tar.gz', 'casks/c-1.dmg']),
    );
    holds(
      'a leaf finds by binary search what a linear search finds',
      effort,
      fc.tuple(entries, fc.array(anyName, { maxLength: 10 })),
      async ([listed, others]) => {
        const sorted = [...listed].sort(byName);
        const { bytes, reference } = encodeLeaf(sorted);
        const leaf = new Leaf(bytes, { leaves: [reference], sources: HOSTS }, 0);
        const names = sorted.flatMap(({ name }) => [
          name,
          name.slice(0, -1),
          `${name}x`,
          `${name}\0`,
          `${name}\t`,
        ]);
        for (const name of [...names, ...others]) {
          expect(leaf.find(name)).toEqual(sorted.find((entry) => entry.name === name));
          expect([...leaf.from(name)]).toEqual(sorted.filter((entry) => entry.name >= name));
        }
      },
      0.1,
    );

    const root = fc.oneof(hostile([ROOT_TEXT]), mutatedJson(JSON.parse(ROOT_TEXT)), otherTimes);
    holds('what is taken for a root is in order, and its times are times', effort, root, async (text) => {
      const taken = await parsed(() => parseRoot(utf8(text)));
      if (!taken) return;
      const firsts = taken.leaves.map(({ first }) => first);
      expect(firsts).toEqual([...new Set(firsts)].sort());
      expect(taken.leaves.reduce((sum, { files: own }) => sum + own, 0)).toBe(taken.totals.files);
      for (const time of [taken.created_at, taken.expires_at]) {
        expect(new Date(time).toISOString()).toMatch(/^\d{4}-/);
        expect(parseHttpDate(httpDate(Date.parse(time) / 1000), NOW)).toBe(
          Math.floor(Date.parse(time) / 1000),
        );
      }
      expect(isExpired(taken, new Date(Date.parse(taken.expires_at)))).toBe(true);
      expect(parseRoot(utf8(JSON.stringify(taken)))).toEqual(taken);
    });

    holds(
      'an altered root has no signature, whatever it says',
      effort,
      hostile([ROOT_TEXT]),
      async (text) => {
        const opened = await parsed(() => openRoot({ ...SIGNED, root: utf8(text) }, [KEY.publicKey]));
        if (opened) expect(text).toBe(ROOT_TEXT);
      },
      0.2,
    );

    holds(
      'an altered pointer proves nothing else',
      effort,
      fc.oneof(hostile([POINTER_TEXT]), mutatedJson(JSON.parse(POINTER_TEXT))),
      async (text) => {
        const opened = await parsed(() => openRoot(parseKept(utf8(text), 'current'), [KEY.publicKey]));
        if (opened) expect(opened.snapshot).toEqual(snapshot);
      },
      0.5,
    );

    holds(
      'what is taken for a leaf is as the root says, of paths that a mirror can have, with times that are times',
      effort,
      hostile([LEAF_TEXT]),
      async (text) => {
        const bytes = utf8(text);
        const fields = text.split('\n').map((line) => line.split('\t'));
        const own = fields.filter(
          (line) => line.length > 1 && !line.some((field) => field.startsWith('path=')),
        );
        const reference = {
          first: fields[0]?.[0] ?? '',
          sha256: sha256Hex(bytes),
          size: bytes.length,
          files: own.length,
          bytes: own.reduce((sum, [, , size]) => sum + (Number(size) || 0), 0),
        };
        const root = { leaves: [reference], sources: HOSTS };
        const taken = await parsed(() => new Leaf(bytes, root, 0).entries());
        if (!taken) return;
        for (const entry of taken) {
          for (const name of [entry.name, entry.path ?? entry.name]) expect(treePath(name)).toBe(name);
          for (const time of [entry.modified, entry.until ?? 1]) {
            expect(new Date(time * 1000).toISOString()).toMatch(/^\d{4}-/);
            expect(parseHttpDate(httpDate(time), NOW)).toBe(time);
          }
          if (entry.source !== undefined) expect(new URL(entry.source).host).toBe('ghcr.io');
        }
        const names = taken.map(({ name }) => name);
        expect(names).toEqual([...new Set(names)].sort());
        expect(Buffer.from(encodeLeaf(taken).bytes).toString()).toBe(text);
      },
    );

    holds(
      'what is taken for a source is at its host for every parser of URLs',
      effort,
      hostile(['https://ghcr.io/v2/a', 'https://user@ghcr.io:443/a?b#c', 'https://a.b\\@ghcr.io/']),
      async (text) => {
        const host = sourceHost(text);
        if (host === undefined) return;
        const url = new URL(text);
        expect([url.protocol, url.host, url.username, url.password, url.hash]).toEqual([
          'https:',
          host,
          '',
          '',
          '',
        ]);
      },
    );

    holds(
      'a leaf of other bytes is none',
      effort,
      hostile([LEAF_TEXT]),
      async (text) => {
        const root = { leaves: [LEAF.reference], sources: HOSTS };
        const taken = await parsed(() => new Leaf(utf8(text), root, 0));
        if (taken) expect(text).toBe(LEAF_TEXT);
      },
      0.2,
    );

    holds(
      'bytes that are no text are refused as such',
      effort,
      fc.uint8Array({ maxLength: 100 }),
      async (random) => {
        for (const parse of [parseRoot, (bytes: Uint8Array) => parseKept(bytes, 'x')]) {
          expect(await parsed(() => parse(new Uint8Array(random)))).toBeUndefined();
        }
      },
      0.2,
    );
  });
  expect(files.size).toBeGreaterThan(0);
}
