import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { blobName, PACKAGE_LIST, SUMMARY } from '../../format/layout.ts';
import { encodePackageList, type ListedPackage } from '../../format/package-list.ts';
import { encodeSummary, totalsOf } from '../../format/summary.ts';
import { launchChromium } from '../../scripts/screenshots/browser.ts';
import { signMirror } from '../format/support.ts';
import { needs } from '../support/programs.ts';
import { putMirror } from '../support/runtimes.ts';
import { startTestWorker, type TestWorker } from '../support/worker.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const IN_PAGE = fileURLToPath(new URL('../support/in-page.js', import.meta.url));
const WCAG = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const NAMES = 8_000;
const HOSTILE = '<img src=x onerror=alert(1)>';
const TAGS = ['arm64_sonoma', 'sonoma', 'x86_64_linux'];
const PACKAGES = Array.from(
  { length: NAMES },
  (_, at): ListedPackage => ({
    kind: at % 10 === 9 ? 'cask' : 'formula',
    name: at === 5_000 ? 'well-known' : `package-${at}`,
    version: `1.${at}`,
    desc: at === 7_777 ? `The needle ${HOSTILE}` : 'Does one thing and does it well',
    tags: TAGS,
    size: 1_000_000 + at,
  }),
);
const MIRROR = signMirror({
  now: new Date(),
  bottles: 60,
  files: () => ({
    [PACKAGE_LIST]: encodePackageList(PACKAGES),
    [SUMMARY]: encodeSummary({
      version: '2026.11.01.1200',
      kinds: totalsOf(PACKAGES),
      platforms: Object.fromEntries(TAGS.map((tag) => [tag, { count: NAMES, bytes: 3e9 }])),
    }),
  }),
});

/** A path of every kind of page. */
const EVERY_PAGE = [
  ...['/', '/?q=needle', '/?q=nedle', '/packages/well-known', '/changes', '/?files', '/bottles/'],
  ...[
    '/bottles/?cursor=package2',
    '/bottles/?filter=none',
    '/verify',
    '/verify?deep=1',
    '/verify/manifest.json',
  ],
  ...['/nothing', '/bottles/jq-1.7.sonoma.bottle.tar.gz'],
];

