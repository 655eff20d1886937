import { describe, expect, test } from 'vitest';
import { utf8 } from '../../../format/bytes.ts';
import type { StoredRecord } from '../../../format/store.ts';
import type { VerifyReport } from '../../../format/verify/report.ts';
import { hexOf } from '../../format/support.ts';
import { BOTTLE, entryOf, OWN_FILES, verifying } from './support.ts';

describe('what the evidence proves', () => {
  type Counts = Partial<VerifyReport['files']>;
  test.each<[recorded: string, recordOf: (bytes: Uint8Array) => StoredRecord, ok: boolean, files: Counts]>([
    [
      'SHA-256',
      (bytes) => ({ size: bytes.length, sha256: hexOf('sha256', bytes) }),
      true,
      { verified: OWN_FILES.length },
    ],
    [
      'MD5 alone',
      (bytes) => ({ size: bytes.length, md5: hexOf('md5', bytes) }),
      true,
      { consistent: OWN_FILES.length, verified: 0 },
    ],
    ['no checksum', (bytes) => ({ size: bytes.length }), false, { failed: OWN_FILES.length, verified: 0 }],
    [
      'another SHA-256 and the right MD5',
      (bytes) => ({ size: bytes.length, sha256: hexOf('sha256', utf8('x')), md5: hexOf('md5', bytes) }),
      false,
      { failed: OWN_FILES.length },
    ],
  ])('when storage recorded %s, a quick report says no more than that', async (_, recordOf, ok, files) => {
    const { run, store } = verifying();
    store.recordOf = recordOf;
    expect(await run()).toMatchObject({ ok, files: { checked: OWN_FILES.length, ...files } });
  });

  test('when there is no checksum, each file is unknown to a quick report and verified by a deep one', async () => {
    const { run, store } = verifying();
    store.recordOf = (bytes) => ({ size: bytes.length });
    const states = (await run('quick')).failures.map(({ state }) => state);
    expect(new Set(states)).toEqual(new Set(['unknown']));
    expect(await run('deep')).toMatchObject({ ok: true, files: { verified: OWN_FILES.length } });
  });

  test('when records lie, a deep report goes by the bytes', async () => {
    const { run, store } = verifying();
    const honest = new Map(store.files);
    store.files.set(BOTTLE, utf8('the bytes of bottles/package7-1.0.arm64_sonoma.bottle.tar.gZ'));
    store.recordOf = (bytes) => {
      const path = [...store.files].find(([, candidate]) => candidate === bytes)?.[0] ?? '';
      const good = honest.get(path) ?? bytes;
      return { size: good.length, sha256: hexOf('sha256', good) };
    };
    expect((await run('quick')).ok).toBe(true);
    expect((await run('deep')).failures).toMatchObject([{ path: BOTTLE, state: 'mismatch' }]);
  });

  test('when one file cannot be read to its end, the report names it and continues', async () => {
    const { run, store } = verifying();
    store.broken = BOTTLE;
    const report = await run('deep');
    expect(report.failures).toMatchObject([{ path: BOTTLE, state: 'unknown' }]);
    expect(report.failures[0]?.message).toContain('the disk is on fire');
    expect(report.files).toMatchObject({ verified: OWN_FILES.length - 1, failed: 1 });
  });

  test('when files are missing, each is named', async () => {
    const { run, store } = verifying();
    store.files.delete(BOTTLE);
    expect((await run()).failures).toMatchObject([{ path: BOTTLE, state: 'missing' }]);
  });
});

describe('one file', () => {
  test('when its bytes are as signed, it is verified by bytes, whatever was recorded', async () => {
    const { verification, store } = verifying();
    store.recordOf = (bytes) => ({ size: bytes.length });
    expect(await verification.file(entryOf(BOTTLE))).toEqual({
      path: BOTTLE,
      state: 'verified',
      evidence: 'bytes',
    });
  });

  test.each<[what: string, bytes: Uint8Array | undefined, state: string]>([
    ['missing', undefined, 'missing'],
    ['empty', utf8(''), 'mismatch'],
    ['longer', utf8('the bytes of bottles/package7-1.0.arm64_sonoma.bottle.tar.gz!'), 'mismatch'],
    ['altered', utf8('the bytes of bottles/package7-1.0.arm64_sonoma.bottle.tar.gZ'), 'mismatch'],
  ])('when it is %s, the verdict says so', async (_, bytes, state) => {
    const { verification, store } = verifying();
    if (bytes) store.files.set(BOTTLE, bytes);
    else store.files.delete(BOTTLE);
    expect(await verification.file(entryOf(BOTTLE))).toMatchObject({ path: BOTTLE, state });
  });

  test('when it cannot be read, it is unknown: no verdict on its bytes', async () => {
    const { verification, store } = verifying();
    store.broken = BOTTLE;
    expect(await verification.file(entryOf(BOTTLE))).toMatchObject({ path: BOTTLE, state: 'unknown' });
  });

  test('when many ask at once, it is read once', async () => {
    const { verification, store } = verifying();
    await Promise.all(Array.from({ length: 10 }, () => verification.file(entryOf(BOTTLE))));
    expect(store.opened).toEqual([BOTTLE]);
    await verification.file(entryOf(BOTTLE));
    expect(store.opened).toEqual([BOTTLE, BOTTLE]);
  });
});
