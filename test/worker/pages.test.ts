import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { ListedPackage } from '../../format/package-list.ts';
import { problemPage } from '../../worker/pages/problem.ts';
import { CONTENT_SECURITY_POLICY } from '../../worker/pages/security-policy.ts';
import { type StatusInput, statusPage } from '../../worker/pages/status.ts';
import { bytesText, durationText, shareText } from '../../worker/pages/units.ts';

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

const render = (changes: Partial<StatusInput> = {}, packages: ListedPackage[] = [jq]) =>
  statusPage({
    origin: 'https://packages.example.org',
    now: NOW,
    root: rootExpiring(22 * DAY),
    packages: { version: '2025.11.20.1405', packages },
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
    for (const piece of ['1763020000', '0807060504030201', 'abababababababab…', '8 days ago', 'in 22 days']) {
      expect(page).toContain(piece);
    }
    expect(page).toContain('href="/verify"');
    expect(page).toContain('href="/verify?deep=1"');
  });

  test('when there is a warning, it is on the page, escaped', async () => {
    const page = await render({ warning: `Beware of ${HOSTILE}` });
    expect(page).toContain('Beware of &lt;script&gt;');
  });
});

describe('what there is for brew', () => {
  const api = NOW.getTime() / 1000 - 5 * 3600;
  const packages = { version: '2025.11.20.1405', homebrew_api: api, packages: [jq] };

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
    ['problem', () => problemPage({ status: 503, title: 'Not now', detail: 'Nothing is published yet.' })],
  ] as const;

  test.each(pages)(
    'when the %s page is made, it names its style and script and nothing else',
    async (_, rendered) => {
      const page = await rendered();
      const styles = blocksOf(page, 'style');
      const scripts = blocksOf(page, 'script');
      expect([styles.length, scripts.length]).toEqual([1, 1]);
      expect(CONTENT_SECURITY_POLICY).toContain(`style-src ${hashOf(styles[0])};`);
      expect(CONTENT_SECURITY_POLICY).toContain(`script-src ${hashOf(scripts[0])};`);
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

  test('when there are more than 500, it shows 500 and links to all', async () => {
    const many = Array.from({ length: 8123 }, (_, index) => ({ ...jq, name: `jq-${index}` }));
    const page = await render({}, many);
    expect(page.match(/scope="row" class="name"/g)).toHaveLength(500);
    expect(page).toContain('The first 500 of 8,123');
    expect(page).toContain('<a href="/api/v1/packages">');
  });

  test('when a package names a tag twice, it counts once', async () => {
    expect(await render({}, [{ ...jq, tags: ['all', 'all'] }])).toContain('<td class="number">1</td>');
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
