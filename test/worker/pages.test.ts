import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { ListedPackage } from '../../format/package-list.ts';
import type { Failure, VerifyReport } from '../../format/verify/report.ts';
import type { ListedFile } from '../../worker/listing.ts';
import { folderPage } from '../../worker/pages/folder.ts';
import { problemPage } from '../../worker/pages/problem.ts';
import { CONTENT_SECURITY_POLICY } from '../../worker/pages/security-policy.ts';
import { type StatusInput, statusPage } from '../../worker/pages/status.ts';
import { bytesText, durationText, shareText } from '../../worker/pages/units.ts';
import { verifyPage } from '../../worker/pages/verify.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NOW = new Date('2025-11-20T14:05:00Z');
const KEY = { keyId: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), key: new Uint8Array(32).fill(7) };
const HOSTILE = `<script>alert(1)</script>"'><img src=x onerror=alert(1)>`;

const jq: ListedPackage = {
  kind: 'formula',
  name: 'jq',
  version: '1.7.1',
  desc: 'Lightweight and flexible command-line JSON processor',
  tags: ['arm64_sonoma', 'sonoma', 'x86_64_linux'],
  size: 1_234_567,
};

function rootExpiring(left: number): StatusInput['root'] {
  const created = new Date(NOW.getTime() + left - 30 * DAY);
  return {
    sha256: 'ab'.repeat(32),
    signer: KEY,
    snapshot: {
      format: 1,
      version: 1_763_020_000,
      created_at: created.toISOString(),
      expires_at: new Date(NOW.getTime() + left).toISOString(),
      generator: { name: 'stout-mirror', version: '0.1.0', format: 1 },
      totals: { files: 412, bytes: 2_384_000_000 },
      leaves: [],
    },
  };
}

const FILE: ListedFile = { name: 'jq.tar.gz', type: 'file', size: 7, modified: '2025-11-01T00:00:00.000Z' };
const FAILURE: Failure = { path: 'bottles/jq.tar.gz', state: 'missing', message: 'It is missing.' };
const REPORT: VerifyReport = {
  ok: true,
  complete: true,
  depth: 'quick',
  checked_at: NOW.toISOString(),
  checks: [{ name: 'snapshot', path: 'snapshot/root.json', state: 'passed', evidence: 'a signature' }],
  files: { total: 412, checked: 412, verified: 410, consistent: 2, failed: 0 },
  bytes: { total: 1000, checked: 1000 },
  failures: [],
  cursor: null,
};

const render = (changes: Partial<StatusInput> = {}, packages: ListedPackage[] = [jq]) =>
  statusPage({
    origin: 'https://packages.example.org',
    now: NOW,
    root: rootExpiring(22 * DAY),
    clientOrigin: 'https://packages.example.org',
    verified: undefined,
    kept: [],
    packages: { version: '2025.11.20.1405', platforms: {}, packages },
    view: { query: '', page: 1 },
    warning: undefined,
    stoutConfig: '[index]\nbase_url = "https://packages.example.org/index"\n',
    publicKeys: [KEY],
    ...changes,
  });

const verdict = (page: string) => /<h2 id="state">.*<\/svg>([^<]*)<\/h2>/.exec(page)?.[1];

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
    for (const piece of ['1763020000', '0807060504030201', 'ab'.repeat(32), '8 days ago', 'in 22 days']) {
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

  test("when the mirror is brew's as well, the page tells the age of Homebrew's API and how to point brew here", async () => {
    const page = await render({ packages });
    expect(page).toContain('<dd>5 hours</dd>');
    expect(page).toContain('https://packages.example.org/config/brew.env');
  });

  test("when it is stout's alone, the page says nothing of brew", async () => {
    expect(await render()).not.toMatch(/brew\.env|Homebrew&#39;s API/);
  });
});

describe('hostile text', () => {
  const hostile: ListedPackage = { ...jq, name: HOSTILE, version: HOSTILE, desc: HOSTILE, tags: [HOSTILE] };
  const folded: ListedPackage = { ...hostile, tags: [HOSTILE, `${HOSTILE}_linux`] };
  const escaped = [
    ['a package', () => render({}, [hostile, folded])],
    ['the configuration', () => render({ stoutConfig: HOSTILE })],
    ['the generator', () => render({ root: withGenerator(HOSTILE) })],
    ['a problem', () => problemPage({ status: 404, title: HOSTILE, detail: HOSTILE, hint: HOSTILE })],
  ] as const;

  test.each(escaped)('when %s holds markup, it becomes text', async (_, rendered) => {
    const page = await rendered();
    expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&gt;');
    expect(page).not.toContain('<script>alert');
    expect(page).not.toContain('<img');
  });

  test('when a name holds what URLs reserve, its link stays below the API', async () => {
    const page = await render({}, [{ ...jq, name: '../x?y#z' }]);
    expect(page).toContain('href="/api/v1/packages/..%2Fx%3Fy%23z"');
  });

  function withGenerator(name: string): StatusInput['root'] {
    const root = rootExpiring(22 * DAY);
    return { ...root, snapshot: { ...root.snapshot, generator: { name, version: '1', format: 1 } } };
  }
});

