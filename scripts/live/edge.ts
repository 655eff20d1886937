import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addressOf, PACKAGE_FOLDERS } from '../smoke/files.ts';
import { expect, type Finding } from '../smoke/finding.ts';
import { pause, type TailedRequest } from './account.ts';
import type { Place } from './place.ts';

const NO_ACCOUNT: Finding = { noted: 'needs Cloudflare' };
const NO_CACHE: Finding = { noted: 'no Cf-Cache-Status: there is none in front' };
const ROUTES = ['/api/v1/health', '/index/manifest.json', '/', '/bottles/', '/verify', '/verify?deep=1'];

/** Checks what the cache answers to a range and a HEAD of a file that it has. */
export async function cachedParts({ mirror }: Place): Promise<Finding> {
  const file = await mirror.sampleFile(PACKAGE_FOLDERS);
  const address = addressOf(file);
  for (let count = 0; count < 3; count++) await mirror.ask(address);
  const whole = await mirror.ask(address);
  const state = (headers: Headers): string | null => headers.get('cf-cache-status');
  if (state(whole.headers) === null) return NO_CACHE;
  const part = await mirror.ask(address, { range: 'bytes=5-9' });
  expect(part.status === 206, `a range of what is cached is answered with ${part.status}`);
  expect(Buffer.compare(part.body, whole.body.subarray(5, 10)) === 0, 'a cached range has other bytes');
  const head = await mirror.ask(address, {}, 'HEAD');
  expect(head.headers.get('etag') === `"${file.sha256}"`, 'HEAD of what is cached has another ETag');
  return [whole, part, head].map(({ headers }) => state(headers)).join(', ');
}

/** Deploys again, which gives the Worker a new version and its cache new keys. */
export async function redeployed(
  { mirror, account }: Place,
  deploy?: () => Promise<unknown>,
): Promise<Finding> {
  if (!deploy || !account) return NO_ACCOUNT;
  const address = addressOf(await mirror.sampleFile(PACKAGE_FOLDERS));
  for (let count = 0; count < 3; count++) await mirror.ask(address);
  const before = (await mirror.ask(address)).headers.get('cf-cache-status');
  await deploy();
  await account.pause(10);
  const after = (await mirror.ask(address)).headers.get('cf-cache-status');
  if (before === null) return NO_CACHE;
  expect(after !== 'HIT', 'what an earlier version cached is still answered');
  return `${before} before, ${after} after`;
}

/** Adds a lifecycle rule to the bucket. */
export async function lifecycleRule({ account }: Place): Promise<Finding> {
  if (!account) return NO_ACCOUNT;
  const rules = await account.addLifecycleRule('fetched/', 30);
  expect(rules.includes('fetched/'), 'the rule is not listed');
  return 'fetched/ may expire after 30 days';
}

/** Measures what each route costs, uncached: the median of three requests, in milliseconds of CPU. */
export async function cpuOfRoutes({ account, mirror }: Place): Promise<Finding> {
  if (!account) return NO_ACCOUNT;
  const file = await mirror.sampleFile(PACKAGE_FOLDERS);
  const requests = await account.tail(async () => {
    for (const route of [...ROUTES, file.path, addressOf(file)])
      for (let count = 0; count < 3; count++) await mirror.ask(route, { 'cache-control': 'no-cache' });
  });
  expect(requests.length > 0, 'wrangler tail shows no requests');
  if (requests.every(({ cpu }) => cpu === undefined)) return { noted: 'wrangler tail reports no CPU' };
  return cpuTable(requests);
}

/** Returns a line for each route. */
export function cpuTable(requests: readonly TailedRequest[]): string {
  const times = Map.groupBy(requests, ({ request }) => request);
  const lines = [...times].map(([request, all]) => {
    const known = all.flatMap(({ cpu }) => cpu ?? []).sort((a, b) => a - b);
    return `\n${' '.repeat(28)}${String(known[known.length >> 1] ?? '?').padStart(5)} ms  ${request}`;
  });
  return `median of each route${lines.join('')}`;
}

/**
 * Installs a package with the `stout` on PATH, in a new home. No other host can be reached: stout would install from Homebrew what
 * the mirror refuses.
 */
export async function install({ mirror }: Place): Promise<Finding> {
  const { status, body } = await mirror.ask('/config/stout.toml');
  expect(status === 200, `/config/stout.toml is answered with ${status}`);
  const nowhere = 'http://127.0.0.1:9';
  const proxies = { HTTPS_PROXY: nowhere, HTTP_PROXY: nowhere, NO_PROXY: new URL(mirror.origin).hostname };
  const home = await mkdtemp(join(tmpdir(), 'stout-mirror-live-home-'));
  try {
    await mkdir(join(home, '.stout'));
    await writeFile(join(home, '.stout', 'config.toml'), body);
    // stout 0.2.2 loses its first index without it: docs/clients.md.
    await writeFile(join(home, '.stout', 'index.db'), 'none\n');
    for (const args of [['update'], ['install', 'jq']]) {
      const ended = await statusOf('stout', args, { ...process.env, ...proxies, HOME: home });
      if (ended === undefined) return { noted: 'there is no stout on PATH' };
      expect(ended === 0, `stout ${args.join(' ')} ended with ${ended}`);
    }
    return 'stout update, stout install jq, from the mirror alone';
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

/** Returns with which status a program ends; `undefined` if there is none. */
async function statusOf(program: string, args: string[], env: NodeJS.ProcessEnv) {
  const child = spawn(program, args, { env, stdio: 'ignore' });
  try {
    const [status] = await once(child, 'exit');
    return status as number;
  } catch {
    return undefined;
  }
}

/** Waits until a new Worker answers: its name takes a while to be known. Throws after two minutes. */
export async function untilServing({ mirror }: Pick<Place, 'mirror'>, signal: AbortSignal): Promise<void> {
  for (const end = Date.now() + 120_000; Date.now() < end; ) {
    signal.throwIfAborted();
    const status = await mirror.ask('/api/v1/health').then(
      (answer) => answer.status,
      () => undefined,
    );
    if (status === 200 || status === 503) return;
    await pause(1, signal);
  }
  throw new Error(`${mirror.origin} does not answer.`);
}
