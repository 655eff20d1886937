import { describe, expect, it } from 'vitest';
import { utf8 } from '../../format/bytes.ts';
import { leafPath, ROOT, signaturePath } from '../../format/layout.ts';
import { splitIntoLeaves } from '../../format/snapshot/boundaries.ts';
import { signRoot } from '../../format/snapshot/root.ts';
import type { WalkOptions } from '../../format/verify/context.ts';
import type { VerifyReport } from '../../format/verify/report.ts';
import { verifyMirror } from '../../format/verify/walk.ts';
import { type MemorySource, memorySource } from './memory-source.ts';
import { blobEntryOf, entryOf, failing, hexOf, KEY, NOW, signMirror, supersededOf } from './support.ts';
import { failuresOf } from './verify-support.ts';

/** Returns the first few of `bottles/0`, `bottles/1`, … which `pick` turns into the first name of a leaf. */
const boundaries = (pick: (text: string) => string): string[] =>
  Array.from({ length: 8000 }, (_, index) => `bottles/${index}-1.tar.gz`)
    .filter((text) => splitIntoLeaves([{ name: '' }, { name: pick(text) }]).length === 2)
    .slice(0, 6);

/** A small mirror of many leaves, some with files and some with only content addresses. */
const MIRROR = signMirror({
  bottles: 40,
  files: () =>
    Object.fromEntries(
      [...boundaries((text) => text), ...boundaries((text) => blobEntryOf(text).name)].map((path) => [
        path,
        utf8(path),
      ]),
    ),
});
const CALLS = 1000;
const options: WalkOptions = {
  trusted: [KEY.publicKey],
  now: NOW,
  depth: 'deep',
  mayContinue: () => false,
};

/** Returns the reports of a verification, in as many calls as it takes. */
async function inParts(source: MemorySource, change: Partial<WalkOptions> = {}): Promise<VerifyReport[]> {
  const reports: VerifyReport[] = [];
  let cursor: string | null | undefined;
  while (cursor !== null && reports.length < CALLS) {
    const report = await verifyMirror(source, { ...options, ...change, cursor });
    reports.push(report);
    cursor = report.cursor;
  }
  return reports;
}

const sum = (reports: readonly VerifyReport[], of: (report: VerifyReport) => number): number =>
  reports.reduce((total, report) => total + of(report), 0);

