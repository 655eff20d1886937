import { describe, expect, test } from 'vitest';
import type { VerifyReport } from '../../../format/verify/report.ts';
import { verifyPage } from '../../../worker/pages/verify.ts';
import { FAILURE, HOSTILE, NOW, REPORT, verdict } from './support.ts';

const WEAK = { ...REPORT.files, verified: 410, consistent: 2 };

describe('the page of a report', () => {
  test.each<[changes: Partial<VerifyReport>, words: string]>([
    [{}, 'All files agree'],
    [{ files: WEAK }, 'All files agree, 2 by MD5 alone'],
    [{ files: WEAK, complete: false, cursor: '1:x' }, 'As signed so far, 2 by MD5 alone'],
    [{ files: WEAK, complete: false }, 'The rest is as signed, 2 by MD5 alone'],
    [{ files: WEAK, ok: false, failures: [FAILURE] }, 'Not as signed'],
    [{ depth: 'deep' }, 'Every byte is as signed'],
    [{ files: { ...REPORT.files, on_demand: 1 } }, 'All files here agree'],
    [{ depth: 'deep', files: { ...REPORT.files, on_demand: 1 } }, 'Every byte here is as signed'],
    [{ depth: 'deep', complete: false, cursor: '1:x' }, 'As signed so far'],
    [{ depth: 'deep', complete: false }, 'The rest is as signed'],
    [{ ok: false, failures: [FAILURE] }, 'Not as signed'],
    [{ ok: false, failures: [{ ...FAILURE, state: 'unknown' }] }, 'Could not be checked'],
    [{ ok: false, failures: [{ ...FAILURE, state: 'unknown' }, FAILURE] }, 'Not as signed'],
    [{ ok: false, failures: [{ ...FAILURE, state: 'expired' }] }, 'Expired'],
    [
      {
        ok: false,
        failures: [
          { ...FAILURE, state: 'unknown' },
          { ...FAILURE, state: 'rolled-back' },
        ],
      },
      'Older than before',
    ],
  ])('when a report is %j, its page says no more than %j', async (changes, words) => {
    const page = await verifyPage({ ...REPORT, ...changes }, NOW);
    expect(verdict(page)).toBe(words);
  });

  test.each<[files: VerifyReport['files'], state: string]>([
    [REPORT.files, 'current'],
    [WEAK, 'doubtful'],
  ])('when files are %j, the headline is %s', async (files, state) => {
    const page = await verifyPage({ ...REPORT, files }, NOW);
    expect(page).toContain(`<section class="state state-${state}"`);
    expect(page.includes('two files can have the same one')).toBe(state === 'doubtful');
  });

  test.each([
    [0, '0 seconds ago'],
    [59_999, '59 seconds ago'],
    [3_600_000, '60 minutes ago'],
  ])('when a kept report is %d ms old, its page states that', async (age, words) => {
    expect(await verifyPage(REPORT, new Date(NOW.getTime() + age))).toContain(`<dd>${words}</dd>`);
  });

  test('when files are on demand or withdrawn, the page counts them, and otherwise says nothing of them', async () => {
    expect(await verifyPage(REPORT, NOW)).not.toMatch(/Fetched|On demand|Withdrawn/);
    const files = { ...REPORT.files, fetched: 2, on_demand: 3, expired: 4 };
    const page = await verifyPage({ ...REPORT, files }, NOW);
    expect(page).toMatch(/Fetched<\/dt><dd>2 files/);
    expect(page).toMatch(/On demand<\/dt><dd>3 files/);
    expect(page).toMatch(/Withdrawn<\/dt><dd>4 files/);
  });

  test('when the root could be read, the page names the mirror', async () => {
    const snapshot = {
      mirror: '0123456789ABCDEF-1',
      version: 2,
      created_at: '',
      expires_at: '',
      signed_by: '',
    };
    expect(await verifyPage({ ...REPORT, snapshot }, NOW)).toContain('<code>0123456789ABCDEF-1</code>');
  });

  test('when a part was read, a link continues without JavaScript', async () => {
    const page = await verifyPage({ ...REPORT, depth: 'deep', complete: false, cursor: '1:a+b' }, NOW);
    expect(page).toContain('href="/verify?deep=1&cursor=1%3Aa%2Bb"'.replace('&', '&amp;'));
  });

  test('when a path in a report holds markup, it becomes text', async () => {
    const page = await verifyPage({ ...REPORT, failures: [{ ...FAILURE, path: HOSTILE }] }, NOW);
    expect(page).toContain('<code>&lt;script&gt;');
    expect(page).not.toContain('<img');
  });
});
