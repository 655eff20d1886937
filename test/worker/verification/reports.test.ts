import { describe, expect, test } from 'vitest';
import type { Failure, VerifyReport } from '../../../format/verify/report.ts';
import { Reports } from '../../../worker/reports.ts';
import { FAILURE, REPORT } from '../../pages/support.ts';
import { BOTTLE, entryOf, inParts, MIRROR, NEXT, OWN_FILES, rootOf, verifying } from './support.ts';

const FEW = { verifyOperations: 40 };
const ROOT = rootOf(MIRROR);

describe('a deep check in parts', () => {
  test('is one check in the end, and stays when a quick one comes after it', async () => {
    const fixture = verifying(FEW);
    const { verification, run } = fixture;
    const parts = await inParts(fixture, 'deep');
    expect(parts.length).toBeGreaterThan(2);
    const { totals } = MIRROR.snapshot;
    const deep = verification.deep(ROOT);
    expect(deep).toMatchObject({ ok: true, complete: true, cursor: null });
    expect(deep?.files).toMatchObject({ total: totals.files, checked: totals.files, verified: totals.files });
    expect(deep?.bytes).toEqual({ total: totals.bytes, checked: totals.bytes });
    await run();
    expect(verification.last(ROOT)).toBe(deep);
    expect(verification.deep(rootOf(NEXT))).toBeUndefined();
  });

  test('that is left tells how far it came, and a part that was read twice counts once', async () => {
    const { verification, run } = verifying(FEW);
    const first = await run('deep');
    const second = await run('deep', first.cursor ?? undefined);
    await run('deep', first.cursor ?? undefined);
    expect(verification.deep(ROOT)).toMatchObject({ complete: false, cursor: second.cursor });
    expect(verification.deep(ROOT)?.files.checked).toBe(first.files.checked + second.files.checked);
  });

  test('that found other bytes is not undone by its later parts, nor by a quick part', async () => {
    const fixture = verifying(FEW);
    const { verification, store, run } = fixture;
    store.files.set(BOTTLE, new Uint8Array(entryOf(BOTTLE).size ?? 0));
    await inParts(fixture, 'deep');
    expect(verification.last(ROOT)).toMatchObject({ ok: false, complete: true, depth: 'deep' });
    expect(verification.last(ROOT)?.failures.map(({ path }) => path)).toEqual([BOTTLE]);
    expect((await run()).complete).toBe(false);
    expect(verification.last(ROOT)).toMatchObject({ ok: false, depth: 'deep' });
  });

  test('that storage did not answer is no more verified than before', async () => {
    const fixture = verifying(FEW);
    fixture.store.broken = BOTTLE;
    await inParts(fixture, 'deep');
    expect(fixture.findings.faults).toEqual([]);
    const found = fixture.verification.last(ROOT);
    expect([found?.ok, found?.failures.map(({ state }) => state)]).toEqual([false, ['unknown']]);
  });

  test('that found all in order takes back what was found before it began, and nothing later', async () => {
    const fixture = verifying(FEW);
    const { findings, run } = fixture;
    findings.note(BOTTLE, 'mismatch');
    const first = await run('deep');
    findings.note('casks/later.dmg', 'mismatch');
    for (let { cursor } = first; cursor !== null; ) cursor = (await run('deep', cursor)).cursor;
    expect(findings.faults.map(({ path }) => path)).toEqual(['casks/later.dmg']);
  });
});

describe('a deep check that starts after another', () => {
  test('replaces it when it has ended, or has found something', async () => {
    const fixture = verifying(FEW);
    const { verification, store, run } = fixture;
    const whole = store.files.get(BOTTLE) ?? new Uint8Array();
    store.files.set(BOTTLE, new Uint8Array(whole.length));
    await inParts(fixture, 'deep');
    store.files.set(BOTTLE, whole);
    const first = await run('deep');
    expect(first).toMatchObject({ ok: true, complete: false });
    for (const shown of [verification.deep(ROOT), verification.last(ROOT)])
      expect(shown).toMatchObject({ ok: false, complete: true, failures: [{ path: BOTTLE }] });
    expect(verification.unfinished(ROOT)?.cursor).toBe(first.cursor);
    for (let { cursor } = first; cursor !== null; ) cursor = (await run('deep', cursor)).cursor;
    expect(verification.last(ROOT)).toMatchObject({ ok: true, complete: true, depth: 'deep' });
    expect(verification.unfinished(ROOT)).toBeUndefined();
    await run('deep');
    expect(verification.deep(ROOT)).toMatchObject({ ok: true, complete: true });
    store.files.set(OWN_FILES[0] ?? '', new Uint8Array());
    await run('deep');
    expect(verification.last(ROOT)).toMatchObject({ ok: false, complete: false, depth: 'deep' });
  });
});

describe('what is shown of several checks', () => {
  const at = (minute: number) => `2026-11-01T12:${String(minute).padStart(2, '0')}:00.000Z`;
  const bad = { ok: false, failures: [FAILURE] };
  const reportsOf = (...made: Partial<VerifyReport>[]): VerifyReport | undefined => {
    const reports = new Reports(() => new Date(at(50)));
    for (const [minute, one] of made.entries()) {
      const report = { ...REPORT, checked_at: at(minute), ...one };
      reports.note({ report, root: ROOT, began: 0 }, undefined);
    }
    return reports.last(ROOT);
  };

  test.each<[what: string, made: Partial<VerifyReport>[], shown: Partial<VerifyReport>]>([
    ['the latest', [{ depth: 'quick' }], { depth: 'quick' }],
    [
      'a finished deep one before a later quick one',
      [{ depth: 'deep' }, { depth: 'quick' }],
      { depth: 'deep' },
    ],
    [
      'a quick one before an unfinished deep one',
      [
        { depth: 'quick', ...bad },
        { depth: 'deep', complete: false },
      ],
      { depth: 'quick', ok: false },
    ],
    [
      'a failed one before a finished one',
      [{ depth: 'deep' }, { depth: 'quick', ...bad }],
      { depth: 'quick', ok: false },
    ],
    [
      'one that found all in order later',
      [{ depth: 'deep', ...bad }, { depth: 'quick' }],
      { depth: 'quick', ok: true },
    ],
  ])('is %s', (_, made, shown) => {
    expect(reportsOf(...made)).toMatchObject(shown);
  });

  test('ends with the hour', () => {
    expect(reportsOf({ checked_at: '2026-11-01T11:50:00.000Z' })).toBeUndefined();
  });

  test('has at most a thousand files that are not as signed', () => {
    const reports = new Reports(() => new Date(at(0)));
    const failures = (from: number): Failure[] =>
      Array.from({ length: 800 }, (_, index) => ({ ...FAILURE, path: `bottles/${from + index}` }));
    const part = { ...REPORT, ok: false, checked_at: at(0), complete: false, cursor: '1:b' };
    reports.note({ report: { ...part, failures: failures(0) }, root: ROOT, began: 0 }, undefined);
    reports.note({ report: { ...part, failures: failures(800) }, root: ROOT, began: 0 }, '1:b');
    expect(reports.last(ROOT)?.failures.length).toBe(1000);
  });
});
