import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Miniflare } from 'miniflare';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { downloadOf } from '../../format/download.ts';
import { publicKeyLine } from '../../format/minisign/public-key.ts';
import { clientKind, writeDataPoint } from '../../worker/analytics.ts';
import { hexOf, signMirror } from '../format/support.ts';
import { send } from '../support/http.ts';
import { TEST_KEY } from '../support/keys.ts';
import { putMirror } from '../support/runtimes.ts';

const BOTTLE = 'bottles/package0-1.0.arm64_sonoma.bottle.tar.gz';
const CASK = 'casks/firefox-140.0.dmg';

/** Passes what the Worker writes on to the platform's data set, and answers at its own path with it. */
const RECORDING = `
import worker from './worker.mjs';
let points = [];
let isFull = false;
export default {
  fetch(request, { METRICS, ...bindings }, context) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === '/points-so-far') {
      isFull = searchParams.has('full');
      const answer = Response.json(points);
      points = [];
      return answer;
    }
    const dataset = { writeDataPoint(point) {
      if (isFull) throw new Error('no more data points');
      points.push(point);
      METRICS.writeDataPoint(point);
    } };
    return worker.fetch(request, { ...bindings, METRICS: dataset }, context);
  },
};
`;

interface Point {
  indexes: string[];
  blobs: string[];
  doubles: number[];
}

async function startRecording(): Promise<Miniflare> {
  const script = inject('workerBundle');
  return new Miniflare({
    handleStructuredLogs: () => undefined,
    workers: [
      {
        config: {
          name: 'recording',
          compatibilityDate: '2026-10-01',
          compatibilityFlags: ['nodejs_compat'],
          manifest: {
            mainModule: 'recording.mjs',
            modulesRoot: dirname(script),
            modules: {
              'recording.mjs': { type: 'esm', contents: RECORDING },
              'worker.mjs': { type: 'esm', contents: await readFile(script, 'utf8') },
            },
          },
          env: {
            TRUSTED_KEYS: { type: 'text', value: publicKeyLine(TEST_KEY.publicKey) },
            VERIFY_OPERATIONS: { type: 'text', value: '45' },
            MIRROR: { type: 'r2', name: 'mirror' },
            METRICS: { type: 'analytics-engine-dataset', name: 'stout_mirror' },
          },
        },
      },
    ],
  });
}

