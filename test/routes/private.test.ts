import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { utf8 } from '../../format/bytes.ts';
import { signMirror } from '../format/support.ts';
import { jsonOf, send } from '../support/http.ts';
import { RUNTIMES, type Running } from '../support/runtimes.ts';

const TOKEN = 'correct-horse-battery';
const SECOND = 'p4ss:w/rd+=';
const BOTTLE = 'bottles/package0-1.0.arm64_sonoma.bottle.tar.gz';
const JQ = '/index/formulas/data/j/jq.json.zst';

const MIRROR = signMirror({
  now: new Date(),
  files: () => {
    const stable = { url: 'https://upstream.example/jq.tar.gz', sha256: 'ab'.repeat(32), path: BOTTLE };
    return {
      [JQ.slice(1)]: zstdCompressSync(utf8(JSON.stringify({ name: 'jq', bottles: { all: stable } }))),
    };
  },
});
const basic = (user: string, password: string): Record<string, string> => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
});
const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

const PATHS = [
  ...['/', '/verify', '/mirror.pub', '/config/stout.toml', '/bottles/', '/nothing', `/${BOTTLE}`, JQ],
  ...[
    '/manifest.json',
    '/snapshot/root.json',
    '/api/v1/packages',
    '/api/v1/manifest',
    '/api/v1/openapi.json',
  ],
  ...[`/verify/${BOTTLE}`, '/API/v1/health', '/api/v1/health/', '//api/v1/health', '/x/../api/v1/packages'],
];

describe.each(RUNTIMES)('%s with MIRROR_TOKEN', (_name, start) => {
  let running: Running;
  beforeAll(async () => {
    running = await start(MIRROR, { token: `${TOKEN} ${SECOND}` });
  });
  afterAll(() => running.close());
  const ask = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
    send(running.origin, path, { method, headers });

  test.each<[what: string, headers: Record<string, string>]>([
    ['nothing', {}],
    ['a wrong token', bearer('wrong')],
    ['a token cut short', bearer(TOKEN.slice(0, -1))],
    ['a token with more behind it', bearer(`${TOKEN}x`)],
    ['both tokens as one', bearer(`${TOKEN} ${SECOND}`)],
    ['an empty token', bearer('')],
    ['an empty password', basic('user', '')],
    ['the token as a name', basic(TOKEN, '')],
    ['another scheme', { authorization: `Digest ${TOKEN}` }],
    ['no scheme', { authorization: TOKEN }],
    ['broken base64', { authorization: 'Basic !!!' }],
    ['a cookie', { cookie: `token=${TOKEN}` }],
  ])('when %s is sent, every path says 401, how to get in, and nothing else', async (_what, headers) => {
    for (const path of PATHS) {
      for (const method of ['GET', 'HEAD']) {
        const answer = await ask(path, headers, method);
        expect(answer.status, path).toBe(401);
        expect(answer.headers['www-authenticate']).toMatch(/^Basic realm="[^"]+".*Bearer realm="[^"]+"$/);
        expect(answer.headers['cache-control']).toBe('private, no-store');
      }
    }
    const problem = jsonOf(await ask(`/${BOTTLE}`, headers));
    expect(problem).toMatchObject({ status: 401, code: 'unauthorized' });
    expect(JSON.stringify(problem)).not.toContain(BOTTLE);
  });

  test.each<[what: string, headers: Record<string, string>]>([
    ['Bearer', bearer(TOKEN)],
    ['the second token', bearer(SECOND)],
    ['Basic', basic('anybody', TOKEN)],
    ['Basic without a name', basic('', TOKEN)],
    ['Basic with a token that holds a colon', basic('me', SECOND)],
    ['another case of the scheme', { authorization: `bearer ${TOKEN}` }],
  ])(
    'when a token comes by %s, everything is there, and no cache keeps any of it',
    async (_what, headers) => {
      for (const path of [
        '/',
        '/verify',
        '/manifest.json',
        `/${BOTTLE}`,
        JQ,
        '/api/v1/packages',
        '/bottles/',
      ]) {
        const answer = await ask(path, headers);
        expect([answer.status, answer.headers['cache-control']], path).toEqual([200, 'private, no-store']);
      }
      const { etag = '' } = (await ask(`/${BOTTLE}`, headers)).headers;
      const unchanged = await ask(`/${BOTTLE}`, { ...headers, 'if-none-match': etag });
      expect([unchanged.status, unchanged.headers['cache-control']]).toEqual([304, 'private, no-store']);
      expect((await ask('/nothing', headers)).status).toBe(404);
    },
  );

  test('when health is asked without a token, it answers', async () => {
    const answer = await ask('/api/v1/health');
    expect([answer.status, answer.headers['cache-control']]).toEqual([200, 'private, no-store']);
    expect((await ask('/api/v1/health', {}, 'HEAD')).status).toBe(200);
  });

  test('when a page from elsewhere asks what it may send, the answer needs no token', async () => {
    const answer = await ask('/manifest.json', { origin: 'https://elsewhere.example' }, 'OPTIONS');
    expect(answer.status).toBe(204);
    expect(answer.headers['access-control-allow-headers']).toContain('authorization');
  });

  test.each<[headers: Record<string, string>, userinfo: string]>([
    [bearer(TOKEN), `token:${TOKEN}`],
    [basic('me@example.com', SECOND), 'me%40example.com:p4ss%3Aw%2Frd%2B%3D'],
  ])(
    'when package JSON is asked for with %j, its URLs carry the same and lead to the bottle',
    async (headers, userinfo) => {
      const answer = await ask(JQ, headers);
      const { url } = JSON.parse(zstdDecompressSync(answer.body).toString('utf8')).bottles.all;
      expect(url).toContain(`//${userinfo}@${new URL(running.origin).host}/blobs/sha256/`);
      const { username, password } = new URL(url);
      const sent = basic(decodeURIComponent(username), decodeURIComponent(password));
      expect((await ask(`/${BOTTLE}`, sent)).status).toBe(200);
      const config = (await ask('/config/stout.toml', headers)).body.toString('utf8');
      expect(config).toContain(`base_url = "http://${userinfo}@${new URL(running.origin).host}/index"`);
    },
  );

  test('when two clients request package JSON, neither gets the entity tag of the other’s', async () => {
    const [first, second] = [await ask(JQ, bearer(TOKEN)), await ask(JQ, bearer(SECOND))];
    expect(first.headers.etag).not.toBe(second.headers.etag);
    const mixed = await ask(JQ, { ...bearer(SECOND), 'if-none-match': first.headers.etag ?? '' });
    expect(mixed.status).toBe(200);
  });

  test('when a page is shown, no token stands on it', async () => {
    for (const path of ['/', '/verify', '/bottles/', '/nothing']) {
      const page = (await ask(path, { ...basic('me', TOKEN), accept: 'text/html' })).body.toString('utf8');
      expect(page, path).not.toContain(TOKEN);
    }
    const page = (await ask('/', { ...basic('me', TOKEN), accept: 'text/html' })).body.toString('utf8');
    expect(page).toContain('USER:TOKEN@');
  });
});
