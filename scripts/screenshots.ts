import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { serveDirectory } from '../builder/serve.ts';
import { formatSecretKey, secretKeyOf } from '../format/minisign/secret-key.ts';
import { writeSampleUpstream } from './sample/write.ts';
import { launchChromium } from './screenshots/browser.ts';
import { Program } from './start/program.ts';

/**
 * `npm run screenshots [-- DIR]`: pictures of the pages for docs/, of a mirror of all that the sample upstream has, in
 * light and dark, at desktop and phone width. The times in them are always the same.
 */
const MADE = new Date('2026-11-12T09:30:00Z');
const SEEN = new Date('2026-11-20T14:05:00Z');
const KEY = secretKeyOf(new Uint8Array(32).fill(1), new Uint8Array(8).fill(1));
const ORIGIN = 'https://mirror.example.com';
const TAGS = 'arm64_sonoma,sonoma,x86_64_linux,arm64_linux';
const CREATE = ['--all', '--cask', 'firefox,visual-studio-code', '--with-vulns', '--platforms', TAGS];

const PAGES = { 'status-page': '/', folder: '/bottles/', verify: '/verify' };
const WIDTHS = {
  desktop: { viewport: { width: 1100, height: 920 }, deviceScaleFactor: 1 },
  phone: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 1.5 },
};

const target = process.argv[2] ?? fileURLToPath(new URL('../docs', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'stout-mirror-screenshots-'));
try {
  await takeAll(await sampleMirror());
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function sampleMirror(): Promise<string> {
  const [upstream, mirror] = [join(folder, 'upstream'), join(folder, 'mirror')];
  await writeSampleUpstream(upstream, { now: MADE });
  const environment = {
    XDG_CONFIG_HOME: join(folder, 'config'),
    MIRROR_SIGNING_KEY: await formatSecretKey(KEY),
    SOURCE_DATE_EPOCH: String(MADE.getTime() / 1000),
  };
  await new Program(environment, new AbortController().signal).read(
    ...['create', mirror, ...CREATE, '--upstream', upstream],
  );
  return mirror;
}

async function takeAll(directory: string): Promise<void> {
  const where = { directory, host: '127.0.0.1', port: 0, publicUrl: ORIGIN };
  const server = await serveDirectory({ ...where, trusted: [KEY.publicKey], clock: () => SEEN });
  const browser = await launchChromium();
  try {
    for (const [name, path] of Object.entries(PAGES)) {
      for (const [width, screen] of Object.entries(WIDTHS)) {
        for (const colorScheme of ['light', 'dark'] as const) {
          const parts = [name, width === 'desktop' ? '' : width, colorScheme === 'light' ? '' : colorScheme];
          const file = `${parts.filter(Boolean).join('-')}.png`;
          await take(browser, `${server.origin}${path}`, { ...screen, colorScheme }, join(target, file));
        }
      }
    }
  } finally {
    await browser.close();
    await server.close();
  }
}

async function take(
  browser: Browser,
  url: string,
  options: Parameters<Browser['newPage']>[0],
  path: string,
): Promise<void> {
  const page = await browser.newPage(options);
  await page.goto(url);
  if (url.endsWith('/verify')) {
    await page.click('#deep button');
    await page.waitForSelector('#run[data-state=good]');
    await page.mouse.move(0, 0);
  }
  await page.screenshot({ path });
  await page.close();
  console.log(path);
}
