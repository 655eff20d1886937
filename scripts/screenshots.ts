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
 * `npm run screenshots [-- DIR]`: pictures of every page for docs/pages.md, of a mirror of all that the sample upstream has: on a
 * desktop in light and dark, and on a phone. The times in them are always the same.
 */
const MADE = new Date('2026-11-12T09:30:00Z');
const SEEN = new Date('2026-11-20T14:05:00Z');
const KEY = secretKeyOf(new Uint8Array(32).fill(1), new Uint8Array(8).fill(1));
const ORIGIN = 'https://mirror.example.com';
const TAGS = 'arm64_sonoma,sonoma,x86_64_linux,arm64_linux';
const CREATE = ['--all', '--cask', 'firefox,visual-studio-code', '--with-vulns', '--platforms', TAGS];

const PAGES = {
  front: '/',
  search: '/?q=json',
  'search-nothing': '/?q=wegt',
  package: '/packages/jq',
  changes: '/changes',
  folder: '/bottles/',
  verify: '/verify',
  problem: '/bottles/jq-9.9.sonoma.bottle.tar.gz',
};
/** No larger than it takes to show the layout of each: all pictures together have at most 1.5 MB. */
const SCREENS = {
  '': { viewport: { width: 912, height: 600 }, colorScheme: 'light' },
  dark: { viewport: { width: 912, height: 600 }, colorScheme: 'dark' },
  phone: { viewport: { width: 390, height: 700 }, colorScheme: 'light' },
} as const;

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
  const pictures: Picture[] = [];
  try {
    for (const [name, path] of Object.entries(PAGES)) {
      for (const [screen, options] of Object.entries(SCREENS)) {
        const file = `${[name, screen].filter(Boolean).join('-')}.png`;
        const status = name === 'problem' ? 404 : 200;
        pictures.push(
          await take(browser, { url: `${server.origin}${path}`, status }, options, join(target, file)),
        );
      }
    }
    expectDifferent(pictures);
  } finally {
    await browser.close();
    await server.close();
  }
}

interface Picture {
  path: string;
  bytes: Buffer;
}

/** Takes a picture of a page. Throws if the server answers with another status. */
async function take(
  browser: Browser,
  { url, status }: { url: string; status: number },
  options: Parameters<Browser['newPage']>[0],
  path: string,
): Promise<Picture> {
  const page = await browser.newPage(options);
  const found = (await page.goto(url))?.status();
  if (found !== status) throw new Error(`${url} answers ${found}, not ${status}.`);
  if (url.endsWith('/verify')) {
    await page.click('#deep button');
    await page.waitForSelector('#run[data-state=good]');
    await page.mouse.move(0, 0);
  }
  const bytes = await page.screenshot({ path });
  await page.close();
  console.log(path);
  return { path, bytes };
}

/** Throws if two pictures are the same: then one of them is of another page than its name says. */
function expectDifferent(pictures: readonly Picture[]): void {
  for (const same of Map.groupBy(pictures, ({ bytes }) => bytes.toString('base64')).values())
    if (same.length > 1) throw new Error(`The same picture: ${same.map(({ path }) => path).join(', ')}.`);
}
