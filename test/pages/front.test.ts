import { describe, expect, test } from 'vitest';
import type { FrontInput } from '../../pages/front.ts';
import {
  DAY,
  FAILURE,
  HOSTILE,
  HOUR,
  jq,
  NOTHING_KNOWN,
  NOW,
  REPORT,
  render,
  renderResults,
  rootExpiring,
  summary,
  verdict,
} from './support.ts';

const withoutScript = (page: string) => page.replace(/<script>.*<\/script>/s, '');

describe('what the policy decided', () => {
  const decision = {
    kind: 'formula',
    version: '1.8',
    rule: 'min-age',
    outcome: 'held',
    until: 1_763_000_000,
  } as const;

  test('a mirror without a policy has no section of it', async () => {
    expect(await render()).not.toContain('id="policy"');
  });

  test('names, reasons and times are shown, whatever is in them', async () => {
    const decisions = [{ ...decision, name: 'jq', reason: HOSTILE }];
    const page = await render({
      policy: { decisions, homebrew_api: { generated_at: 1_762_000_000, waiting: [] } },
    });
    for (const piece of ['1 held back', 'jq 1.8 (min-age, until 2025-11-13T02:13:20Z)', 'API of'])
      expect(page).toContain(piece);
    expect(page).not.toContain(HOSTILE);
  });

  test('of many decisions, it shows the first, and of too many only where they are', async () => {
    const decisions = Array.from({ length: 200 }, (_, at) => ({
      ...decision,
      name: `p${at}`,
      reason: 'new',
    }));
    const page = await render({ policy: { decisions } });
    expect([page.includes('p99 '), page.includes('p100 '), page.includes('200 held back')]).toEqual([
      true,
      false,
      true,
    ]);
    expect(await render({ policy: undefined })).toContain('/api/v1/policy');
  });
});

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

describe('what is known of the files', () => {
  const FAULT = { path: 'bottles/jq.tar.gz', code: 'mismatch', at: NOW.getTime() - 90_000, turn: 1 };
  const weak = { ...REPORT, files: { ...REPORT.files, verified: 410, consistent: 2 } };
  test.each<[what: string, files: Partial<FrontInput['files']>, state: string, label: string]>([
    ['nothing', {}, 'current', 'Signed and current'],
    ['a check that found nothing wrong', { verified: REPORT }, 'current', 'Signed and current'],
    ['a refused file', { faults: [FAULT] }, 'bad', 'Not as signed'],
    ['a refused file, and a check before it', { faults: [FAULT], verified: REPORT }, 'bad', 'Not as signed'],
    [
      'a check that found a fault',
      { verified: { ...REPORT, ok: false, failures: [FAILURE] } },
      'bad',
      'Not as signed',
    ],
    [
      'a check that storage did not answer',
      { verified: { ...REPORT, ok: false, failures: [{ ...FAILURE, state: 'unknown' }] } },
      'doubtful',
      'Could not be checked',
    ],
    ['a file sent by its MD5', { weak: true }, 'doubtful', 'Signed, partly by MD5 alone'],
    ['files known by their MD5', { verified: weak }, 'doubtful', 'Signed, partly by MD5 alone'],
  ])('when it is %s, the headline says so', async (_, files, state, label) => {
    const page = await render({ files: { ...NOTHING_KNOWN, ...files } });
    expect(verdict(page)).toBe(label);
    expect(page).toContain(`<details class="state state-${state}"`);
  });

  test.each<[what: string, verified: FrontInput['files']['verified'], words: string]>([
    ['nobody has checked', undefined, 'have not been checked here in the last hour'],
    ['a check is not finished', { ...REPORT, complete: false, cursor: '1:b' }, 'is not finished'],
    ['records agree', REPORT, 'What storage recorded of every stored file agrees'],
    ['bytes agree', { ...REPORT, depth: 'deep' }, 'Every stored file was read, and is as listed'],
  ])('when %s, the words under the headline say no more', async (_, verified, words) => {
    expect(await render({ files: { ...NOTHING_KNOWN, verified } })).toContain(words);
  });

  test('when files were refused, the page names the last with its age', async () => {
    const faults = [{ ...FAULT, path: 'bottles/old.tar.gz' }, FAULT];
    const page = await render({ files: { ...NOTHING_KNOWN, faults } });
    expect(page).toContain('2 files of this mirror did not match');
    expect(page).toContain('bottles/jq.tar.gz and others, 1 minute ago');
  });

  test('when the last check is kept, the page states its age', async () => {
    const verified = { ...REPORT, checked_at: new Date(NOW.getTime() - 3_000_000).toISOString() };
    const page = await render({ files: { ...NOTHING_KNOWN, verified } });
    expect(page).toContain('In the last check, 50 minutes ago, 412 of');
  });
});

