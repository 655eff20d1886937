import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hexOf } from '../format/support.ts';
import { CHANGED, describedMirror, HOSTILE } from '../support/described-mirror.ts';
import { type Answer, jsonOf, lasting, send } from '../support/http.ts';
import { type DescribedPath, expectDescribed } from '../support/openapi.ts';
import { needs, runProgram } from '../support/programs.ts';
import { RUNTIMES, type Running } from '../support/runtimes.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder();
const MIRROR = describedMirror();
const HTML = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

describe.each(RUNTIMES)('%s', (_name, start) => {
  let running: Running;
  beforeAll(async () => {
    running = await start(MIRROR);
  });
  afterAll(() => running.close());
  const get = (path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> =>
    send(running.origin, path, { method, headers });
  const pageOf = async (path: string): Promise<string> => (await get(path, HTML)).body.toString('utf8');

  test('a browser gets a page of a package, and all others the JSON of the API', async () => {
    const page = await get('/packages/jq', HTML);
    expect([page.status, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    const api = await get('/api/v1/packages/jq');
    for (const accept of ['application/json', '*/*']) {
      const answer = await get('/packages/jq', { accept });
      expect(answer.headers['content-type']).toBe('application/json');
      expect(answer.body).toEqual(api.body);
      expect(answer.headers.vary).toBe('accept');
    }
    expect(page.headers.vary).toBe('accept');
    const again = await get('/packages/jq', { ...HTML, 'if-none-match': page.headers.etag ?? '' });
    expect([again.status, again.body.length]).toEqual([304, 0]);
  });

  test('the JSON has each file as it is signed, at an address that delivers it', async () => {
    const [jq] = jsonOf(await get('/api/v1/packages/jq')).packages;
    expect(jq).toMatchObject({ kind: 'formula', version: '1.8.0', license: 'MIT', needed_by: [] });
    expect(jq.files.length).toBe(5);
    for (const { url, path, sha256, size, signed_since } of jq.files) {
      expect(url).toBe(`${running.origin}/${path}`);
      const { body } = await get(new URL(url).pathname);
      expect([hexOf('sha256', body), body.length]).toEqual([sha256, size]);
      expect(signed_since).toBe('2026-11-01T12:00:00Z');
    }
  });

  test.each([
    ['jq', 'arm64_sonoma', 'shasum'],
    ['jq', 'x86_64_linux', 'sha256sum'],
    ['gtk+3', 'sonoma', 'shasum'],
    ['krita', 'x86_64', 'sha256sum'],
  ])(
    'the commands that download %s for %s do, and check it',
    needs('curl', 'shasum', 'sha256sum'),
    async (name, platform, program) => {
      const page = await pageOf(`/packages/${name}`);
      const listing = new RegExp(`<p>curl, ${platform}</p><pre>(.*?)</pre>`, 's').exec(page)?.[1] ?? '';
      const script = listing.replaceAll(/<[^>]*>/g, '').replaceAll('&#39;', "'");
      expect(script).toContain(program);
      const { status, stdout } = await runProgram('sh', ['-c', script], {}, folder);
      expect([status, stdout]).toEqual([0, expect.stringMatching(/: OK\n$/)]);
    },
  );

  test.each([
    ['/packages/openssl@3', 'openssl@3'],
    ['/packages/openssl%403', 'openssl@3'],
    ['/packages/gtk+3', 'gtk+3'],
    ['/packages/gtk%2B3', 'gtk+3'],
    ['/packages/docker', 'docker'],
    ['/packages/krita', 'krita'],
    ['/packages/wget', 'wget'],
  ])('%s is the page of %s', async (path, name) => {
    expect(await pageOf(path)).toContain(`<h1>${name}</h1>`);
    expect((await get(`${path}/`)).status).toBe(308);
  });

  test('a name with a slash at its end leads to the one without', async () => {
    const { status, headers } = await get('/packages/gtk%2B3/?x=1', HTML);
    expect([status, headers.location]).toEqual([308, '/packages/gtk%2B3']);
    expect((await get('/changes/')).headers.location).toBe('/changes');
    for (const path of ['/packages', '/packages/'])
      expect((await get(path, HTML)).headers.location).toBe('/');
  });

  test('a package that a rule keeps out has a page without files', async () => {
    const [wget] = jsonOf(await get('/api/v1/packages/wget')).packages;
    expect([wget.version, wget.files]).toEqual([undefined, []]);
    expect(wget.decisions[0].outcome).toBe('denied');
  });

  test.each([
    ['/packages/openssl', 'openssl@3'],
    ['/packages/kitra', 'krita'],
    ['/packages/JQ', 'jq'],
  ])('when %s does not exist, the answer links %s', async (path, name) => {
    const answer = await get(path, HTML);
    expect(answer.status).toBe(404);
    expect(answer.body.toString('utf8')).toContain(`<a href="/packages/${name}">${name}</a>`);
    expect(jsonOf(await get(path)).near).toContain(name);
    expect((await get(path, { accept: '*/*' })).body.toString('utf8')).toContain(`Did you mean ${name}?`);
  });

  test.each([
    ['/packages/%ff', 400],
    ['/packages/a%2Fb', 400],
    ['/packages/', 308],
    ['/packages', 308],
    [`/packages/${'a'.repeat(201)}`, 404],
    [`/packages/${'a'.repeat(2000)}`, 404],
    ['/packages/__proto__', 404],
    ['/packages/constructor', 404],
    ['/packages/%3Cscript%3E', 404],
    ['/packages/jq%22%3A', 404],
    ['/packages/jq/files', 404],
    ['/changes?from=x', 400],
    ['/changes?from=-1', 400],
    ['/changes?from=99999999999999999999', 400],
  ])('%s is answered with %d', async (path, status) => {
    const answer = await get(path, HTML);
    expect(answer.status).toBe(status);
    expect(answer.body.toString('utf8')).not.toContain('<script>alert');
  });

  test('hostile text of an upstream is text on every page', async () => {
    for (const path of ['/packages/evil', '/changes', '/changes.atom'])
      expect(await pageOf(path)).not.toContain(HOSTILE);
  });

  test('what changed comes as a page, a feed, and as it was signed', async () => {
    expect(await pageOf('/changes')).toContain('3.24.49 → 3.24.50');
    const json = await get('/changes', { accept: 'application/json' });
    expect(jsonOf(json)).toEqual(CHANGED);
    expect(json.body).toEqual((await get('/changes.json')).body);
    expect(await pageOf('/changes?from=2')).not.toContain('id="v3"');
    const feed = await get('/changes.atom');
    expect(feed.headers['content-type']).toBe('application/atom+xml; charset=utf-8');
    expect(feed.body.toString('utf8')).toContain(
      `<link rel="self" type="application/atom+xml" href="${running.origin}/changes.atom"/>`,
    );
    const again = await get('/changes.atom', { 'if-none-match': feed.headers.etag ?? '' });
    expect(again.status).toBe(304);
  });

  test('the badge may be kept for a minute', async () => {
    const { headers, body } = await get('/badge.svg');
    expect(headers['content-type']).toBe('image/svg+xml; charset=utf-8');
    expect(headers['cache-control']).toBe('public, max-age=60, must-revalidate');
    expect(body.toString('utf8')).toContain('<title>mirror: fresh</title>');
  });

  test('HEAD has the headers of GET', async () => {
    for (const path of ['/packages/jq', '/packages/openssl', '/changes', '/changes.atom', '/badge.svg']) {
      for (const accept of ['text/html', 'application/json']) {
        const [got, headed] = [await get(path, { accept }), await get(path, { accept }, 'HEAD')];
        expect(lasting(headed), path).toEqual(lasting(got));
      }
    }
  });

  test('answers are as the description of the API says', async () => {
    const asked: [path: DescribedPath, target: string][] = [
      ...['jq', 'docker', 'openssl@3', 'krita', 'wget', 'evil', 'nonesuch'].map(
        (name): [DescribedPath, string] => ['/api/v1/packages/{name}', `/api/v1/packages/${name}`],
      ),
      ['/packages/{name}', '/packages/openssl'],
      ['/packages/{name}', '/packages/%ff'],
      ['/changes', '/changes'],
      ['/changes', '/changes?from=x'],
      ['/changes.atom', '/changes.atom'],
      ['/badge.svg', '/badge.svg'],
    ];
    for (const [path, target] of asked)
      expectDescribed(path, await get(target, { accept: 'application/json' }));
  });
});

describe('a private mirror', () => {
  const TOKEN = 'correct-horse-battery';
  let running: Running;
  const [, [, start] = []] = RUNTIMES;
  beforeAll(async () => {
    if (start) running = await start(MIRROR, { token: TOKEN });
  });
  afterAll(() => running.close());
  const PATHS = ['/packages/jq', '/api/v1/packages/jq', '/changes', '/changes.atom', '/badge.svg'];

  test.each(PATHS)('%s needs a token, shows none, and is kept nowhere', async (path) => {
    expect((await send(running.origin, path)).status).toBe(401);
    for (const scheme of [`Bearer ${TOKEN}`, `Basic ${Buffer.from(`me:${TOKEN}`).toString('base64')}`]) {
      for (const accept of ['text/html', 'application/json']) {
        const headers = { accept, authorization: scheme };
        const answer = await send(running.origin, path, { headers });
        expect(answer.status).toBe(200);
        expect(answer.body.toString('utf8')).not.toContain(TOKEN);
        expect(answer.headers['cache-control']).toBe('private, no-store');
      }
    }
  });

  test('commands show where the token belongs', async () => {
    const headers = { accept: 'text/html', authorization: `Bearer ${TOKEN}` };
    const { body } = await send(running.origin, '/packages/jq', { headers });
    expect(body.toString('utf8')).toContain(running.origin.replace('://', '://USER:TOKEN@'));
  });
});
