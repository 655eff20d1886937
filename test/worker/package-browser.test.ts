import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchChromium } from '../../scripts/screenshots/browser.ts';
import { describedMirror } from '../support/described-mirror.ts';
import { needs } from '../support/programs.ts';
import { putMirror } from '../support/runtimes.ts';
import { startTestWorker, type TestWorker } from '../support/worker.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const WCAG = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const PHONE = { viewport: { width: 390, height: 844 } };
const PATHS = ['/packages/jq', '/packages/docker', '/packages/wget', '/packages/evil', '/changes'];

const { skip, tags } = needs('chromium');
describe('packages and changes in Chromium', { skip, tags: [...tags, 'long'] }, () => {
  let browser: Browser;
  let worker: TestWorker;
  beforeAll(async () => {
    [browser, worker] = await Promise.all([launchChromium(), startTestWorker()]);
    await putMirror(worker, describedMirror());
  });
  afterAll(async () => {
    await browser?.close();
    await worker?.close();
  });

  /** A page, and all that it complained about or asked for elsewhere. */
  async function open(path: string, options: BrowserContextOptions = {}): Promise<[Page, string[]]> {
    const page = await browser.newPage(options);
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => {
      if (!/^data:/.test(request.url()) && !request.url().startsWith(worker.origin))
        complaints.push(request.url());
    });
    await page.goto(worker.origin + path);
    return [page, complaints];
  }

  test.each(PATHS)('%s has nothing that axe complains about, in light, dark and on a phone', async (path) => {
    for (const options of [{}, { colorScheme: 'dark' as const }, PHONE]) {
      const [page, complaints] = await open(path, options);
      await page.evaluate('document.querySelectorAll("details").forEach((one) => { one.open = true; })');
      await page.evaluate(AXE);
      const found = await page.evaluate<string[]>(
        `axe.run({ runOnly: ${JSON.stringify(WCAG)} }).then((all) => all.violations.map((one) => one.id))`,
      );
      expect(found).toEqual([]);
      expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
      expect(complaints).toEqual([]);
      await page.close();
    }
  });

  test('a command and a checksum can be copied by keyboard, and are whole', async () => {
    const permissions = ['clipboard-read', 'clipboard-write'];
    const [page, complaints] = await open('/packages/jq', { permissions });
    const copied = (): Promise<string> => page.evaluate('navigator.clipboard.readText()');
    await page.focus('.listing:has-text("stout install") button');
    await page.keyboard.press('Enter');
    await expect.poll(copied).toBe('stout install jq');
    await page.focus('.listing:has-text("curl") button');
    await page.keyboard.press('Enter');
    await expect
      .poll(copied)
      .toMatch(/^curl -fL .* \\\n {2}-o .*\necho '[0-9a-f]{64} {2}.*' \| shasum -a 256 -c$/);
    await page.focus('.of-package tbody tr:nth-child(2) button');
    await page.keyboard.press('Enter');
    await expect.poll(copied).toBe(await page.textContent('.of-package tbody tr:nth-child(2) [data-copy]'));
    expect(complaints).toEqual([]);
    await page.close();
  });

  test('the badge is as wide as its words, and no text runs out of its half', async () => {
    const [page] = await open('/badge.svg');
    const [left, right] = await page.evaluate<number[]>(
      '[...document.querySelectorAll("text")].map((one) => one.getBBox().x + one.getBBox().width)',
    );
    const [first, second] = await page.evaluate<number[]>(
      '[...document.querySelectorAll("g rect")].map((one) => one.getBBox().x + one.getBBox().width)',
    );
    expect(left).toBeLessThan(first ?? 0);
    expect(right).toBeLessThan(second ?? 0);
    await page.close();
  });
});
