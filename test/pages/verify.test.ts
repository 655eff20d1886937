import { describe, expect, test } from 'vitest';
import type { VerifyReport } from '../../format/verify/report.ts';
import { FAILURE, HOSTILE, NOW, REPORT, renderVerify, verdict } from './support.ts';

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
    const page = await renderVerify({ ...REPORT, ...changes });
    expect(verdict(page)).toBe(words);
  });

  test.each<[files: VerifyReport['files'], state: string]>([
    [REPORT.files, 'current'],
    [WEAK, 'doubtful'],
  ])('when files are %j, the headline is %s', async (files, state) => {
    const page = await renderVerify({ ...REPORT, files });
    expect(page).toContain(`<section class="state state-${state}"`);
    expect(page.includes('two files can have the same one')).toBe(state === 'doubtful');
  });

  test.each([
    [0, '0 seconds ago'],
    [59_999, '59 seconds ago'],
    [3_600_000, '60 minutes ago'],
  ])('when a kept report is %d ms old, its page states that', async (age, words) => {
    expect(await renderVerify(REPORT, { now: new Date(NOW.getTime() + age) })).toContain(`<dd>${words}</dd>`);
  });

  test('when files are on demand or withdrawn, the page counts them, and otherwise says nothing of them', async () => {
    expect(await renderVerify(REPORT)).not.toMatch(/Fetched|On demand|Withdrawn/);
    const files = { ...REPORT.files, fetched: 2, on_demand: 3, expired: 4 };
    const page = await renderVerify({ ...REPORT, files });
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
    expect(await renderVerify({ ...REPORT, snapshot })).toContain('<code>0123456789ABCDEF-1</code>');
  });

  test('when a part was read, a link continues without JavaScript', async () => {
    const position = { cursor: '1:a+b', files: 0, bytes: 0 };
    const page = await renderVerify(
      { ...REPORT, depth: 'deep', complete: false, cursor: '1:a+b' },
      { position },
    );
    expect(page).toContain('href="/verify?deep=1&cursor=1%3Aa%2Bb"'.replace('&', '&amp;'));
  });

  test('when a path in a report holds markup, it becomes text', async () => {
    const page = await renderVerify({ ...REPORT, failures: [{ ...FAILURE, path: HOSTILE }] });
    expect(page).toContain('<code>&lt;script&gt;');
    expect(page).not.toContain('<img');
  });

  const part = { ...REPORT, depth: 'deep', complete: false, cursor: '1:bottles/b' } as const;

  test('when a deep check is not finished, the page shows where it is, and goes on below the base', async () => {
    const position = { cursor: '1:bottles/b', files: 100, bytes: 430 };
    const page = await renderVerify(part, { deep: part, position, base: '/at/7' });
    expect(page).toContain('43% of the bytes come before <code>bottles/b</code>');
    expect(page).toContain('<progress max="1" value="0.43"');
    expect(page).toContain('href="/at/7/verify?deep=1&amp;cursor=1%3Abottles%2Fb"');
    expect(page).toContain('data-files="100" data-bytes="430"');
    expect(page.match(/(?:href|action)="\/(?!at\/7\/)/g)).toBeNull();
  });

  test.each<[deep: VerifyReport, words: string]>([
    [
      { ...part, cursor: null, complete: true },
      '3 minutes ago, read 412 of 412 files: every byte is as signed',
    ],
    [part, 'One here has read 412 of 412 files so far, 3 minutes ago'],
    [{ ...part, ok: false, failures: [FAILURE] }, '3 minutes ago, found 1 file not as signed'],
  ])('when a deep check was made here, its result stays on the page', async (deep, words) => {
    const now = new Date(NOW.getTime() + 180_000);
    expect(await renderVerify(REPORT, { deep, now })).toContain(words);
  });

  test.each(['quick', 'deep'] as const)(
    'when a %s check is of a kept snapshot, it stays with that',
    async (depth) => {
      const report = { ...part, depth, ok: false, failures: [FAILURE] };
      const page = await renderVerify(report, { kept: '7', last: undefined, base: '/channels/a' });
      const query = `${depth === 'deep' ? 'deep=1&amp;' : ''}cursor=1%3Abottles%2Fb&amp;snapshot=7`;
      expect(page).toContain(`href="/channels/a/verify?${query}">Continue the check above</a>`);
      expect(page).toContain('<input type="hidden" name="snapshot" value="7">');
      expect(page).toContain('<a href="/at/7/verify/bottles/jq.tar.gz">');
      expect(page).toContain('Every file of the kept snapshot 7');
    },
  );

  test('when another check here found something, the headline is not that all is in order', async () => {
    const last = { ...part, ok: false, failures: [FAILURE] };
    const page = await renderVerify({ ...REPORT, complete: false, cursor: '1:b' }, { last, deep: last });
    expect(verdict(page)).toBe('Not as signed');
    expect(page).toContain('<section class="state state-bad"');
    expect(page).toContain('Another check here, 0 seconds ago, found 1 file not as signed.');
  });

  test('when a file is named, it is linked to the check of its bytes', async () => {
    const page = await renderVerify({ ...REPORT, ok: false, failures: [FAILURE] });
    expect(page).toContain('<a href="/verify/bottles/jq.tar.gz"><code>bottles/jq.tar.gz</code></a>');
  });
});