// What the pages say is tested without a browser, in test/pages.
const { skip, tags } = needs('chromium');
describe('in Chromium', { skip, tags: [...tags, 'long'] }, () => {
  let browser: Browser;
  let worker: TestWorker;
  beforeAll(async () => {
    // Few operations a call, so that a deep check takes several.
    [browser, worker] = await Promise.all([launchChromium(), startTestWorker({ VERIFY_OPERATIONS: '40' })]);
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

  test('when the deep check is started, a bar shows how far it is, call by call, to the end', async () => {
    const { page, complaints } = await open('/verify');
    let calls = 0;
    page.on('request', (request) => {
      if (request.url().includes('deep=1')) calls += 1;
    });
    await page.evaluate('inPage.watchProgress()');
    // As when somebody else is at it: who is told to come again does.
    const busy = { status: 429, headers: { 'retry-after': '1' } };
    await page.route('**/verify?deep=1', (route) => route.fulfill(busy), { times: 1 });
    await page.click('text=Start the deep check');
    await expect.poll(() => page.textContent('#so-far')).toContain('Waiting');
    await expect
      .poll(() => page.textContent('#so-far'), { timeout: 10_000 })
      .toContain('Every byte is as signed');
    const files = MIRROR.snapshot.totals.files;
    expect(await page.textContent('#so-far')).toContain(`${files} files`);
    expect(calls).toBeGreaterThan(1);
    const seen = await page.evaluate<number[]>('inPage.progress');
    expect(seen.at(-1)).toBe(1);
    expect(seen.length).toBeGreaterThan(1);
    expect(seen.toSorted((a, b) => a - b)).toEqual(seen);
    expect(await page.isEnabled('text=Start the deep check')).toBe(true);
    expect(complaints).toEqual([expect.stringContaining('429')]);
    await page.close();
  });

  test('when JavaScript is off, the mirror can be verified', {
    tags: 'long',
  }, async () => {
    const { page, complaints } = await open('/verify', { javaScriptEnabled: false });
    await page.click('text=Start the deep check');
    await page.waitForURL(/deep=1/);
    expect(await page.innerText('#state')).toBe('As signed so far');
    const onward = page.locator('text=Continue where this stopped');
    for (let calls = 0; calls < 20 && (await onward.count()) > 0; calls++) {
      const href = (await onward.getAttribute('href')) ?? expect.unreachable();
      await onward.click();
      await page.waitForURL((url) => url.href.endsWith(href));
    }
    expect(await page.innerText('#state')).toBe('The rest is as signed');
    expect(complaints).toEqual([]);
    await page.close();
  });

  test('in light and dark, no page has what bars anybody from it (axe: WCAG 2.2 AA)', {
    tags: 'long',
  }, async () => {
    const { page } = await open('/');
    for (const path of EVERY_PAGE) {
      await page.goto(worker.origin + path);
      await page.evaluate(AXE);
      // Darkness changes colours, nothing else.
      for (const [colorScheme, rules] of [
        ['light', WCAG],
        ['dark', ['color-contrast']],
      ] as const) {
        await page.emulateMedia({ colorScheme });
        const found = await page.evaluate(`inPage.barriers(${JSON.stringify(rules)})`);
        expect(found, `${path} in ${colorScheme}`).toEqual([]);
      }
    }
    await page.close();
  });

  test('at the width of a phone, no page scrolls sideways', { tags: 'long' }, async () => {
    for (const path of EVERY_PAGE) {
      const { page } = await open(path, { viewport: { width: 320, height: 640 } });
      expect(await page.evaluate('inPage.overhang()'), path).toEqual([]);
      await page.close();
    }
  });

  test('every page has at most 60 kB, uncompressed, and shows its first content within 200 ms', {
    tags: 'long',
  }, async () => {
    // That one comes when a part of the mirror has been read.
    for (const path of EVERY_PAGE.filter((path) => path !== '/verify?deep=1')) {
      const answer = await fetch(worker.origin + path, { headers: { accept: 'text/html' } });
      const text = await answer.text();
      expect(Buffer.byteLength(text), path).toBeLessThan(60_000);
      const { page } = await open(path);
      const times: number[] = [];
      // The best of a few, because other tests keep this machine busy.
      for (let run = 0; run < 5; run++) {
        await page.reload();
        times.push(await page.evaluate<number>('inPage.firstContent()'));
      }
      expect(Math.min(...times), `${path}: ${times}`).toBeLessThan(200);
      await page.close();
    }
  });

  test('on paper, a page has no controls and dark letters', { tags: 'long' }, async () => {
    for (const path of EVERY_PAGE) {
      const { page } = await open(path, { colorScheme: 'dark' });
      await page.emulateMedia({ media: 'print' });
      expect(await page.locator('button:visible, form:visible, nav.main:visible').count(), path).toBe(0);
      expect(await page.evaluate('getComputedStyle(document.body).color'), path).toBe('rgb(0, 0, 0)');
      await page.close();
    }
  });

  test('when one filters and sorts a folder, the names follow at once', { tags: 'long' }, async () => {
    const { page, complaints } = await open('/bottles/');
    const names = (): Promise<string[]> =>
      page.locator('.files tbody tr:not(.up):visible th').allInnerTexts();
    const all = await names();
    await page.fill('#contains', 'PACKAGE1');
    await expect.poll(names).toEqual(all.filter((name) => name.startsWith('package1')));
    expect(await page.textContent('#shown')).toBe(`11 of ${all.length}`);
    await page.fill('#contains', '');
    await page.click('[data-sort=name]');
    await expect.poll(names).toEqual(all.toReversed());
    expect(await page.getAttribute('th:has([data-sort=name])', 'aria-sort')).toBe('descending');
    await page.click('[data-sort=size]');
    const sizes = (await page.locator('.files tbody td[title]').allInnerTexts()).map(Number.parseFloat);
    expect(sizes).toEqual(sizes.toSorted((a, b) => a - b));
    expect(page.url()).toBe(`${worker.origin}/bottles/`);
    // The server left names out: those of this page are not all.
    await page.goto(`${worker.origin}/bottles/?filter=package1`);
    await page.fill('#contains', '2');
    expect(await page.textContent('#shown')).toMatch(/^\d+ of 11; Enter looks in all names$/);
    await page.goto(`${worker.origin}/bottles/?cursor=package2`);
    await page.click('[data-sort=size]');
    expect(await page.textContent('#shown')).toBe('Each part is sorted by itself.');
    // One click takes the whole checksum, which is shown in part.
    await page.click('.files code >> nth=0');
    expect(await page.evaluate('getSelection().toString()')).toMatch(/^[0-9a-f]{64}$/);
    expect(complaints).toEqual([]);
    await page.close();
  });

  test('when a deep check is left, its address continues it, and its result stays', {
    tags: 'long',
  }, async () => {
    const { page, complaints } = await open('/verify');
    // Its second call hangs.
    let calls = 0;
    await page.route('**/verify?deep=1*', (route) => {
      calls += 1;
      if (calls < 2) void route.continue();
    });
    await page.click('text=Start the deep check');
    await expect.poll(() => calls).toBe(2);
    const left = new URL(page.url());
    expect(left.searchParams.get('deep')).toBe('1');
    expect(await page.textContent('#so-far')).toContain(
      `next ${left.searchParams.get('cursor')?.split(':')[1]}`,
    );
    await page.unroute('**/verify?deep=1*');
    await page.goto(left.href);
    expect(await page.innerText('#so-far-read')).toMatch(/^(?:<1|[1-9]\d?)% of the bytes come before/);
    await page.click('#continue');
    await expect
      .poll(() => page.textContent('#so-far'), { timeout: 10_000 })
      .toContain('The rest is as signed');
    expect(page.url()).toBe(`${worker.origin}/verify`);
    const { files } = MIRROR.snapshot.totals;
    await page.reload();
    expect(await page.innerText('#deep-check')).toContain(
      `read ${files} of ${files} files: every byte is as signed`,
    );
    await page.goto(worker.origin);
    await page.click('.state summary');
    expect(await page.innerText('.state')).toContain('Every stored file was read, and is as listed.');
    expect(complaints).toEqual([]);
    await page.close();
  });

  test('when a deep check is stopped, it can be continued there', async () => {
    const { page, complaints } = await open('/verify');
    let calls = 0;
    await page.route('**/verify?deep=1*', (route) => {
      calls += 1;
      if (calls !== 2) void route.continue();
    });
    await page.click('text=Start the deep check');
    await expect.poll(() => calls).toBe(2);
    await page.click('#stop');
    await page.click('text=Continue where this stopped');
    await expect
      .poll(() => page.textContent('#so-far'), { timeout: 10_000 })
      .toContain('The rest is as signed');
    expect(complaints).toEqual([]);
    await page.close();
  });

  test('when only the keyboard is used, the first key leads past the header, and every control can be seen', {
    tags: 'long',
  }, async () => {
    const { page } = await open('/');
    await page.keyboard.press('Tab');
    expect(await page.evaluate('inPage.focused()')).toMatchObject({ text: 'Skip to the content' });
    await page.keyboard.press('Enter');
    expect(await page.evaluate('inPage.focused()')).toMatchObject({ id: 'main' });
    for (let stop = 0; stop < 12; stop++) {
      await page.keyboard.press('Tab');
      expect(await page.evaluate('inPage.focused()')).toMatchObject({ outline: 'solid' });
    }
    await page.close();
  });

  test('when a new snapshot goes live during the deep check, the page says so', async () => {
    const { page } = await open('/verify');
    await page.route('**/verify?deep=1&cursor=*', (route) => route.fulfill({ status: 400 }));
    await page.click('text=Start the deep check');
    await expect
      .poll(() => page.textContent('#so-far'))
      .toMatch(/^Broken off: a new snapshot has been published\. Start again\. \d+ files were read\.$/);
    expect(await page.isEnabled('text=Start the deep check')).toBe(true);
    await page.close();
  });

  test('when the deep check finds what the quick one could not see, the verdict above it is taken back', async () => {
    const { page, complaints } = await open('/verify');
    expect(await page.innerText('#state')).not.toContain('Not as signed');
    const bottle = MIRROR.entries.find(({ name }) => name.startsWith('bottles/')) ?? expect.unreachable();
    await worker.binding.put(blobName(bottle.sha256), new Uint8Array(bottle.size ?? 0));
    await page.click('text=Start the deep check');
    await expect.poll(() => page.textContent('#so-far'), { timeout: 10_000 }).toContain('Not as signed');
    expect(await page.innerText('#state')).toBe('Not as signed');
    expect(await page.innerText('#found')).toContain(bottle.name);
    await page.evaluate(AXE);
    expect(await page.evaluate(`inPage.barriers(${JSON.stringify(WCAG)})`)).toEqual([]);
    expect(complaints).toEqual([]);
    await page.close();
  });
});