describe('the Worker in workerd with a data set', () => {
  const mirror = signMirror({ now: new Date(), files: () => ({ [CASK]: new Uint8Array(5000) }) });
  const bottle = mirror.files.get(BOTTLE) ?? new Uint8Array();
  let miniflare: Miniflare;
  let origin = '';

  beforeAll(async () => {
    miniflare = await startRecording();
    origin = (await miniflare.ready).origin;
    await putMirror({ binding: (await miniflare.getR2Bucket('MIRROR')) as never }, mirror);
  });
  afterAll(() => miniflare.dispose());
  const points = async (query = ''): Promise<Point[]> =>
    (await (await fetch(`${origin}/points-so-far${query}`)).json()) as Point[];
  beforeEach(() => points());

  test('when a package is downloaded, by any of its addresses, counts that for the package and the client', async () => {
    const sha256 = hexOf('sha256', bottle);
    const get = (path: string, agent: string, headers = {}) =>
      send(origin, path, { headers: { 'user-agent': agent, ...headers } });
    await get(`/${BOTTLE}`, 'stout/0.2.1');
    await get(`/blobs/sha256/${sha256}/any-name`, 'Homebrew/5.1.0 (Macintosh; arm64 macOS) curl/8.7.1');
    await get(`/v2/package0/blobs/sha256:${sha256}`, 'curl/8.7.1');
    await get(`/${CASK}`, 'Mozilla/5.0', { range: 'bytes=0-99' });
    const size = bottle.length;
    const of = ['package0', 'arm64_sonoma', BOTTLE];
    const ms = expect.any(Number);
    const { version } = mirror.snapshot;
    expect(await points()).toEqual([
      {
        indexes: ['package0'],
        blobs: ['/bottles/*', 'GET', '200', '', 'stout', ...of],
        doubles: [size, ms, 0, 0, version],
      },
      {
        indexes: ['package0'],
        blobs: ['/blobs/*', 'GET', '200', '', 'brew', ...of],
        doubles: [size, ms, 0, 0, version],
      },
      {
        indexes: ['package0'],
        blobs: ['/v2/*', 'GET', '200', '', 'curl', ...of],
        doubles: [size, ms, 0, 0, version],
      },
      {
        indexes: ['firefox'],
        blobs: ['/casks/*', 'GET', '206', '', 'browser', 'firefox', '', CASK],
        doubles: [100, ms, 0, 0, version],
      },
    ]);
  });

  test('when nothing was downloaded, counts the route and the outcome alone', async () => {
    const { etag = '' } = (await send(origin, `/${BOTTLE}`, { method: 'HEAD' })).headers;
    await send(origin, `/${BOTTLE}`, { headers: { 'if-none-match': etag } });
    await send(origin, '/secret-path?secret-query', { headers: { 'user-agent': 'secret-agent' } });
    const written = await points();
    expect(written.map(({ indexes, blobs, doubles }) => [indexes, blobs, doubles[0]])).toEqual([
      [['/bottles/*'], ['/bottles/*', 'HEAD', '200', '', 'other', '', '', ''], 0],
      [['/bottles/*'], ['/bottles/*', 'GET', '304', '', 'other', '', '', ''], 0],
      [['/*'], ['/*', 'GET', '404', 'no-such-path', 'other', '', '', ''], expect.any(Number)],
    ]);
    expect(JSON.stringify(written)).not.toMatch(/secret|127\.0\.0\.1/);
  });

  test('when the data set takes no more, answers all the same', async () => {
    await points('?full');
    const answer = await send(origin, `/${BOTTLE}`);
    expect([answer.status, answer.body]).toEqual([200, Buffer.from(bottle)]);
    expect(await points()).toEqual([]);
  });
});

test('a data point says what it took to fetch a file on demand', () => {
  const written: unknown[] = [];
  const dataset = { writeDataPoint: (point: unknown) => void written.push(point) };
  const asked = { method: 'GET', route: '/bottles/*', path: `/${BOTTLE}`, status: 200, bytes: 5, ms: 90 };
  const record = { ...asked, fetch_ms: 80, fetch_requests: 2, snapshot: 7 };
  writeDataPoint(dataset, record, new Request('http://localhost/'));
  expect(written).toMatchObject([{ doubles: [5, 90, 80, 2, 7] }]);
});

test.each([
  ['bottles/jq-1.8.1.arm64_sonoma.bottle.tar.gz', 'jq', 'arm64_sonoma'],
  ['bottles/python@3.11-3.11.13_1.x86_64_linux.bottle.2.tar.gz', 'python@3.11', 'x86_64_linux'],
  ['bottles/imagemagick-7.1.1-47.all.bottle.tar.gz', 'imagemagick', 'all'],
  ['bottles/ca-certificates-2025-08-12.all.bottle.tar.gz', 'ca-certificates', 'all'],
  ['bottles/x264-r3222.sonoma.bottle.tar.gz', 'x264', 'sonoma'],
  ['casks/google-chrome-139.0.7258.67.arm64.dmg', 'google-chrome', 'arm64'],
  ['casks/firefox-140.0.dmg', 'firefox', ''],
])('of %s the package is %s', (path, name, platform) => {
  expect(downloadOf(path)).toEqual({ name, platform });
});

test('what is no package file is no download', () => {
  expect(downloadOf('manifest.json')).toBeUndefined();
  expect(downloadOf('bottles/jq/manifests/1.8.1')).toBeUndefined();
});

test.each([
  ['stout/0.2.1', 'stout'],
  ['Homebrew/5.1.0 (Linux; x86_64 Debian GNU/Linux 12) curl/7.88.1', 'brew'],
  ['curl/8.7.1', 'curl'],
  ['Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36', 'browser'],
  ['stout-mirror/0.1.0', 'other'],
  ['containerd/1.7', 'other'],
  [null, 'other'],
])('the client of %j is %s', (agent, kind) => {
  expect(clientKind(agent)).toBe(kind);
});