describe('a verification in several calls', () => {
  it.each([1, 7])(
    'when each call checks %i files, all together check every file exactly once',
    async (sliceSize) => {
      const source = memorySource(MIRROR.files);
      const reports = await inParts(source, { sliceSize });
      const expected = MIRROR.entries.filter((entry) => entry.path === undefined).map((entry) => entry.name);
      expect(source.inspected).toHaveLength(expected.length);
      expect(new Set(source.inspected)).toEqual(new Set(expected));
      expect(sum(reports, (report) => report.files.verified)).toBe(MIRROR.snapshot.totals.files);
      expect(sum(reports, (report) => report.bytes.checked)).toBe(MIRROR.snapshot.totals.bytes);
      expect(reports.every((report) => report.ok)).toBe(true);
      expect(Math.max(...reports.map((report) => report.files.checked))).toBe(sliceSize);
    },
  );

  it('when a slice may have so many bytes, it has no more, unless a single file is larger', async () => {
    const source = memorySource(MIRROR.files);
    const sizes = new Map(MIRROR.entries.map(({ name, size = 0 }) => [name, size]));
    const { inspect } = source;
    const slices: number[][] = [];
    source.inspect = (entries, depth) => {
      slices.push(entries.map(({ name }) => sizes.get(name) ?? 0));
      return inspect(entries, depth);
    };
    const sliceBytes = 100;
    const reports = await inParts(source, { sliceBytes });
    expect(sum(reports, (report) => report.files.verified)).toBe(MIRROR.snapshot.totals.files);
    for (const slice of slices) {
      const bytes = slice.reduce((total, size) => total + size, 0);
      expect(slice.length === 1 || bytes <= sliceBytes).toBe(true);
    }
    expect(slices.some(({ length }) => length > 1)).toBe(true);
    expect(slices.flat().some((size) => size > sliceBytes)).toBe(true);
  });

  it('when a later call continues, it checks the root again but not the documents', async () => {
    const [first, second] = await inParts(memorySource(MIRROR.files));
    expect(first?.checks.map((check) => check.name)).toContain('manifest');
    expect(second?.checks.map((check) => check.name)).toEqual(['snapshot']);
    expect(second?.files.total).toBe(MIRROR.snapshot.totals.files);
  });

  it('when a file is bad, only the call that reads it reports it', async () => {
    const files = new Map(MIRROR.files);
    const path = 'bottles/package17-1.0.arm64_sonoma.bottle.tar.gz';
    files.delete(path);
    const reports = await inParts(memorySource(files));
    const failures = reports.flatMap((report) => report.failures);
    expect(failures.map((failure) => [failure.path, failure.state])).toEqual([[path, 'missing']]);
    expect(reports.filter((report) => !report.ok)).toHaveLength(1);
  });

  it('when each call is given the report before it, the last one covers everything', async () => {
    const files = new Map(MIRROR.files);
    const path = 'bottles/package17-1.0.arm64_sonoma.bottle.tar.gz';
    files.delete(path);
    const source = memorySource(files);
    const { mayContinue, ...unbounded } = options;
    expect(mayContinue).toBeDefined();
    let report = await verifyMirror(source, options);
    while (report.cursor !== null) report = await verifyMirror(source, { ...options, before: report });
    const whole = await verifyMirror(source, unbounded);
    expect(report).toMatchObject({ ok: false, complete: true, files: whole.files, bytes: whole.bytes });
    expect(report.failures).toEqual(whole.failures);
    expect(new Set(report.checks)).toEqual(new Set(whole.checks));
    expect(report.checks).toHaveLength(whole.checks.length);
  });

  it('when later slices are inspected early, every report and every place to continue is the same', async () => {
    const files = new Map(MIRROR.files);
    for (const { sha256 } of MIRROR.snapshot.leaves.slice(3, 5)) files.delete(leafPath(sha256));
    files.delete('bottles/package17-1.0.arm64_sonoma.bottle.tar.gz');
    const reportsOf = async (ahead: number, cursor?: string) => {
      const reports: VerifyReport[] = [];
      const mayContinue = (report: VerifyReport): boolean => reports.push(structuredClone(report)) > 0;
      const source = memorySource(files);
      const report = await verifyMirror(source, {
        ...{ ...options, mayContinue, ahead, cursor, sliceSize: 3 },
      });
      return { inspected: source.inspected.length, reports: [...reports, report] };
    };
    const one = await reportsOf(0);
    expect(await reportsOf(2)).toEqual(one);
    const cursor = one.reports[4]?.cursor ?? '';
    expect(await reportsOf(2, cursor)).toEqual(await reportsOf(0, cursor));
  });

  it('when slices are inspected early, the next begins before the last has ended, and before the documents have', async () => {
    // This path sorts before content addresses.
    const { files } = signMirror({ bottles: 40, files: () => ({ 'api/first.json': utf8('{}') }) });
    const source = memorySource(files);
    const { inspect, read } = source;
    const seen: string[] = [];
    const moment = () => new Promise((resolve) => setTimeout(resolve, 1));
    source.read = async (entry, limit) => {
      seen.push('document');
      await moment();
      return read(entry, limit);
    };
    source.inspect = async (entries, depth) => {
      seen.push('begin');
      await moment();
      seen.push('end');
      return inspect(entries, depth);
    };
    await verifyMirror(source, { ...options, mayContinue: () => true, ahead: 1, sliceSize: 20 });
    expect(seen.indexOf('begin')).toBeLessThan(seen.lastIndexOf('document'));
    const slices = seen.filter((what) => what !== 'document').join(' ');
    expect(slices).toMatch(/^begin begin end .*end$/);
    expect(slices).not.toContain('begin begin begin');
  });

  it('when a superseded file has ended behind the cursor or after it, it is counted once', async () => {
    const names = ['bottles/aaa-1.tar.gz', 'bottles/zzz-1.tar.gz'];
    const mirror = signMirror({ entries: names.flatMap((name) => supersededOf(name, utf8(name), 1)) });
    const source = memorySource(mirror.files);
    let report = await verifyMirror(source, { ...options, sliceSize: 1 });
    while (report.cursor !== null)
      report = await verifyMirror(source, { ...options, sliceSize: 1, before: report });
    expect(report.files).toMatchObject({ expired: 2, checked: mirror.snapshot.totals.files });
  });

  it('when leaves are unreadable or hold only second names, each call reads no more than one', async () => {
    const files = new Map(MIRROR.files);
    const unreadable = MIRROR.snapshot.leaves.slice(2, 5).map((leaf) => leafPath(leaf.sha256));
    for (const path of unreadable) files.delete(path);
    expect(MIRROR.snapshot.leaves.filter((leaf) => leaf.files === 0).length).toBeGreaterThan(3);
    const source = memorySource(files);
    const { cursor } = await verifyMirror(source, options);
    const failed: string[] = [];
    for (let next = cursor; next !== null; ) {
      source.leafReads = 0;
      const report = await verifyMirror(source, { ...options, cursor: next });
      expect(source.leafReads).toBeLessThanOrEqual(1);
      failed.push(...report.failures.map((failure) => failure.path));
      next = report.cursor;
    }
    expect(failed.sort()).toEqual(unreadable.sort());
  });

  it('when there is little time, each call parses only the lines that it checks, and all together check every file', async () => {
    const source = memorySource(MIRROR.files);
    const whole = await inParts(source, { sliceSize: 7 });
    const brief = await inParts(source, { sliceSize: 7, maxParsed: 100_000 });
    expect(brief).toEqual(whole);
  });

  const names = ['a', 'b', 'c', 'd'].map((letter) => `bottles/${letter}-1.tar.gz`);
  const line = (letter: string): string => `bottles/${letter}-1.tar.gz\t.*\n`;

  it.each<[what: string, from: RegExp, to: string]>([
    ['a line is not an entry', /(?<=\nbottles\/b-1.tar.gz\t).*/, 'nothing'],
    ['two lines are not in order', new RegExp(`(${line('b')})(${line('c')})`), '$2$1'],
  ])('when there is little time and %s, the call that comes to it finds that', async (_, from, to) => {
    const { snapshot, files } = signMirror({ entries: names.map((name) => entryOf(name)) });
    const [leaf = expect.fail('no leaf')] = snapshot.leaves;
    const text = new TextDecoder().decode(files.get(leafPath(leaf.sha256)));
    const bytes = utf8(text.replace(from, to));
    const sha256 = hexOf('sha256', bytes);
    const signed = signRoot({ ...snapshot, leaves: [{ ...leaf, sha256, size: bytes.length }] }, KEY);
    files
      .set(ROOT, signed.root)
      .set(signaturePath(ROOT), utf8(signed.signature))
      .set(leafPath(sha256), bytes);
    const reports = await inParts(memorySource(files), { sliceSize: 1, maxParsed: 100_000 });
    const failures = reports.flatMap(failuresOf);
    expect(failures.filter(([path]) => path === leafPath(sha256))).toEqual([[leafPath(sha256), 'mismatch']]);
  });

  it('when there is no bound, one call checks everything', async () => {
    const { mayContinue, ...unbounded } = options;
    expect(mayContinue).toBeDefined();
    const report = await verifyMirror(memorySource(MIRROR.files), unbounded);
    expect(report).toMatchObject({
      ok: true,
      cursor: null,
      files: { verified: MIRROR.snapshot.totals.files },
    });
  });

  it.each(['1:bottles/a', 'x', ':', '1793534401:bottles/a', 'NaN:', `0${MIRROR.snapshot.version}:a`])(
    'when the cursor is %j, which this snapshot never gave, it is refused',
    async (cursor) => {
      const source = memorySource(MIRROR.files);
      await expect(verifyMirror(source, { ...options, cursor })).rejects.toEqual(failing('bad-input'));
      expect(source.inspected).toEqual([]);
    },
  );

  it('when the mirror has changed since, the old cursor is refused', async () => {
    const { cursor } = await verifyMirror(memorySource(MIRROR.files), options);
    const next = signMirror({ previousVersion: MIRROR.snapshot.version });
    await expect(
      verifyMirror(memorySource(next.files), { ...options, cursor: cursor ?? undefined }),
    ).rejects.toEqual(failing('bad-input'));
  });
});

