import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PACKAGE_LIST, SUMMARY } from '../../format/layout.ts';
import { encodePackageList, type ListedPackage } from '../../format/package-list.ts';
import { encodeRecords, recordsPath } from '../../format/package-record.ts';
import { encodeSummary, totalsOf } from '../../format/summary.ts';
import { staticFrontPage } from '../../pages/static.ts';
import { launchChromium } from '../../scripts/screenshots/browser.ts';
import { signMirror } from '../format/support.ts';
import { TEST_KEY } from '../support/keys.ts';
import { needs } from '../support/programs.ts';
import { putMirror } from '../support/runtimes.ts';
import { startTestWorker, type TestWorker } from '../support/worker.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const IN_PAGE = fileURLToPath(new URL('../support/in-page.js', import.meta.url));
const WCAG = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const HOSTILE = '<img src=x onerror=alert(1)>';
const TAGS = ['arm64_sonoma', 'sonoma', 'x86_64_linux'];
const named = (name: string, desc: string, kind: ListedPackage['kind'] = 'formula'): ListedPackage => ({
  ...{ kind, name, version: '1.2.3', desc, tags: kind === 'cask' ? ['arm64', 'x86_64'] : TAGS },
  size: 1_000_000,
});
const PACKAGES = [
  ...Array.from({ length: 7_996 }, (_, at) => named(`package-${at}`, 'Does one thing and does it well')),
  named('well-known', `The needle ${HOSTILE}`),
  named('wget', 'Internet file retriever'),
  named('visual-studio-code', 'Open-source code editor', 'cask'),
  named('jq', 'Lightweight and flexible command-line JSON processor – 日本'),
];
const SUMMED = {
  ...{ version: '2026.11.01.1200', kinds: totalsOf(PACKAGES) },
  platforms: Object.fromEntries(TAGS.map((tag) => [tag, { count: PACKAGES.length, bytes: 3e9 }])),
};
/** What somebody types, and the package that is meant. */
const TYPED_WRONG = [
  ['wegt', 'wget', 'formula'],
  ['vscode', 'visual-studio-code', 'cask'],
] as const;
const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');
const BOTTLE = 'bottles/package0-1.0.arm64_sonoma.bottle.tar.gz';
/** The record of a package whose file is {@link BOTTLE}. */
const recordOf = (
  { name, kind }: Pick<ListedPackage, 'name' | 'kind'>,
  bottle: Uint8Array,
): [path: string, bytes: Uint8Array] => {
  const file = { path: BOTTLE, sha256: sha256(bottle), size: bottle.length, tags: ['arm64_sonoma'] };
  const found = { kind, name, version: '1.2.3', files: [file], dependencies: [], needed_by: [] };
  const record = { ...found, other_names: [], decisions: [] };
  return [recordsPath(sha256(name)), encodeRecords({ [name]: [record] })];
};
const MIRROR = signMirror({
  now: new Date(),
  bottles: 1,
  files: (files) => ({
    [PACKAGE_LIST]: encodePackageList(PACKAGES),
    [SUMMARY]: encodeSummary(SUMMED),
    ...Object.fromEntries(
      TYPED_WRONG.map(([, name, kind]) =>
        recordOf({ name, kind }, files.get(BOTTLE) ?? expect.unreachable()),
      ),
    ),
  }),
});

