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

  test('when there is no checksum, no file is served, and each is unknown even to a deep report, which says why', async () => {
    const { run, store } = verifying();
    store.recordOf = (bytes) => ({ size: bytes.length });
    for (const depth of ['quick', 'deep'] as const) {
      const { ok, failures } = await run(depth);
      expect([ok, failures.length]).toEqual([false, OWN_FILES.length]);
      expect(new Set(failures.map(({ state }) => state))).toEqual(new Set(['unknown']));
    }
    store.files.set(BOTTLE, utf8('other bytes'));
    const { failures } = await run('deep');
    expect(failures.find(({ path }) => path === BOTTLE)?.state).toBe('mismatch');
    expect(failures.find(({ path }) => path !== BOTTLE)?.message).toContain('are as signed, but');
  });

  test('when there is only an MD5, a deep report verifies each file by its bytes', async () => {
    const { run, store } = verifying();
    store.recordOf = (bytes) => ({ size: bytes.length, md5: hexOf('md5', bytes) });
    expect(await run('deep')).toMatchObject({
      ok: true,
      files: { verified: OWN_FILES.length, consistent: 0 },
    });
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

  test.each([
    ['says that it is', 8e12],
    ['denies it', undefined],
  ])(
    'when an object is longer than listed and storage %s, a deep report stops reading it',
    async (_, size) => {
      const { run, store } = verifying();
      const open = store.open.bind(store);
      let bytes = 0;
      let isCancelled = false;
      const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
        pull: (controller) => {
          bytes += 1000;
          controller.enqueue(new Uint8Array(1000));
        },
        cancel: () => {
          isCancelled = true;
        },
      });
      store.open = async (entry) => {
        const file = await open(entry);
        if (!file || entry.name !== BOTTLE) return file;
        return { record: { ...file.record, size: size ?? file.record.size }, body };
      };
      expect((await run('deep')).failures).toMatchObject([{ path: BOTTLE, state: 'mismatch' }]);
      expect([bytes <= 3000, isCancelled]).toEqual([true, true]);
    },
  );

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
  test('when its bytes are as signed, it is verified by bytes; if it is not served, it is unknown', async () => {
    const { verification, store } = verifying();
    store.recordOf = (bytes) => ({ size: bytes.length, md5: hexOf('md5', bytes) });
    expect(await verification.file(entryOf(BOTTLE))).toEqual({
      path: BOTTLE,
      state: 'verified',
      evidence: 'bytes',
    });
    store.recordOf = (bytes) => ({ size: bytes.length });
    expect(await verification.file(entryOf(BOTTLE))).toMatchObject({ state: 'unknown', evidence: 'bytes' });
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

  test('when it never ends, reading stops one byte beyond its size', async () => {
    const { verification, store } = verifying();
    const entry = entryOf(BOTTLE);
    let sent = 0;
    store.open = async () => ({
      record: { size: entry.size ?? 0 },
      body: new ReadableStream<Uint8Array<ArrayBuffer>>(
        {
          pull: (controller) => {
            sent += 1;
            controller.enqueue(new Uint8Array(1));
          },
        },
        { highWaterMark: 0 },
      ),
    });
    expect(await verification.file(entry)).toMatchObject({
      state: 'mismatch',
      found: `${(entry.size ?? 0) + 1} bytes`,
      expected: `${entry.size} bytes`,
    });
    expect(sent).toBe((entry.size ?? 0) + 1);
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
