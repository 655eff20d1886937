import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningServer, serveDirectory } from '../../builder/serve.ts';
import { signMirror } from '../format/support.ts';
import { jsonOf, send } from '../support/http.ts';
import { TEST_KEY } from '../support/keys.ts';
import { putMirror, writeMirror } from '../support/runtimes.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { startTestWorker, type TestWorker } from '../support/worker.ts';

const TOKEN = 'correct-horse-battery';
const BEARER = { authorization: `Bearer ${TOKEN}` };
const PATH = '/manifest.json?raw=1';
const MIRROR = signMirror({ now: new Date() });

interface Expected {
  status: number;
  location?: string;
  hsts?: boolean;
}

const serveAt = async (publicUrl: string | undefined, mirrorToken?: string): Promise<RunningServer> => {
  const directory = await temporaryFolder();
  await writeMirror(directory, MIRROR);
  return serveDirectory({
    ...{ directory, host: '127.0.0.1', port: 0, trusted: [TEST_KEY.publicKey] },
    ...{ publicUrl, mirrorToken, clock: () => new Date() },
  });
};

async function expectAnswer(
  origin: string,
  path: string,
  headers: Record<string, string>,
  expected: Expected,
) {
  const answer = await send(origin, path, { headers });
  expect(answer.status).toBe(expected.status);
  expect(answer.headers.location).toBe(expected.location);
  expect(answer.headers['strict-transport-security'] !== undefined).toBe(expected.hsts ?? false);
  if (expected.status === 308) expect(answer.headers['cache-control']).toBe('private, no-store');
  if (expected.status !== 403) return;
  expect(jsonOf(answer)).toMatchObject({ code: 'unencrypted', expected: expect.stringMatching(/^https:/) });
  expect(answer.body.toString()).not.toContain(TOKEN);
}

describe('a private mirror at the edge, over plain http', () => {
  let worker: TestWorker;
  beforeAll(async () => {
    worker = await startTestWorker({ MIRROR_TOKEN: TOKEN });
    await putMirror(worker, MIRROR);
  });
  afterAll(() => worker.close());
  const host = { host: 'mirror.example.com' };
  const there = `https://mirror.example.com${PATH}`;

  test.each<[what: string, path: string, headers: Record<string, string>, expected: Expected]>([
    ['a token is refused', PATH, { ...host, ...BEARER }, { status: 403 }],
    ['a wrong token is refused', PATH, { ...host, authorization: 'Basic eDp5' }, { status: 403 }],
    ['a token for health is refused', '/api/v1/health', { ...host, ...BEARER }, { status: 403 }],
    ['a request without a token is sent to https', PATH, host, { status: 308, location: there }],
    ['health needs no token', '/api/v1/health', host, { status: 200 }],
    // The local edge takes the scheme of the URL from this header; Cloudflare sets both.
    [
      'over https it is served',
      PATH,
      { ...host, ...BEARER, 'x-forwarded-proto': 'https' },
      { status: 200, hsts: true },
    ],
    ['this machine needs no https', PATH, BEARER, { status: 200 }],
  ])('%s', (_what, path, headers, expected) => expectAnswer(worker.origin, path, headers, expected));
});

describe('a private mirror behind a proxy with https', () => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await serveAt('https://mirror.example.com', TOKEN);
  });
  afterAll(() => server.close());
  const from = (scheme: string) => ({ 'x-forwarded-proto': scheme });
  const there = `https://mirror.example.com${PATH}`;

  test.each<[what: string, path: string, headers: Record<string, string>, expected: Expected]>([
    ['a token over https is accepted', PATH, { ...from('https'), ...BEARER }, { status: 200, hsts: true }],
    ['a proxy may say nothing', PATH, BEARER, { status: 200, hsts: true }],
    [
      'the first of several proxies counts',
      PATH,
      { ...from(', HTTPS , http'), ...BEARER },
      { status: 200, hsts: true },
    ],
    ['a token over http is refused', PATH, { ...from('http'), ...BEARER }, { status: 403 }],
    ['so it is behind two proxies', PATH, { ...from('http, https'), ...BEARER }, { status: 403 }],
    ['a request without a token is sent to https', PATH, from('http'), { status: 308, location: there }],
    ['no token over https is 401', PATH, from('https'), { status: 401, hsts: true }],
  ])('%s', (_what, path, headers, expected) => expectAnswer(server.origin, path, headers, expected));
});

test('when a server is not private, http is served, and browsers need not remember https', async () => {
  const behind = await serveAt('https://mirror.example.com');
  const plain = await serveAt(undefined);
  const named = { 'x-forwarded-proto': 'https' };
  await expectAnswer(behind.origin, PATH, { 'x-forwarded-proto': 'http' }, { status: 200 });
  await expectAnswer(behind.origin, PATH, named, { status: 200 });
  await expectAnswer(plain.origin, PATH, { ...named, ...BEARER }, { status: 200 });
  await Promise.all([behind.close(), plain.close()]);
});

test('when a server is private and knows of no https, it serves its network as before', async () => {
  const server = await serveAt(undefined, TOKEN);
  const host = { host: 'mirror.lan:9000' };
  await expectAnswer(
    server.origin,
    PATH,
    { ...host, ...BEARER, 'x-forwarded-proto': 'http' },
    { status: 200 },
  );
  await expectAnswer(server.origin, PATH, host, { status: 401 });
  await server.close();
});
