import { describe, expect, it } from 'vitest';
import { utf8 } from '../../format/bytes.ts';
import {
  databasePath,
  INDEX_MANIFEST,
  leafPath,
  MANIFEST,
  ROOT,
  signaturePath,
} from '../../format/layout.ts';
import type { StoredEntry } from '../../format/snapshot/entry.ts';
import { overlapping } from './overlapping.ts';
import {
  DAY,
  entryOf,
  MIRROR_ID,
  NOW_SECONDS,
  type SignedMirror,
  signMirror,
  supersededOf,
} from './support.ts';
import { damaged, failuresOf, flip, verify } from './verify-support.ts';

const OLD = 'bottles/old-1.all.bottle.tar.gz';
const BOTTLE = 'bottles/package1-1.0.arm64_sonoma.bottle.tar.gz';
const DATABASE = databasePath('formulas');

describe('verifying a good mirror', () => {
  it('when every byte is read, everything is verified', async () => {
    const { snapshot, files } = signMirror();
    const report = await verify({ snapshot, files, entries: [] });
    expect(report).toMatchObject({ ok: true, failures: [], cursor: null, depth: 'deep' });
    expect(report.files).toEqual({
      ...{
        total: 10,
        checked: 10,
        verified: 10,
        consistent: 0,
        fetched: 0,
        on_demand: 0,
        expired: 0,
        failed: 0,
      },
    });
    expect(report.bytes).toEqual({ total: snapshot.totals.bytes, checked: snapshot.totals.bytes });
    expect(report.checked_at).toBe('2026-11-01T12:00:00.000Z');
    expect(report.snapshot).toEqual({
      mirror: MIRROR_ID,
      version: NOW_SECONDS,
      created_at: '2026-11-01T12:00:00Z',
      expires_at: '2026-12-01T12:00:00Z',
      signed_by: '0101010101010101',
    });
  });

  it('when its documents are checked, names each and what the result rests on', async () => {
    const key = 'key 0101010101010101';
    expect((await verify(signMirror())).checks).toEqual([
      { name: 'snapshot', path: ROOT, state: 'passed', evidence: `signature over the bytes, ${key}` },
      { name: 'manifest', path: MANIFEST, state: 'passed', evidence: 'made in this version of the format' },
      {
        name: 'index signature',
        path: INDEX_MANIFEST,
        state: 'passed',
        evidence: "stout's own index signature (stout-index:v1)",
      },
      { name: 'signature', path: DATABASE, state: 'passed', evidence: `signature over the bytes, ${key}` },
    ]);
  });

  it('when the databases cannot be hashed, says that only the comment was checked', async () => {
    const { ok, checks } = await verify(signMirror(), {}, { prehash: false });
    expect(ok).toBe(true);
    expect(checks.at(-1)?.evidence).toMatch(/^signature over the SHA-256 in its trusted comment, key/);
  });

  it('when storage recorded SHA-256, quick checking verifies', async () => {
    const report = await verify(signMirror(), { depth: 'quick' }, { records: 'sha256' });
    expect(report).toMatchObject({ ok: true, depth: 'quick', files: { verified: 10, consistent: 0 } });
  });

  it('when storage recorded MD5 only, files are consistent and no more than that', async () => {
    const report = await verify(signMirror(), { depth: 'quick' }, { records: 'md5' });
    expect(report).toMatchObject({ ok: true, files: { verified: 0, consistent: 10, failed: 0 } });
  });

  it('when storage recorded nothing, every file is unknown and the mirror is not ok', async () => {
    const report = await verify(signMirror(), { depth: 'quick' }, { records: 'nothing' });
    expect(report).toMatchObject({ ok: false, files: { verified: 0, consistent: 0, failed: 10 } });
    expect(new Set(report.failures.map(({ state }) => state))).toEqual(new Set(['unknown']));
  });

  it('when a file is superseded, it is verified too, until its time has come', async () => {
    const until = NOW_SECONDS + DAY;
    const mirror = signMirror({ entries: supersededOf(OLD, utf8('old'), until) });
    const before = new Date(until * 1000 - 1);
    expect(failuresOf(await verify(mirror, { now: before }))).toEqual([[OLD, 'missing']]);
    const report = await verify(mirror, { now: new Date(until * 1000) });
    expect(report).toMatchObject({ ok: true, files: { total: 11, checked: 11, verified: 10, expired: 1 } });
    expect(report.bytes.checked).toBe(report.bytes.total);
    mirror.files.set(OLD, utf8('old'));
    const now = await verify(mirror, { now: before });
    expect(now).toMatchObject({ ok: true, files: { verified: 11, expired: 0 } });
  });

  it('when a file on demand is not there, it is counted as that; when it is there, it is checked', async () => {
    const source = 'https://ghcr.io/v2/homebrew/core/old';
    const { size, md5, ...unknown } = entryOf(OLD, utf8('old'));
    const mirror = signMirror({ entries: [{ ...unknown, source }] });
    const absent = await verify(mirror);
    expect(absent).toMatchObject({ ok: true, files: { total: 11, checked: 11, verified: 10, on_demand: 1 } });
    mirror.files.set(OLD, utf8('new'));
    expect(failuresOf(await verify(mirror))).toEqual([[OLD, 'mismatch']]);
    mirror.files.set(OLD, utf8('old'));
    expect((await verify(mirror)).files.verified).toBe(11);
    const [quick, weak] = [await recorded('sha256'), await recorded('md5')];
    expect([quick.ok, failuresOf(weak)]).toEqual([true, [[OLD, 'unknown']]]);

    function recorded(records: 'sha256' | 'md5') {
      return verify(mirror, { depth: 'quick' }, { records });
    }
  });

  it.each([
    ['leads nowhere', { path: 'bottles/none-1.tar.gz' }],
    ['has another time', { until: NOW_SECONDS + 2 * DAY }],
    ['has another MD5', { md5: '0'.repeat(32) }],
    ['has another source', { source: 'https://ghcr.io/other' }],
  ])('when a content address %s, it is named once its path can be looked up', async (_, change) => {
    const [file, address] = supersededOf(OLD, utf8('old'), NOW_SECONDS + DAY);
    const altered = { ...address, ...change } as StoredEntry;
    const mirror = signMirror({ entries: file ? [file, altered] : [] });
    mirror.files.set(OLD, utf8('old'));
    const report = await verify(mirror, { checkIndex: async () => undefined });
    expect(failuresOf(report)).toEqual([[altered.name, 'mismatch']]);
  });
});

