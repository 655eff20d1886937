import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readContents } from '../../builder/directory/mirror.ts';
import { keyIdText } from '../../format/minisign/public-key.ts';
import { OPENAPI } from '../../worker/openapi.ts';
import { RUNTIMES } from '../support/directory-runtimes.ts';
import { type Answer, jsonOf, send } from '../support/http.ts';
import { TEST_KEY } from '../support/keys.ts';
import { makeMirror, REQUEST } from '../support/mirror.ts';
import { type DescribedPath, expectDescribed } from '../support/openapi.ts';
import type { Running } from '../support/runtimes.ts';
import { temporaryFolder } from '../support/temporary.ts';

const directory = join(await temporaryFolder(), 'mirror');
await makeMirror(directory, { request: { ...REQUEST, policy: { min_age: 86_400 } } });
const contents = await readContents(directory);

const JQ = '/bottles/jq-1.7.1.sonoma.bottle.tar.gz';

describe.each(RUNTIMES)('%s', (_name, start) => {
  let running: Running;
  beforeAll(async () => {
    running = await start(directory);
  });
  afterAll(() => running.close());
  const get = (path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> =>
    send(running.origin, path, { method, headers });

  test('when /verify is asked, everything is accounted for, quick and deep', async () => {
    for (const path of ['/verify', '/verify?deep=1']) {
      const report = jsonOf(await get(path));
      expect(report).toMatchObject({ ok: true, cursor: null, failures: [] });
      expect(report.files.checked).toBe(contents?.snapshot.totals.files);
      expect(report.snapshot.version).toBe(contents?.snapshot.version);
      const skipped = report.checks.filter((check: { state: string }) => check.state === 'not checked here');
      expect(skipped.map((check: { name: string }) => check.name)).toEqual([
        ...['index', 'vulnerabilities', 'compressed files'],
      ]);
    }
  });

  test('when /verify/<path> is asked, that file is read', async () => {
    const path = 'bottles/openssl@3-3.5.2.sonoma.bottle.tar.gz';
    expect(jsonOf(await get(`/verify/${path}`))).toMatchObject({
      ok: true,
      path,
      state: 'verified',
      evidence: 'bytes',
    });
    expect((await get('/verify/nothing')).status).toBe(404);
  });

  test('when health and manifest are requested, they are about this snapshot', async () => {
    expect(jsonOf(await get('/api/v1/health'))).toMatchObject({
      ok: true,
      status: 'ok',
      snapshot: { version: contents?.snapshot.version },
    });
    expect((await get('/api/v1/manifest')).body).toEqual(await readFile(join(directory, 'manifest.json')));
  });

  test('when the policy is requested, what it decided is there as it was signed, and on the page', async () => {
    const answer = await get('/api/v1/policy');
    expect(answer.body).toEqual(await readFile(join(directory, 'policy.json')));
    expect(jsonOf(answer).decisions).toMatchObject([{ name: 'firefox', outcome: 'noted' }, {}]);
    const page = (await get('/', { accept: 'text/html' })).body.toString('utf8');
    expect(page).toContain('2 let in with a note');
    expect(page).toContain('firefox');
  });

  test('when packages are searched, names and descriptions are', async () => {
    const found = jsonOf(await get('/api/v1/packages?q=JSON'));
    expect(found.packages.map((item: { name: string }) => item.name)).toContain('jq');
    const gtk = jsonOf(await get('/api/v1/packages?q=gtk+3'));
    expect(gtk.packages.map((item: { name: string }) => item.name)).toEqual(['gtk+3']);
    expect(jsonOf(await get('/api/v1/packages/openssl@3')).packages[0].version).toBe('3.5.2');
  });

  test('when packages are listed, they come in parts that name the next', async () => {
    const whole = jsonOf(await get('/api/v1/packages'));
    expect([whole.count, whole.next]).toEqual([whole.packages.length, null]);
    for (const query of ['', '&q=e']) {
      const names: string[] = [];
      let after = '';
      let count = 0;
      do {
        const part = jsonOf(await get(`/api/v1/packages?limit=2${query}${after}`));
        names.push(...part.packages.map((item: { name: string }) => item.name));
        count = part.count;
        after = part.next === null ? '' : `&after=${encodeURIComponent(part.next)}`;
      } while (after !== '');
      expect(count).toBeGreaterThan(4);
      expect(names.length).toBe(count);
      expect(new Set(names).size).toBe(names.length);
    }
    const list = (await get('/index/packages.tsv')).body.toString('utf8').trimEnd().split('\n');
    expect(list.map((line) => line.split('\t')[0])).toEqual(
      whole.packages.map((item: { name: string }) => item.name),
    );
  });

  test('when nothing is found, the API names what may have been meant', async () => {
    expect(jsonOf(await get('/api/v1/packages?q=firefxo'))).toEqual({
      ...{ count: 0, packages: [], near: ['firefox'], next: null },
    });
  });

  test('when a list is asked for wrongly, the answer says what is wrong', async () => {
    for (const query of [
      'limit=0',
      'limit=1001',
      'limit=x',
      'limit=',
      'limit=1e2',
      'limit=0x10',
      'after=nonesuch',
      `q=${'x'.repeat(101)}`,
    ]) {
      const answer = await get(`/api/v1/packages?${query}`);
      expect([answer.status, answer.headers['mirror-error']], query).toEqual([400, 'bad-input']);
    }
    expect((await get(`/?q=${'x'.repeat(101)}`, { accept: 'text/html' })).status).toBe(400);
  });

  test('when a browser searches, its page has what the API finds', async () => {
    const page = (await get('/?q=JSON', { accept: 'text/html' })).body.toString('utf8');
    expect(page).toContain('<a href="/packages/jq">jq</a>');
    expect((await get('/?q=firefxo', { accept: 'text/html' })).body.toString('utf8')).toContain(
      '<a href="/packages/firefox">firefox</a>',
    );
  });

  test('when the API is asked, its answers are as its own description says', async () => {
    expect(jsonOf(await get('/api/v1/openapi.json'))).toEqual(OPENAPI);
    const asked: [path: DescribedPath, target: string, status: number][] = [
      ['/api/v1/health', '/api/v1/health', 200],
      ['/api/v1/manifest', '/api/v1/manifest', 200],
      ['/api/v1/policy', '/api/v1/policy', 200],
      ['/api/v1/packages', '/api/v1/packages', 200],
      ['/api/v1/packages', '/api/v1/packages?q=json', 200],
      ['/api/v1/packages', '/api/v1/packages?limit=1', 200],
      ['/api/v1/packages', '/api/v1/packages?limit=0', 400],
      ['/api/v1/packages/{name}', '/api/v1/packages/firefox', 200],
      ['/api/v1/packages/{name}', '/api/v1/packages/nonesuch', 404],
      ['/packages/{name}', '/packages/firefox', 200],
      ['/packages/{name}', '/packages/nonesuch', 404],
      ['/packages/{name}', '/packages/%ff', 400],
      ['/changes', '/changes', 200],
      ['/changes.atom', '/changes.atom', 200],
      ['/badge.svg', '/badge.svg', 200],
      ['/verify', '/verify', 200],
      ['/verify', '/verify?deep=1', 200],
      ['/verify', `/verify?snapshot=${contents?.snapshot.version}`, 200],
      ['/verify', `/verify?snapshot=${contents?.snapshot.version}-${keyIdText(TEST_KEY.keyId)}`, 200],
      ['/verify', '/verify?cursor=1:x', 400],
      ['/verify', '/verify?snapshot=x', 400],
      ['/verify/{path}', `/verify${JQ}`, 200],
      ['/verify/{path}', '/verify/nothing', 404],
      ['/verify/{path}', '/verify/%ff', 400],
      ['/channels/', '/channels/', 200],
      ['/at/', '/at/', 200],
      ['/{folder}/', '/bottles/', 200],
      ['/{folder}/', '/snapshot/', 200],
      ['/{folder}/', '/', 200],
      ['/{folder}/', '/bottles/?format=sha256sums', 200],
      ['/{folder}/', '/nothing/', 404],
      ['/{folder}/', '/%ff/', 400],
    ];
    for (const [path, target, status] of asked) {
      const answer = await get(target, { accept: 'application/json' });
      expect(answer.status, target).toBe(status);
      expectDescribed(path, answer);
    }
    expect(new Set(asked.map(([path]) => path))).toEqual(new Set(Object.keys(OPENAPI.paths)));
  });

  test('when a browser opens /verify, it gets a page; programs get the report', async () => {
    const page = await get('/verify', { accept: 'text/html' });
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(page.body.toString('utf8')).toContain('All files agree');
    expect((await get('/verify', { accept: '*/*' })).headers['content-type']).toBe('application/json');
    const shown = (await get('/', { accept: 'text/html' })).body.toString('utf8');
    expect(shown).toMatch(/In the last (?:deep )?check, \d+ seconds? ago/);
  });

  test('when anything is requested, the response has a unique request id and its duration', async () => {
    const ids = new Set<unknown>();
    for (const path of ['/', JQ, '/nothing', '/verify', '/api/v1/health']) {
      const { headers } = await get(path);
      ids.add(headers['x-request-id']);
      expect(headers['server-timing']).toMatch(/^snapshot;dur=\d+, total;dur=\d+$/);
    }
    expect(ids.size).toBe(5);
    const problem = await get('/nothing');
    expect(jsonOf(problem).request_id).toBe(problem.headers['x-request-id']);
  });

  test('when the platform has given a request its id, the answer has the same; not what cannot be one', async () => {
    const id = async (ray: string) => (await get('/nothing', { 'cf-ray': ray })).headers['x-request-id'];
    expect(await id('9a1b2c3d4e5f6071-FRA')).toBe('9a1b2c3d4e5f6071-FRA');
    for (const ray of ['short', 'x'.repeat(65), '"},{"level":"error'])
      expect(await id(ray)).toMatch(/^[\w-]{36}$/);
  });

  test('when documents made here are requested again, a 304 saves them', async () => {
    for (const path of [
      '/api/v1/packages',
      '/config/stout.toml',
      '/mirror.pub',
      '/api/v1/openapi.json',
      '/index/',
    ]) {
      const { headers } = await get(path);
      const again = await get(path, { 'if-none-match': headers.etag ?? '' });
      expect([again.status, again.body.length], path).toEqual([304, 0]);
      expect((await get(path, { 'if-match': '"other"' })).status, path).toBe(412);
    }
  });

  test('when a browser opens the mirror, it gets a page under a strict policy', async () => {
    const page = await get('/', { accept: 'text/html' });
    expect(page.headers['content-security-policy']).toContain("default-src 'none'");
    expect(page.body.toString('utf8')).toContain('Signed and current');
    const missing = await get('/nothing', { accept: 'text/html' });
    expect([missing.status, missing.headers['content-type']]).toEqual([404, 'text/html; charset=utf-8']);
  });

  test('when configuration is asked for, it points here and names the key', async () => {
    const text = (await get('/config/stout.toml')).body.toString('utf8');
    expect(text).toContain(`base_url = "${running.origin}/index"`);
    expect(text).toContain(Buffer.from(TEST_KEY.publicKey.key).toString('hex'));
    expect((await get('/mirror.pub')).body.toString('utf8')).toContain(
      'untrusted comment: minisign public key',
    );
  });

  test('when anything is answered, content types are not to be guessed', async () => {
    for (const path of ['/', JQ, '/nothing', '/verify']) {
      expect((await get(path)).headers['x-content-type-options']).toBe('nosniff');
    }
  });
});
