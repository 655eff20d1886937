import { describe, expect, test } from 'vitest';
import { DAY, FAILURE, HOSTILE, HOUR, jq, NOW, REPORT, render, rootExpiring, verdict } from './support.ts';

describe('the state of the snapshot', () => {
  test.each([
    [22 * DAY, 'Signed and current'],
    [5 * DAY, 'Signed and current'],
    [5 * DAY - 1, 'Expires in 4 days'],
    [3.9 * DAY, 'Expires in 3 days'],
    [30 * HOUR, 'Expires in 30 hours'],
    [1, 'Expires in less than a minute'],
    [0, 'Expired'],
    [-3 * DAY, 'Expired'],
  ])('when %d ms are left, it says %s', async (left, label) => {
    expect(verdict(await render({ root: rootExpiring(left) }))).toBe(label);
  });

  test('when the server trusts no key, it does not claim a signature nor print a key', async () => {
    const page = await render({ root: { ...rootExpiring(22 * DAY), signer: undefined }, publicKeys: [] });
    expect(verdict(page)).toBe('Signature not checked');
    expect(page).not.toContain('Signed by key');
    expect(page).not.toContain('minisign -V');
  });

  test('it shows the evidence and links to both checks', async () => {
    const page = await render();
    for (const piece of [
      '1763020000',
      '0123456789ABCDEF-1',
      '0807060504030201',
      'ab'.repeat(32),
      '8 days ago',
      'in 22 days',
    ]) {
      expect(page).toContain(piece);
    }
    expect(page).toContain('href="/verify"');
    expect(page).toContain('href="/verify#deep-check"');
  });

  test('when there is a warning, it is on the page, escaped', async () => {
    const page = await render({ warning: `Beware of ${HOSTILE}` });
    expect(page).toContain('Beware of &lt;script&gt;');
  });
});

describe('what there is for brew', () => {
  const api = NOW.getTime() / 1000 - 5 * 3600;
  const packages = { version: '2025.11.20.1405', platforms: {}, homebrew_api: api, packages: [jq] };

  test("when the mirror serves brew too, the page shows the age of Homebrew's API and how to point brew here", async () => {
    const page = await render({ packages });
    expect(page).toContain('<dd>5 hours</dd>');
    expect(page).toContain('https://packages.example.org/config/brew.env');
  });

  test("when it is stout's alone, the page says nothing of brew", async () => {
    expect(await render()).not.toMatch(/brew\.env|Homebrew&#39;s API/);
  });
});

describe('the packages', () => {
  test('when there are none, the page says so and divides by nothing', async () => {
    const page = await render({}, []);
    expect(page).toContain('No packages yet.');
    expect(page).not.toMatch(/NaN|Infinity|undefined/);
  });

  test('when all are empty files, shares are 0%', async () => {
    expect(await render({}, [{ ...jq, size: 0 }])).not.toMatch(/NaN|Infinity/);
  });

  const many = Array.from({ length: 8123 }, (_, index) => ({ ...jq, name: `jq-${index}` }));
  const rowsOf = (page: string) =>
    [...page.matchAll(/scope="row" class="name"><a[^>]*>([^<]+)</g)].map(([, name]) => name);

  test.each([
    [1, 'jq-0', 100],
    [2, 'jq-100', 100],
    [82, 'jq-8100', 23],
    [83, 'jq-8100', 23],
    [0, 'jq-0', 100],
    [-3, 'jq-0', 100],
    [1.5, 'jq-0', 100],
    [Number.NaN, 'jq-0', 100],
    [Number.POSITIVE_INFINITY, 'jq-8100', 23],
  ])('when page %d of 8,123 is asked for, it begins with %s', async (page, first, count) => {
    const rows = rowsOf(await render({ view: { query: '', page } }, many));
    expect([rows[0], rows.length]).toEqual([first, count]);
  });

  test('when one searches without JavaScript, the page holds what matches and can be paged', async () => {
    const page = await render({ view: { query: 'JQ-8', page: 1 } }, many);
    expect(page).toContain('234 of 8,123 match');
    expect(page).toContain('href="/?q=JQ-8&amp;page=2#packages"');
    expect(rowsOf(page)[0]).toBe('jq-8');
    expect(await render({ view: { query: HOSTILE, page: 1 } }, many)).not.toContain('<img');
  });

  test('when names begin with what one searches for, they come before those that only hold it', async () => {
    const named = ['libjq', 'jq-extras', 'gtk+3'].map((name) => ({
      ...jq,
      name,
      desc: name === 'gtk+3' ? 'no jq' : '',
    }));
    const rows = rowsOf(await render({ view: { query: 'jq', page: 1 } }, named));
    expect(rows).toEqual(['jq-extras', 'libjq', 'gtk+3']);
    expect(rowsOf(await render({ view: { query: 'gtk 3', page: 1 } }, named))).toEqual(['gtk+3']);
  });

  test('when sizes by platform are known, the heaviest comes first', async () => {
    const packages = { version: '1', platforms: { sonoma: 1_000, arm64_sonoma: 3_000 }, packages: [jq] };
    const page = await render({ packages });
    expect([...page.matchAll(/<code>(\w+)<\/code><\/th><td class="bar">/g)].map(([, tag]) => tag)).toEqual([
      'arm64_sonoma',
      'sonoma',
    ]);
    expect(page).toContain('<rect class="bar-part" width="33.33%"');
  });
});

describe('verification and history', () => {
  test('when the mirror was checked within the minute, the page says how and with what result', async () => {
    expect(await render({ verified: REPORT })).toContain('410 by SHA-256, 2 by MD5 and size');
    const files = { ...REPORT.files, on_demand: 3 };
    expect(await render({ verified: { ...REPORT, files } })).toContain('2 by MD5 and size, 3 on demand.');
    const bad = { ...REPORT, ok: false, failures: [FAILURE] };
    expect(await render({ verified: bad })).toContain('found 1 file not as signed');
  });

  test('when earlier snapshots are kept, they are listed after the live one', async () => {
    const name = '1763000000-FEDCBA9876543210';
    const kept = [{ name, created_at: '2025-11-12T00:00:00Z', files: 400, bytes: 1 }];
    const page = await render({ kept });
    const live = page.indexOf('1763020000-0807060504030201</code> <b class="live">');
    expect(live).toBeGreaterThan(0);
    expect(page.indexOf(name)).toBeGreaterThan(live);
  });
});

test('client instructions hold the configuration, the key and both files to check', async () => {
  const text = (await render()).replace(/<\/?span>/g, '');
  expect(text).toContain('base_url = &quot;https://packages.example.org/index&quot;');
  expect(text).toContain(
    'curl -fsS https://packages.example.org/config/stout.toml \\\n  -o ~/.stout/config.toml\n',
  );
  expect(text).toContain('curl -fO https://packages.example.org/index/formulas.db.sig\n');
  expect(text).toMatch(/minisign -V -m formulas\.db -x formulas\.db\.sig \\\n {2}-P RW[\w+/]{54}\n/);
});

test('headings descend one level at a time', async () => {
  const levels = [...(await render()).matchAll(/<h([1-6])/g)].map(([, level]) => Number(level));
  expect(levels[0]).toBe(1);
  expect(levels.every((level, index) => level <= (levels[index - 1] ?? 0) + 1)).toBe(true);
});