describe('verifying a mirror with a bad file', () => {
  it.each([
    ['has one byte flipped', flip, 'mismatch'],
    ['is truncated', (bytes: Uint8Array) => bytes.subarray(0, -1), 'mismatch'],
    ['is longer', (bytes: Uint8Array) => Uint8Array.of(...bytes, 0), 'mismatch'],
    ['is empty', () => new Uint8Array(), 'mismatch'],
    ['is gone', () => undefined, 'missing'],
  ])('when a bottle %s, that bottle is named and the rest still checked', async (_, change, state) => {
    for (const depth of ['deep', 'quick'] as const) {
      for (const records of ['sha256', 'md5'] as const) {
        const report = await verify(damaged(BOTTLE, change), { depth }, { records });
        expect(report).toMatchObject({ ok: false, files: { total: 10, checked: 10, failed: 1 } });
        expect(failuresOf(report)).toEqual([[BOTTLE, state]]);
      }
    }
  });

  it('when sizes differ, says which was expected and which was found', async () => {
    const [failure] = (await verify(damaged(BOTTLE, () => utf8('short')))).failures;
    expect(failure).toMatchObject({
      expected: `${utf8(`the bytes of ${BOTTLE}`).length} bytes`,
      found: '5 bytes',
    });
  });

  it('when storage recorded no checksum, another size is a mismatch all the same', async () => {
    const mirror = damaged(BOTTLE, () => utf8('short'));
    const { failures } = await verify(mirror, { depth: 'quick' }, { records: 'nothing' });
    expect(failures.find(({ path }) => path === BOTTLE)?.state).toBe('mismatch');
  });

  it.each([MANIFEST, INDEX_MANIFEST, 'index/packages.tsv', DATABASE, signaturePath(DATABASE)])(
    'when %s is altered or gone, it is named',
    async (path) => {
      for (const [change, state] of [
        [flip, 'mismatch'],
        [() => undefined, 'missing'],
      ] as const) {
        const report = await verify(damaged(path, change));
        expect(report.ok).toBe(false);
        expect(report.failures.map((failure) => failure.path)).toContain(path);
        expect(report.failures.find((failure) => failure.path === path)?.state).toBe(state);
      }
    },
  );

  it('when two files are exchanged, both are named', async () => {
    const mirror = signMirror();
    const other = 'bottles/package2-1.0.arm64_sonoma.bottle.tar.gz';
    const [one, two] = [mirror.files.get(BOTTLE), mirror.files.get(other)];
    if (one && two) mirror.files.set(BOTTLE, two).set(other, one);
    expect(failuresOf(await verify(mirror))).toEqual([
      [BOTTLE, 'mismatch'],
      [other, 'mismatch'],
    ]);
  });
});

describe('verifying a mirror with a bad leaf', () => {
  const many = (): SignedMirror => signMirror({ bottles: 1200 });
  const leavesOf = ({ snapshot }: SignedMirror) => snapshot.leaves.map(({ sha256 }) => leafPath(sha256));

  it.each([
    ['is gone', () => undefined, 'missing'],
    ['is altered', flip, 'mismatch'],
    ['has the bytes of another leaf', (_: Uint8Array, other: Uint8Array) => other, 'mismatch'],
  ])('when a leaf %s, it is named and the other leaves are checked', async (_, change, state) => {
    const mirror = many();
    const [other = '', path = ''] = leavesOf(mirror).slice(-2);
    const bytes = change(
      mirror.files.get(path) ?? new Uint8Array(),
      mirror.files.get(other) ?? new Uint8Array(),
    );
    if (bytes) mirror.files.set(path, bytes);
    else mirror.files.delete(path);
    const lost = mirror.snapshot.leaves.at(-1)?.files ?? 0;
    const report = await verify(mirror);
    expect(report.ok).toBe(false);
    expect(report.failures.find((failure) => failure.path === path)?.state).toBe(state);
    expect(lost).toBeGreaterThan(0);
    expect(report.files.verified).toBe(mirror.snapshot.totals.files - lost);
  });

  it('when a signed leaf goes on into the next one, it is named and what it lists counts as unchecked', async () => {
    const mirror = overlapping(signMirror());
    const report = await verify(mirror);
    expect(failuresOf(report)).toContainEqual([mirror.leaf, 'mismatch']);
    expect(report).toMatchObject({ ok: false, files: { checked: mirror.snapshot.leaves[1]?.files } });
  });
});