describe('what there is for brew', () => {
  const api = NOW.getTime() / 1000 - 5 * 3600;

  test("when the mirror serves brew too, the page shows the age of Homebrew's API and how to point brew here", async () => {
    const page = await render({ summary: { ...summary(), homebrew_api: api } });
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
    expect(withoutScript(page)).not.toMatch(/NaN|Infinity|undefined/);
  });

  test('when all are empty files, shares are 0%', async () => {
    expect(withoutScript(await render({}, [{ ...jq, size: 0 }]))).not.toMatch(/NaN|Infinity/);
  });

  const many = Array.from({ length: 8123 }, (_, index) => ({
    ...jq,
    name: `jq-${String(index).padStart(4, '0')}`,
  }));
  const rowsOf = (page: string) =>
    [...page.matchAll(/<li><a href="\/packages\/[^>]*>([^<]+)<\/a> <span>/g)].map(([, name]) => name);

  test.each([
    [1, 'jq-0000', 50],
    [2, 'jq-0050', 50],
    [163, 'jq-8100', 23],
    [164, 'jq-8100', 23],
    [0, 'jq-0000', 50],
    [-3, 'jq-0000', 50],
    [1.5, 'jq-0000', 50],
    [Number.NaN, 'jq-0000', 50],
    [Number.POSITIVE_INFINITY, 'jq-8100', 23],
  ])('when page %d of 8,123 is asked for, it begins with %s', async (page, first, count) => {
    const rows = rowsOf(await renderResults(many, '', page));
    expect([rows[0], rows.length]).toEqual([first, count]);
  });

  test('when one searches without JavaScript, the page holds what matches and can be paged', async () => {
    const page = await renderResults(many, 'JQ-8');
    expect(page).toContain('123 of 8,123 packages');
    expect(page).toContain('href="/?q=JQ-8&amp;page=2"');
    expect(rowsOf(page)[0]).toBe('jq-8000');
    expect(await renderResults(many, HOSTILE)).not.toContain('<img');
  });

  test('when nothing is found, the page says so and links to the nearest names', async () => {
    const page = await renderResults([{ ...jq, name: 'wget' }], 'wegt');
    expect(page).toContain('No package matches “wegt”.');
    expect(page).toContain('<a href="/packages/wget">wget</a>');
    expect(page).toContain('<p id="near">');
    expect(await renderResults([jq], 'jq')).toContain('<p id="near" hidden>');
  });

  test('when results are shown, only the state is beside them, and 50 rows fit a page of 60 kB', async () => {
    const long = Array.from({ length: 150 }, (_, index) => ({
      ...jq,
      name: `a-package-of-some-length-${index}`,
      desc: 'Lightweight and flexible command-line processor of what comes along, and then some',
      tags: ['arm64_linux', 'arm64_sequoia', 'arm64_sonoma', 'arm64_tahoe', 'sonoma', 'x86_64_linux'],
    }));
    const page = await renderResults(long, 'package');
    expect(rowsOf(page).length).toBe(50);
    expect(page).toContain('formula · Linux arm64, x86-64; macOS arm64, x86-64 · 1.23 MB');
    expect(verdict(page)).toBe('Signed and current');
    expect(page).not.toContain('id="clients"');
    expect(Buffer.byteLength(page)).toBeLessThan(60_000);
    expect(Buffer.byteLength(await render())).toBeLessThan(60_000);
  });

  test('when sizes by platform are known, the heaviest comes first', async () => {
    const platforms = { sonoma: { count: 1, bytes: 1_000 }, arm64_sonoma: { count: 1, bytes: 3_000 } };
    const page = await render({ summary: { ...summary(), platforms } });
    expect([...page.matchAll(/<code>(\w+)<\/code><\/th><td class="bar">/g)].map(([, tag]) => tag)).toEqual([
      'arm64_sonoma',
      'sonoma',
    ]);
    expect(page).toContain('<rect class="bar-part" width="33.33%"');
  });

  test('when sizes are unknown, the page says so, and what is known at least', async () => {
    const { size: _, ...unknown } = jq;
    const page = await render({}, [unknown]);
    expect(await renderResults([unknown], 'jq')).toContain('size unknown');
    expect(page).toContain('<b>Formulas</b><span>unknown</span><small>1 package</small>');
    expect(page).not.toContain('Size by platform');
    expect(page).not.toMatch(/\b0 bytes/);
    const both = await render({}, [unknown, { ...jq, name: 'wget' }]);
    expect(both).toContain('<span>at least 1.23 MB</span><small>2 packages</small>');
  });
});

describe('verification and history', () => {
  test('when the mirror was checked within the minute, the page says how and with what result', async () => {
    expect(await render({ files: { ...NOTHING_KNOWN, verified: REPORT } })).toContain(
      'In the last check, 0 seconds ago, 412 of 412 files agreed with it</b>: 412 by SHA-256, 0 by MD5 and size',
    );
    const files = { ...REPORT.files, verified: 410, consistent: 2, on_demand: 3 };
    expect(await render({ files: { ...NOTHING_KNOWN, verified: { ...REPORT, files } } })).toContain(
      '2 by MD5 and size, 3 on demand.',
    );
    const bad = { ...REPORT, ok: false, failures: [FAILURE] };
    expect(await render({ files: { ...NOTHING_KNOWN, verified: bad } })).toContain(
      'found 1 file not as signed',
    );
  });

  test('when earlier snapshots are kept, they are listed after the live one', async () => {
    const name = '1763000000-FEDCBA9876543210';
    const kept = [{ name, created_at: '2025-11-12T00:00:00Z', files: 400, bytes: 1 }];
    const page = await render({ kept });
    const live = page.indexOf('3-0807060504030201</code> <b class="live">');
    expect(live).toBeGreaterThan(0);
    expect(page.indexOf(name)).toBeGreaterThan(live);
  });
});

describe('the order of the page', () => {
  const AFTER = [
    'id="q"',
    'id="clients"',
    'id="state"',
    'What changed</a>',
    'class="figures"',
    'id="contents"',
    'id="policy"',
    'id="snapshots"',
    'id="key"',
  ];

  test('it begins with warnings and the search, and then says how to use it, whether to trust it, and what is in it', async () => {
    const decision = {
      kind: 'formula',
      name: 'x',
      version: '1',
      rule: 'hold',
      outcome: 'held',
      reason: '',
    } as const;
    const page = await render({ warning: 'Beware.', policy: { decisions: [decision] } });
    const places = ['Beware.', ...AFTER].map((text) => page.indexOf(text));
    expect(places.every((place) => place > 0)).toBe(true);
    expect(places.toSorted((a, b) => a - b)).toEqual(places);
  });

  test('the state is a line that opens to the evidence, and is open when something is wrong', async () => {
    const page = await render();
    expect(page).toMatch(
      /signed by key 0807060504030201, made 8 days ago, valid until 2025-12-12 14:05 UTC<\/span>/,
    );
    expect(page).not.toMatch(/<details class="state[^>]* open/);
    expect(await render({ root: rootExpiring(-DAY) })).toContain('<details class="state state-bad" open>');
  });

  test('what changed last is named, with links', async () => {
    const latest = {
      ...{ version: 3, created_at: NOW.getTime() / 1000 - 7200 },
      counts: { added: 1, updated: 2, removed: 0, held: 1 },
      packages: [
        { kind: 'formula', name: 'gtk+3', from: '1', to: '2' },
        { kind: 'formula', name: HOSTILE, to: '2' },
        { kind: 'cask', name: 'kept-out', held: '9' },
      ] as const,
    };
    const page = await render({ latest: { ...latest, packages: [...latest.packages] } });
    expect(page).toContain('Changed 2 hours ago:</b> 1 added, 2 updated, 1 held back, such as ');
    expect(page).toContain('<a href="/packages/gtk%2B3">gtk+3</a> 2');
    expect(page).not.toContain('>kept-out<');
    expect(page).not.toContain('<img');
  });
});

test('below a path, every link and form begins with it', async () => {
  const base = '/channels/canary';
  for (const changes of [{}, { results: undefined, policy: undefined }]) {
    const page = await render({ base, ...changes });
    const links = [...page.matchAll(/(?:href|action|data-base)="([^"#]*)/g)].map(([, link]) => link);
    expect(links.length).toBeGreaterThan(10);
    expect(links.filter((link) => link && !link.startsWith(base) && !link.startsWith('data:'))).toEqual([]);
  }
  expect(await render({ base })).toContain('packages.example.org/channels/canary</h1>');
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