describe('callbacks of the walk', () => {
  it('when the walk is complete, checkIndex is called with every entry once', async () => {
    const seen: string[] = [];
    await verifyMirror(memorySource(MIRROR.files), {
      trusted: options.trusted,
      now: NOW,
      depth: 'quick',
      checkIndex: async (entries) => {
        seen.push(...entries.map((entry) => entry.name));
      },
    });
    expect(seen).toHaveLength(MIRROR.entries.length);
    expect(new Set(seen).size).toBe(MIRROR.entries.length);
  });

  it('when the walk stops early, checkIndex is not called: it would miss entries', async () => {
    const checkIndex = () => expect.unreachable('the walk is not complete');
    const report = await verifyMirror(memorySource(MIRROR.files), { ...options, checkIndex });
    expect(report.cursor).not.toBeNull();
  });

  it('when the walk goes on, mayContinue sees progress grow to the total', async () => {
    const checked: number[] = [];
    const mayContinue: WalkOptions['mayContinue'] = ({ files }) => checked.push(files.checked) > 0;
    await verifyMirror(memorySource(MIRROR.files), { ...options, mayContinue });
    expect(checked).toEqual([...checked].sort((a, b) => a - b));
    expect(checked.at(-1)).toBe(MIRROR.snapshot.totals.files);
  });
});