// What the page says is tested without a browser, in test/pages.
const { skip, tags } = needs('chromium');
describe('the search in Chromium', { skip, tags: [...tags, 'long'] }, () => {
  let browser: Browser;
  let worker: TestWorker;
  beforeAll(async () => {
    [browser, worker] = await Promise.all([launchChromium(), startTestWorker({})]);
    await putMirror(worker, MIRROR);
  });
  afterAll(async () => {
    await browser?.close();
    await worker?.close();
  });

  /** A page of the mirror, and all that went wrong or elsewhere while it was open. */
  async function open(
    path: string,
    options: BrowserContextOptions = {},
  ): Promise<{ page: Page; complaints: string[] }> {
    const page = await browser.newPage(options);
    await page.addInitScript({ path: IN_PAGE });
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => {
      if (!/^(data:|blob:)/.test(request.url()) && !request.url().startsWith(worker.origin))
        complaints.push(request.url());
    });
    await page.goto(worker.origin + path);
    return { page, complaints };
  }

  test('when one types, 8,000 names are searched without lag, and the address follows', async () => {
    const { page, complaints } = await open('/');
    const rows = page.locator('#results li');
    const listed = page.waitForResponse((response) => response.url().endsWith(`/${PACKAGE_LIST}`));
    await page.focus('#q'); // the names are fetched now
    await listed;
    const texts = ['n', 'ne', 'nee', 'needle', 'p', 'pa', 'package-79', ''];
    const rounds: number[][] = [];
    while (rounds.length < 5) {
      rounds.push(await page.evaluate<number[]>(`inPage.keystrokes(${JSON.stringify(texts)})`));
    }
    // What comes within 100 ms is felt as immediate. The best time of each, because other tests keep this machine busy.
    const best = texts.map((_, at) => Math.min(...rounds.map((times) => times[at] ?? Number.NaN)));
    expect(Math.max(...best), JSON.stringify(rounds)).toBeLessThan(100);
    await page.fill('#q', 'NEEDLE');
    await expect.poll(() => page.textContent('#shown')).toBe('1 of 8,000 packages');
    expect(await rows.first().innerText()).toContain(`The needle ${HOSTILE}`);
    await expect.poll(() => page.url()).toBe(`${worker.origin}/?q=NEEDLE`);
    await page.fill('#q', 'package-1');
    await expect.poll(() => page.textContent('#shown')).toBe('1,111 of 8,000 packages, the first 50');
    expect(await rows.count()).toBe(50);
    expect(await rows.first().innerText()).toContain('formula · macOS arm64, x86-64; Linux x86-64 · 1 MB');
    await page.fill('#q', 'well'); // in most descriptions, and one name begins with it
    await expect.poll(() => rows.first().locator('a').innerText()).toBe('well-known');
    await page.fill('#q', '日本');
    await expect.poll(() => rows.first().locator('a').innerText()).toBe('jq');
    await page.fill('#q', 'gwet');
    await expect.poll(() => page.textContent('#near span')).toBe('wget');
    await page.fill('#q', '');
    await expect.poll(() => page.isVisible('#about')).toBe(true);
    await expect.poll(() => page.url()).toBe(`${worker.origin}/`);
    expect(complaints).toEqual([]);
    await page.close();
  });

  test('what was typed and what the server finds are the same', async () => {
    for (const query of ['json', 'well known', 'package-79', 'wegt', 'nothing like it', '日本']) {
      const typed = await open('/');
      await typed.page.fill('#q', query);
      await expect.poll(() => typed.page.textContent('#shown')).not.toBe('');
      const sent = await open(`/?q=${encodeURIComponent(query)}`, { javaScriptEnabled: false });
      for (const selector of ['#results', '#near'])
        expect(normal(await typed.page.innerHTML(selector)), query).toBe(
          normal(await sent.page.innerHTML(selector)),
        );
      await typed.page.close();
      await sent.page.close();
    }
  });

  test('the keyboard focuses, moves, opens and clears', async () => {
    const { page, complaints } = await open('/');
    await page.keyboard.press('/');
    expect(await page.evaluate('inPage.focused()')).toMatchObject({ id: 'q' });
    await page.keyboard.type('package-7/');
    expect(await page.inputValue('#q')).toBe('package-7/');
    await page.keyboard.press('Backspace');
    await expect.poll(() => page.locator('#results li').count()).toBe(50);
    await page.keyboard.press('ArrowDown');
    expect(await page.evaluate('inPage.focused()')).toMatchObject({ text: 'package-7', outline: 'solid' });
    await page.keyboard.press('ArrowDown');
    expect(await page.evaluate('inPage.focused()')).toMatchObject({ text: 'package-70' });
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('ArrowUp');
    expect(await page.evaluate('inPage.focused()')).toMatchObject({ id: 'q' });
    await page.keyboard.press('Escape');
    expect(await page.inputValue('#q')).toBe('');
    expect(await page.isVisible('#clients')).toBe(true);
    await page.keyboard.type('jq');
    await expect.poll(() => page.locator('#results li').count()).toBe(1);
    await page.keyboard.press('Enter');
    expect(await page.evaluate('inPage.focused()')).toMatchObject({ text: 'jq' });
    expect(complaints).toEqual([]);
    await page.keyboard.press('Enter');
    await page.waitForURL(`${worker.origin}/packages/jq`);
    await page.close();
  });

  test('when JavaScript is off, packages can be paged and searched', async () => {
    const { page, complaints } = await open('/', { javaScriptEnabled: false });
    await page.click('text=Browse all 8,000 packages');
    await page.click('#pages a[rel=next]');
    expect(page.url()).toBe(`${worker.origin}/?q=&page=2`);
    expect(await page.innerText('#pages')).toContain('Page 2 of 160');
    await page.fill('#q', 'needle');
    await page.press('#q', 'Enter');
    await page.waitForURL(/q=needle/);
    expect(await page.locator('#results li').count()).toBe(1);
    expect(complaints).toEqual([]);
    await page.close();
  });

  test('something is to be seen within 200 ms', async () => {
    for (const path of ['/', '/?q=package']) {
      const times: number[] = [];
      // The best, because other tests keep this machine busy.
      while (times.length < 15 && !times.some((time) => time < 200)) {
        const { page } = await open(path);
        const painted = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime";
        await expect.poll(() => page.evaluate(painted)).toBeGreaterThan(0);
        times.push(await page.evaluate<number>(painted));
        await page.close();
      }
      expect(Math.min(...times), `${path}: ${times}`).toBeLessThan(200);
    }
  });

  test('when the list does not arrive, the server searches', async () => {
    const { page } = await open('/');
    await page.route(`**/${PACKAGE_LIST}`, (route) => route.abort());
    await page.fill('#q', 'needle');
    await expect.poll(() => page.textContent('#shown')).toContain('Press Enter to search.');
    await page.press('#q', 'Enter');
    await page.waitForURL(/\?q=needle$/);
    expect(await page.locator('#results li').count()).toBe(1);
    await page.close();
  });

  test('when a shared search is cleared, the whole page comes', async () => {
    const { page } = await open('/?q=needle');
    await page.press('#q', 'Escape');
    await page.waitForURL(`${worker.origin}/`);
    expect(await page.isVisible('#about')).toBe(true);
    await page.close();
  });

  test('no result bars anybody from it, in light and dark and on a phone (axe: WCAG 2.2 AA)', async () => {
    for (const path of ['/', '/?q=package', '/?q=wegt', '/?q=zzzzzzz']) {
      const { page } = await open(path, { viewport: { width: 320, height: 640 } });
      for (const summary of await page.locator('details.state > summary').all()) await summary.click();
      expect(await page.evaluate('inPage.overhang()'), path).toEqual([]);
      await page.evaluate(AXE);
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        const found = await page.evaluate(`inPage.barriers(${JSON.stringify(WCAG)})`);
        expect(found, `${path} in ${colorScheme}`).toEqual([]);
      }
      await page.close();
    }
  });

  test('a host that only sends files has the same search, and says when the signature expires or has expired', async () => {
    const page = await browser.newPage();
    const html = await staticFrontPage({
      ...{ publicUrl: worker.origin, created: new Date(0), expires: new Date(86_400_000) },
      ...{ summary: SUMMED, stoutConfig: '', publicKeys: [TEST_KEY.publicKey], signer: TEST_KEY.publicKey },
      generator: { name: 'stout-mirror', version: '1', format: 2 },
    });
    const serve = (body: string) =>
      page.route(/\/(?:index\.html)?(?:\?.*)?$/, (route) =>
        route.fulfill({ body, contentType: 'text/html' }),
      );
    await serve(html);
    await page.goto(`${worker.origin}/?q=json`);
    await expect.poll(() => page.locator('#results li b').allInnerTexts()).toEqual(['jq']);
    const { expires_at } = MIRROR.snapshot;
    await expect
      .poll(() => page.getAttribute('#expires', 'datetime'))
      .toBe(new Date(expires_at).toISOString());
    const created = new Date(MIRROR.snapshot.created_at).toISOString();
    expect(await page.getAttribute('#created', 'datetime')).toBe(created);
    expect(await page.textContent('#keys')).not.toContain('↓');
    await page.goto(`${worker.origin}/index.html`);
    await page.fill('#q', 'jq');
    await expect.poll(() => page.url()).toBe(`${worker.origin}/index.html?q=jq`);
    await page.route('**/snapshot/root.json', (route) => route.fulfill({ body: '<p>Not JSON' }));
    await page.goto(`${worker.origin}/`);
    await expect.poll(() => page.textContent('#validity')).toContain('Expired: signed on');
    await page.route(`**/${PACKAGE_LIST}`, (route) => route.abort());
    await page.fill('#q', 'jq');
    await expect.poll(() => page.textContent('#shown')).toContain('did not arrive');
    await page.close();
  });

  test.each(TYPED_WRONG)(
    'who types %s by keyboard alone copies the command that installs %s',
    async (typed, name, kind) => {
      const { page } = await open('/');
      await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
      await page.keyboard.press('/');
      await page.keyboard.type(typed);
      await expect.poll(() => page.textContent('#near span')).toContain(name);
      await page.keyboard.press('ArrowDown');
      await expect.poll(() => page.evaluate('inPage.focused()')).toMatchObject({ text: name });
      await page.keyboard.press('Enter');
      await page.waitForURL(`${worker.origin}/packages/${name}`);
      const command = commandFor(kind, name);
      const isAtButton =
        "document.activeElement.closest('.listing')?.querySelector('pre').textContent.trim()";
      for (let stop = 0; stop < 60 && (await page.evaluate(isAtButton)) !== command; stop++)
        await page.keyboard.press('Tab');
      await page.keyboard.press('Enter');
      await expect.poll(() => page.evaluate('navigator.clipboard.readText()')).toBe(command);
      await page.context().close();
    },
  );

  test.each(TYPED_WRONG)(
    'who types %s with scripts off finds the command that installs %s, to select',
    async (typed, name, kind) => {
      const { page } = await open('/', { javaScriptEnabled: false });
      await page.fill('#q', typed);
      await page.press('#q', 'Enter');
      await page.click(`#near a >> text=${name}`);
      await page.waitForURL(`${worker.origin}/packages/${name}`);
      const command = page.locator('.listing pre', { hasText: commandFor(kind, name) }).first();
      await command.selectText();
      expect((await command.innerText()).trim()).toBe(commandFor(kind, name));
      await page.close();
    },
  );

  const commandFor = (kind: string, name: string): string =>
    `stout install ${kind === 'cask' ? '--cask ' : ''}${name}`;

  const normal = (html: string): string => html.replace(/\s+/g, ' ').trim();
});
