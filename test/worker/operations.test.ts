import type { R2Bucket } from '@cloudflare/workers-types';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { leafPath } from '../../format/layout.ts';
import { createApp } from '../../worker/app.ts';
import { LeafCache, type PlatformCache } from '../../worker/leaf-cache.ts';
import { R2Store } from '../../worker/r2-store.ts';
import { parseSettings } from '../../worker/settings.ts';
import { signMirror } from '../format/support.ts';
import { TEST_KEY } from '../support/keys.ts';
import { putMirror } from '../support/runtimes.ts';
import { startTestWorker, type TestWorker } from '../support/worker.ts';

const MIRROR = signMirror({ now: new Date(), bottles: 10 });
const BOTTLE = '/bottles/package0-1.0.arm64_sonoma.bottle.tar.gz';
const BLOB = `/${MIRROR.entries.find(({ path }) => path === BOTTLE.slice(1))?.name}`;
const TAG = { 'if-none-match': `"${MIRROR.entries.find(({ path }) => path === BOTTLE.slice(1))?.sha256}"` };
const ORIGIN = 'https://mirror.example';
const PAGE = { accept: 'text/html' };
const LEAF = `/${leafPath(MIRROR.snapshot.leaves[0]?.sha256 ?? '')}`;

let worker: TestWorker;
beforeAll(async () => {
  worker = await startTestWorker();
  await putMirror(worker, MIRROR);
});
afterAll(async () => {
  await worker.close();
  process.stdout.write(`\nR2 operations a request\n${table.join('\n')}\n\n`);
});

/** The app on a real bucket whose operations are counted. */
function counting(leafCache?: LeafCache) {
  const operations: string[] = [];
  const counted = (name: 'get' | 'head' | 'list') =>
    ((...args: unknown[]) => {
      operations.push(name);
      return (worker.binding[name] as (...args: unknown[]) => unknown)(...args);
    }) as never;
  const bucket = { get: counted('get'), head: counted('head'), list: counted('list') } as unknown as R2Bucket;
  let time = Date.now();
  const app = createApp({
    store: new R2Store(bucket),
    settings: { ...parseSettings({}), trusted: [TEST_KEY.publicKey] },
    clock: () => new Date(time),
    leafCache,
  });
  const ask = async (path: string, headers: Record<string, string> = {}, method = 'GET') => {
    const response = await app.request(`https://mirror.example${path}`, { method, headers });
    await response.arrayBuffer();
    return response.status;
  };
  return {
    ask,
    operations,
    pass: (more: number) => {
      time += more;
    },
  };
}

const table: string[] = [];

/** What an operation costs R2: `get` and `head` are class B, `list` is class A. */
function expectCost(what: string, operations: string[], expected: string[]): void {
  table.push(`  ${what.padEnd(58)} ${operations.join(' ') || 'none'}`);
  expect(operations, what).toEqual(expected);
}

describe('a request in an isolate that knows the snapshot', () => {
  test.each<
    [
      what: string,
      path: string,
      headers: Record<string, string>,
      method: string,
      status: number,
      cost: string[],
    ]
  >([
    ['GET of a bottle', BOTTLE, {}, 'GET', 200, ['get']],
    ['GET of a content address', BLOB, {}, 'GET', 200, ['get']],
    ['GET of a range', BOTTLE, { range: 'bytes=0-3' }, 'GET', 206, ['get']],
    ['HEAD of a bottle', BOTTLE, {}, 'HEAD', 200, ['head']],
    ['GET that is not modified', BOTTLE, TAG, 'GET', 304, []],
    ['HEAD that is not modified', BOTTLE, TAG, 'HEAD', 304, []],
    ['GET whose precondition fails', BOTTLE, { 'if-match': '"x"' }, 'GET', 412, []],
    ['GET of a range beyond the end', BOTTLE, { range: 'bytes=9999-' }, 'GET', 416, []],
    ['GET of the signed root', '/snapshot/root.json', {}, 'GET', 200, []],
    ['GET of a leaf', LEAF, {}, 'GET', 200, ['get']],
    ['GET of a leaf that is not modified', LEAF, { 'if-none-match': '*' }, 'GET', 304, []],
    ['GET of what is not there', '/bottles/nothing.tar.gz', {}, 'GET', 404, []],
    ['GET of a folder', '/bottles/', {}, 'GET', 200, []],
    ['GET of the client configuration', '/config/stout.toml', {}, 'GET', 200, []],
    ['GET of the health', '/api/v1/health', {}, 'GET', 200, []],
    ['GET without a body, another method', BOTTLE, {}, 'DELETE', 405, []],
  ])('%s', async (what, path, headers, method, status, cost) => {
    const { ask, operations } = counting();
    await ask(BOTTLE);
    operations.length = 0;
    expect(await ask(path, headers, method)).toBe(status);
    expectCost(`warm: ${what}`, operations, cost);
  });

  test('the package list is read once a snapshot', async () => {
    const { ask, operations } = counting();
    await ask(BOTTLE);
    operations.length = 0;
    for (let again = 0; again < 3; again++) await ask('/api/v1/packages');
    expectCost('warm: three GETs of the packages', operations, ['get']);
  });
});

