import fc, { type Arbitrary } from 'fast-check';
import { describe, expect } from 'vitest';
import { utf8 } from '../../format/bytes.ts';
import { sha256Hex } from '../../format/digest.ts';
import { blobName } from '../../format/layout.ts';
import { treePath } from '../../format/paths.ts';
import { buildSnapshot } from '../../format/snapshot/build.ts';
import type { SnapshotEntry } from '../../format/snapshot/entry.ts';
import { encodeLeaf, parseLeaf } from '../../format/snapshot/leaf.ts';
import { findEntry, findLeaf, firstEntryFrom } from '../../format/snapshot/lookup.ts';
import { encodePointer, parsePointer } from '../../format/snapshot/pointer.ts';
import { isExpired, openRoot, parseRoot, signRoot } from '../../format/snapshot/root.ts';
import { httpDate, parseHttpDate } from '../../worker/http/date.ts';
import { blobEntryOf, entryOf, GENERATOR, KEY, NOW, signMirror } from '../format/support.ts';
import { hostile, mutatedJson } from './mutation.ts';
import { type Effort, hex, holds, parsed, plainName } from './support.ts';

const path = fc.array(plainName, { minLength: 1, maxLength: 5 }).map((names) => names.join('/'));
const content = { size: fc.nat(1_000_000), sha256: hex(64), md5: hex(32), modified: fc.nat() };
const file: Arbitrary<SnapshotEntry> = fc.record({ name: path, ...content });
const address: Arbitrary<SnapshotEntry> = fc
  .record({ ...content, path, until: fc.option(fc.nat(), { nil: undefined }) })
  .map(({ until, ...rest }) => ({
    name: blobName(rest.sha256),
    ...rest,
    ...(until === undefined ? {} : { until }),
  }));
const entries = fc.uniqueArray(fc.oneof(file, address), {
  selector: ({ name }) => name,
  minLength: 1,
  maxLength: 40,
});

const { snapshot, files } = signMirror();
const SIGNED = signRoot(snapshot, KEY);
const ROOT_TEXT = Buffer.from(SIGNED.root).toString();
const LEAF_ENTRIES = [entryOf('a'), entryOf('b/c'), { ...blobEntryOf('b/c', utf8('x')), until: 5 }];
const LEAF_TEXT = Buffer.from(
  encodeLeaf([...LEAF_ENTRIES].sort((a, b) => (a.name < b.name ? -1 : 1))).bytes,
).toString();
/** What looks like a time, whether or not the calendar has it. */
const time = fc.stringMatching(
  /^\d{4}-[01]\d-[0-3]\d[T ][0-2]\d:[0-5]\d:[0-5]\d(\.\d{1,3})?(Z|[+-][012]\d:[0-5]\d)?$/,
);
const otherTimes = fc
  .tuple(time, time)
  .map(([created_at, expires_at]) => JSON.stringify({ ...snapshot, created_at, expires_at }));
const POINTER_TEXT = Buffer.from(encodePointer(SIGNED)).toString();

export function snapshotProperties(effort: Effort): void {
  describe('snapshots', () => {
    holds(
      'a snapshot is read as it was built, and each of its names and no other is found',
      effort,
      fc.tuple(entries, path),
      async ([listed, other]) => {
        const built = buildSnapshot({
          entries: listed,
          now: NOW,
          validFor: 60,
          previousVersion: 0,
          generator: GENERATOR,
        });
        const root = openRoot(parsePointer(encodePointer(signRoot(built.snapshot, KEY)), 'x'), [
          KEY.publicKey,
        ]).snapshot;
        expect(root).toEqual(built.snapshot);
        const read = new Map(
          built.leaves.map(({ bytes, reference }) => [reference.sha256, parseLeaf(bytes, reference)]),
        );
        const find = (name: string) => findEntry(read.get(findLeaf(root, name)?.sha256 ?? '') ?? [], name);
        for (const entry of listed) expect(find(entry.name)).toEqual(entry);
        expect(find(other)).toEqual(listed.find(({ name }) => name === other));
        const sorted = [...read.values()].flat();
        const names = listed.map(({ name }) => name).sort();
        expect(firstEntryFrom(sorted, other)?.name).toBe(names.find((name) => name >= other));
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
        const opened = await parsed(() => openRoot(parsePointer(utf8(text), 'current'), [KEY.publicKey]));
        if (opened) expect(opened.snapshot).toEqual(snapshot);
      },
      0.5,
    );

    const leaf = fc.oneof(hostile([LEAF_TEXT]), mutatedJson(JSON.parse(LEAF_TEXT)));
    holds(
      'what is taken for a leaf is as the root says, of paths that a mirror can have, with times that are times',
      effort,
      leaf,
      async (text) => {
        const bytes = utf8(text);
        const claimed = lenient(text);
        const own = claimed.filter((entry) => entry?.path === undefined || entry.until !== undefined);
        const reference = {
          first: typeof claimed[0]?.name === 'string' ? claimed[0].name : '',
          sha256: sha256Hex(bytes),
          size: bytes.length,
          files: own.length,
          bytes: own.reduce((sum, entry) => sum + (typeof entry?.size === 'number' ? entry.size : 0), 0),
        };
        const taken = await parsed(() => parseLeaf(bytes, reference));
        for (const entry of taken ?? []) {
          for (const name of [entry.name, entry.path ?? entry.name]) expect(treePath(name)).toBe(name);
          expect(new Date(entry.modified * 1000).toISOString()).toMatch(/^\d{4}-/);
          expect(parseHttpDate(httpDate(entry.modified), NOW)).toBe(entry.modified);
        }
        if (taken)
          expect(taken.map(({ name }) => name)).toEqual([...new Set(taken.map(({ name }) => name))].sort());
      },
    );

    holds(
      'a leaf of other bytes is none',
      effort,
      hostile([LEAF_TEXT]),
      async (text) => {
        const reference = encodeLeaf(LEAF_ENTRIES).reference;
        const taken = await parsed(() =>
          parseLeaf(utf8(text), { ...reference, sha256: sha256Hex(utf8(LEAF_TEXT)) }),
        );
        if (taken) expect(text).toBe(LEAF_TEXT);
      },
      0.2,
    );

    holds(
      'bytes that are no text are refused as such',
      effort,
      fc.uint8Array({ maxLength: 100 }),
      async (random) => {
        for (const parse of [parseRoot, (bytes: Uint8Array) => parsePointer(bytes, 'x')]) {
          expect(await parsed(() => parse(new Uint8Array(random)))).toBeUndefined();
        }
      },
      0.2,
    );
  });
  expect(files.size).toBeGreaterThan(0);
}

/** The entries that a text claims to have, as far as it is JSON at all. */
function lenient(text: string): Partial<SnapshotEntry>[] {
  try {
    const { files: listed } = JSON.parse(text);
    return Array.isArray(listed) ? listed : [];
  } catch {
    return [];
  }
}