describe('the content security policy', () => {
  const pages = [
    ['status', () => render()],
    ['verify', () => verifyPage(REPORT, NOW)],
    ['folder', () => folderPage({ folder: 'bottles/', entries: [FILE], next: undefined }, 1)],
    ['problem', () => problemPage({ status: 503, title: 'Not now', detail: 'Nothing is published yet.' })],
  ] as const;

  test.each(pages)(
    'when the %s page is made, it names its style and script and nothing else',
    async (_, rendered) => {
      const page = await rendered();
      const styles = blocksOf(page, 'style');
      const scripts = blocksOf(page, 'script');
      expect(styles.length).toBe(1);
      for (const text of [...styles, ...scripts]) expect(CONTENT_SECURITY_POLICY).toContain(hashOf(text));
      expect(CONTENT_SECURITY_POLICY).not.toMatch(/unsafe|\*|http/);
    },
  );

  test.each(pages)(
    'when the %s page is made, it has nothing that the policy would block',
    async (_, rendered) => {
      const page = await rendered();
      expect(page).not.toMatch(/\s(?:style|on[a-z]+)=/);
      expect(page).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
    },
  );

  const blocksOf = (page: string, name: string) =>
    [...page.matchAll(new RegExp(`<${name}[^>]*>(.*?)</${name}>`, 'gs'))].map(([, text]) => text ?? '');

  const hashOf = (text = '') => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
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
    const bad = { ...REPORT, ok: false, failures: [FAILURE] };
    expect(await render({ verified: bad })).toContain('found 1 file not as signed');
  });

  test('when earlier snapshots are kept, they are listed after the live one', async () => {
    const kept = [{ version: 1_763_000_000, created_at: '2025-11-12T00:00:00Z', files: 400, bytes: 1 }];
    const page = await render({ kept });
    expect(page.indexOf('1763020000</code> <b class="live">')).toBeLessThan(page.indexOf('1763000000'));
  });

  test.each<[changes: Partial<VerifyReport>, words: string]>([
    [{}, 'All files agree'],
    [{ depth: 'deep' }, 'Every byte is as signed'],
    [{ depth: 'deep', complete: false, cursor: '1:x' }, 'As signed so far'],
    [{ depth: 'deep', complete: false }, 'The rest is as signed'],
    [{ ok: false, failures: [FAILURE] }, 'Not as signed'],
  ])('when a report is %j, its page says no more than %j', async (changes, words) => {
    const page = await verifyPage({ ...REPORT, ...changes }, NOW);
    expect(verdict(page)).toBe(words);
  });

  test('when a part was read, a link goes on without JavaScript', async () => {
    const page = await verifyPage({ ...REPORT, depth: 'deep', complete: false, cursor: '1:a+b' }, NOW);
    expect(page).toContain('href="/verify?deep=1&cursor=1%3Aa%2Bb"'.replace('&', '&amp;'));
  });

  test('when a path in a report holds markup, it becomes text', async () => {
    const page = await verifyPage({ ...REPORT, failures: [{ ...FAILURE, path: HOSTILE }] }, NOW);
    expect(page).toContain('<code>&lt;script&gt;');
    expect(page).not.toContain('<img');
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

describe('units', () => {
  test.each([
    [0, '0 bytes'],
    [1, '1 byte'],
    [999, '999 bytes'],
    [1000, '1 kB'],
    [999_499, '999 kB'],
    [999_999, '1 MB'],
    [2_384_000_000, '2.38 GB'],
  ])('%d bytes read as %s', (bytes, text) => {
    expect(bytesText(bytes)).toBe(text);
  });

  test.each([
    [59_999, 'less than a minute'],
    [60_000, '1 minute'],
    [2 * HOUR - 1, '119 minutes'],
    [2 * DAY - 1, '47 hours'],
    [3 * DAY - 1, '2 days'],
  ])('%d ms read as %s', (milliseconds, text) => {
    expect(durationText(milliseconds)).toBe(text);
  });

  test.each([
    [0, 0, '0%'],
    [1, 1000, '<1%'],
    [1, 3, '33%'],
  ])('%d of %d reads as %s', (part, whole, text) => {
    expect(shareText(part, whole)).toBe(text);
  });
});