describe('a request in an isolate that knows nothing', () => {
  test('GET of a bottle: pointer, leaf, blob', async () => {
    const { ask, operations } = counting();
    expect(await ask(BOTTLE)).toBe(200);
    expectCost('cold: GET of a bottle (in sequence)', operations, ['get', 'get', 'get']);
  });

  test('GET of a bottle where another isolate has read the leaf: pointer, blob', async () => {
    const first = new LeafCache(worker.cache, ORIGIN);
    const before = counting(first);
    expect(await before.ask(BOTTLE)).toBe(200);
    await first.settled();
    const { ask, operations } = counting(new LeafCache(worker.cache, ORIGIN));
    expect(await ask(BOTTLE)).toBe(200);
    expectCost('cold: GET of a bottle, leaf in the data centre', operations, ['get', 'get']);
  });

  test.each<[what: string, cache: PlatformCache]>([
    ['has other bytes', { match: async () => new Response('other'), put: async () => undefined }],
    [
      'fails',
      { match: () => Promise.reject(new Error('down')), put: () => Promise.reject(new Error('down')) },
    ],
  ])('GET of a bottle where the cache %s: the leaf comes from storage', async (_, cache) => {
    const { ask, operations } = counting(new LeafCache(cache, ORIGIN));
    expect(await ask(BOTTLE)).toBe(200);
    expect(operations).toEqual(['get', 'get', 'get']);
  });

  test('GET of a part of a folder asks the cache for nothing', async () => {
    const asked: string[] = [];
    const match = async (url: string): Promise<undefined> => void asked.push(url);
    const { ask } = counting(new LeafCache({ match, put: async () => undefined }, ORIGIN));
    expect(await ask('/bottles/', PAGE)).toBe(200);
    expect(asked).toEqual([]);
  });

  test('GET that is not modified: pointer and leaf', async () => {
    const { ask, operations } = counting();
    expect(await ask(BOTTLE, TAG)).toBe(304);
    expectCost('cold: GET that is not modified', operations, ['get', 'get']);
  });

  test('twenty at once share what they lack', async () => {
    const { ask, operations } = counting();
    await Promise.all(Array.from({ length: 20 }, () => ask(BOTTLE)));
    expectCost('cold: twenty GETs of a bottle at once', [`${operations.length} gets`], ['22 gets']);
  });

  test('twenty front pages at once share all that they lack', async () => {
    const { ask, operations } = counting();
    await Promise.all(Array.from({ length: 20 }, () => ask('/', PAGE)));
    expectCost('cold: twenty front pages at once', operations, ['get', 'get', 'get']);
  });

  test('ten seconds later the pointer is read again, the leaf is not', async () => {
    const { ask, operations, pass } = counting();
    await ask(BOTTLE);
    operations.length = 0;
    pass(10_000);
    expect(await ask(BOTTLE)).toBe(200);
    expectCost('stale pointer: GET of a bottle', operations, ['get', 'get']);
  });

  test('the front page is made once', async () => {
    const { ask, operations } = counting();
    expect(await ask('/', PAGE)).toBe(200);
    expectCost('cold: the front page', operations, ['get', 'get', 'get']);
    operations.length = 0;
    expect(await ask('/', PAGE)).toBe(200);
    expectCost('warm: the front page', operations, []);
  });
});
