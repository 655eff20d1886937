import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readContents } from '../../builder/directory/mirror.ts';
import { localPath } from '../../builder/directory/paths.ts';
import { serveDirectory } from '../../builder/serve.ts';
import type { SnapshotEntry } from '../../format/snapshot/entry.ts';
import { OPENAPI } from '../../worker/openapi.ts';
import { type Answer, jsonOf, lasting, send } from '../support/http.ts';
import { TEST_KEY } from '../support/keys.ts';
import { makeMirror } from '../support/mirror.ts';
import { type DescribedPath, expectDescribed } from '../support/openapi.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { startTestWorker } from '../support/worker.ts';

const directory = join(await temporaryFolder(), 'mirror');
await makeMirror(directory);
const contents = await readContents(directory);
const entries = contents?.entries ?? [];

const JQ = '/bottles/jq-1.7.1.sonoma.bottle.tar.gz';
const OPENSSL_JSON = '/index/formulas/data/o/openssl@3.json.zst';

interface Running {
  origin: string;
  close(): Promise<void>;
}

const RUNTIMES: [name: string, start: () => Promise<Running>][] = [
  [
    'the Worker in workerd',
    async () => {
      const worker = await startTestWorker();
      await worker.publish(directory);
      return worker;
    },
  ],
  [
    'serve on Node',
    () =>
      serveDirectory({
        directory,
        host: '127.0.0.1',
        port: 0,
        trusted: [TEST_KEY.publicKey],
        clock: () => new Date(),
      }),
  ],
];

describe.each(RUNTIMES)('%s', (_name, start) => {
  let running: Running;
  beforeAll(async () => {
    running = await start();
  });
  afterAll(() => running.close());
  const get = (path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> =>
    send(running.origin, path, { method, headers });

  test('when any listed path is asked for, it is delivered byte for byte with its digest', async () => {
    for (const entry of entries.filter((candidate) => candidate.path === undefined)) {
      const answer = await get(`/${encodeURI(entry.name)}?raw=1`);
      expect(answer.status, entry.name).toBe(200);
      expect(sha256(answer.body), entry.name).toBe(entry.sha256);
      expect(answer.headers.etag).toBe(`"${entry.sha256}"`);
      expect(answer.headers['content-length']).toBe(String(entry.size));
    }
  });

  test('when any content address is asked for, it is delivered and may be kept for good', async () => {
    for (const entry of entries.filter((candidate) => candidate.path !== undefined)) {
      const answer = await get(`/${entry.name}/any-name`);
      expect(sha256(answer.body), entry.name).toBe(entry.sha256);
      expect(answer.headers['cache-control']).toContain('immutable');
    }
  });

  test('when root, signature and leaves are asked for, they are those of the directory', async () => {
    const leaf = contents?.snapshot.leaves[0]?.sha256;
    for (const path of ['snapshot/root.json', 'snapshot/root.json.sig', `snapshot/leaves/${leaf}.json`]) {
      expect((await get(`/${path}`)).body).toEqual(await readFile(localPath(directory, path)));
    }
  });

  test('when a package JSON is asked for, each bottle URL is at this origin and delivers what its SHA-256 says', async () => {
    const answer = await get(OPENSSL_JSON);
    expect(answer.headers['cache-control']).toContain('private');
    const { bottles } = JSON.parse(zstdDecompressSync(answer.body).toString('utf8'));
    expect(Object.keys(bottles)).toEqual(['arm64_sonoma', 'sonoma', 'x86_64_sonoma', 'x86_64_linux']);
    for (const { url, sha256: expected } of Object.values<{ url: string; sha256: string }>(bottles)) {
      expect(url.startsWith(`${running.origin}/blobs/sha256/`)).toBe(true);
      const bottle = await send(running.origin, new URL(url).pathname);
      expect(sha256(bottle.body)).toBe(expected);
    }
  });

  test('when a cask JSON is asked for, both architectures are at this origin', async () => {
    const answer = await get('/index/casks/data/v/visual-studio-code.json.zst');
    const cask = JSON.parse(zstdDecompressSync(answer.body).toString('utf8'));
    for (const file of [cask, cask.url_specs.arm64, cask.url_specs.intel]) {
      expect(file.url).toContain(`${running.origin}/blobs/sha256/${file.sha256}/`);
      expect(sha256((await send(running.origin, new URL(file.url).pathname)).body)).toBe(file.sha256);
    }
  });

  test('when a rewritten document is asked for again with its entity tag, the answer is 304; Range is ignored', async () => {
    const { headers, body } = await get(OPENSSL_JSON);
    expect((await get(OPENSSL_JSON, { 'if-none-match': headers.etag ?? '' })).status).toBe(304);
    const ranged = await get(OPENSSL_JSON, { range: 'bytes=0-1' });
    expect([ranged.status, ranged.body]).toEqual([200, body]);
    expect((await get(OPENSSL_JSON, {}, 'HEAD')).headers['content-length']).toBe(String(body.length));
  });

  test.each([
    ['gtk+3-3.24.50.sonoma', '/bottles/gtk+3-3.24.50.sonoma.bottle.tar.gz'],
    ['gtk+3-3.24.50.sonoma', '/bottles/gtk%2B3-3.24.50.sonoma.bottle.tar.gz'],
    ['openssl@3-3.5.2.sonoma', '/bottles/openssl@3-3.5.2.sonoma.bottle.tar.gz'],
    ['openssl@3-3.5.2.sonoma', '/bottles/openssl%403-3.5.2.sonoma.bottle.tar.gz'],
  ])('when %s is asked for as %s, it is found', async (name, path) => {
    const entry = entryOf(`bottles/${name}.bottle.tar.gz`);
    expect(sha256((await get(path)).body)).toBe(entry.sha256);
  });

  test.each(['', '?raw=1'])(
    'when HEAD is asked instead of GET (%s), the headers are the same and no body comes',
    async (query) => {
      const made = ['/api/v1/packages', '/config/stout.toml', '/mirror.pub', '/nothing'];
      for (const path of [JQ, '/manifest.json', '/snapshot/root.json', OPENSSL_JSON, ...made]) {
        const [got, headed] = [await get(path + query), await get(path + query, {}, 'HEAD')];
        expect(lasting(headed), path).toEqual(lasting(got));
        expect(headed.body.length).toBe(0);
        expect(headed.headers['content-length'], path).toBe(String(got.body.length));
      }
    },
  );

  test('when a range is asked for, exactly it is sent', async () => {
    const whole = (await get(JQ)).body;
    const middle = await get(JQ, { range: 'bytes=100-199' });
    expect([middle.status, middle.headers['content-range']]).toEqual([206, `bytes 100-199/${whole.length}`]);
    expect(middle.body).toEqual(whole.subarray(100, 200));
    expect((await get(JQ, { range: 'bytes=-7' })).body).toEqual(whole.subarray(-7));
    expect((await get(JQ, { range: `bytes=${whole.length - 3}-` })).body).toEqual(whole.subarray(-3));
    const beyond = await get(JQ, { range: `bytes=${whole.length}-` });
    expect([beyond.status, beyond.headers['content-range']]).toEqual([416, `bytes */${whole.length}`]);
  });

  test('when If-Range names other bytes, the whole is sent', async () => {
    const { headers, body } = await get(JQ);
    const etag = headers.etag ?? '';
    expect((await get(JQ, { range: 'bytes=0-0', 'if-range': etag })).status).toBe(206);
    expect((await get(JQ, { range: 'bytes=0-0', 'if-range': '"other"' })).body).toEqual(body);
  });

  test('when preconditions decide, no bytes are sent', async () => {
    const { etag = '', 'last-modified': modified = '' } = (await get(JQ)).headers;
    expect((await get(JQ, { 'if-none-match': `"x", W/${etag}` })).status).toBe(304);
    expect((await get(JQ, { 'if-modified-since': modified })).status).toBe(304);
    expect((await get(JQ, { 'if-match': '"x"' })).status).toBe(412);
    const unchanged = await get(JQ, { 'if-none-match': etag });
    expect(unchanged.headers.etag).toBe(etag);
    expect(unchanged.headers['cache-control']).toBe('public, max-age=3600, must-revalidate, no-transform');
  });

  test.each([
    ['/%ff', 400],
    ['/%00', 400],
    ['/bottles/..%2f..%2fcurrent', 400],
    ['/bottles/%5c', 400],
    [`/${'a'.repeat(3000)}`, 400],
    ['/current', 404],
    ['/lease', 404],
    ['/.stout-mirror/files.json', 404],
    [`/blobs/sha256/${'0'.repeat(64)}`, 404],
    ['/blobs/sha256/nothex', 404],
    ['/bottles/jq', 404],
    ['/api/v1/packages/nonesuch', 404],
  ])('when %s is asked for, the answer is %d and a problem document', async (path, status) => {
    const answer = await get(path);
    expect(answer.status).toBe(status);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(jsonOf(answer).status).toBe(status);
  });

  test('when a method would write, it is refused with what is allowed', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
      const answer = await get(JQ, {}, method);
      expect([answer.status, answer.headers.allow]).toEqual([405, 'GET, HEAD, OPTIONS']);
    }
    expect((await get('/', {}, 'OPTIONS')).status).toBe(204);
  });

  test('when /verify is asked, everything is accounted for, quick and deep', async () => {
    for (const path of ['/verify', '/verify?deep=1']) {
      const report = jsonOf(await get(path));
      expect(report).toMatchObject({ ok: true, cursor: null, failures: [] });
      expect(report.files.checked).toBe(contents?.snapshot.totals.files);
      expect(report.snapshot.version).toBe(contents?.snapshot.version);
      const skipped = report.checks.filter((check: { state: string }) => check.state === 'not checked here');
      expect(skipped.map((check: { name: string }) => check.name)).toEqual(['index', 'vulnerabilities']);
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

  test('when health and manifest are asked, they tell of this snapshot', async () => {
    expect(jsonOf(await get('/api/v1/health'))).toMatchObject({
      ok: true,
      status: 'ok',
      snapshot: { version: contents?.snapshot.version },
    });
    expect((await get('/api/v1/manifest')).body).toEqual(await readFile(join(directory, 'manifest.json')));
  });

  test('when packages are searched, names and descriptions are', async () => {
    const found = jsonOf(await get('/api/v1/packages?q=JSON'));
    expect(found.packages.map((item: { name: string }) => item.name)).toContain('jq');
    const gtk = jsonOf(await get('/api/v1/packages?q=gtk+3'));
    expect(gtk.packages.map((item: { name: string }) => item.name)).toEqual(['gtk+3']);
    expect(jsonOf(await get('/api/v1/packages/openssl@3')).packages[0].version).toBe('3.5.2');
  });

  test('when the API is asked, its answers are as its own description says', async () => {
    expect(jsonOf(await get('/api/v1/openapi.json'))).toEqual(OPENAPI);
    const asked: [path: DescribedPath, target: string, status: number][] = [
      ['/api/v1/health', '/api/v1/health', 200],
      ['/api/v1/manifest', '/api/v1/manifest', 200],
      ['/api/v1/packages', '/api/v1/packages', 200],
      ['/api/v1/packages', '/api/v1/packages?q=json', 200],
      ['/api/v1/packages/{name}', '/api/v1/packages/firefox', 200],
      ['/api/v1/packages/{name}', '/api/v1/packages/nonesuch', 404],
      ['/verify', '/verify', 200],
      ['/verify', '/verify?deep=1', 200],
      ['/verify', `/verify?snapshot=${contents?.snapshot.version}`, 200],
      ['/verify', '/verify?cursor=1:x', 400],
      ['/verify', '/verify?snapshot=x', 400],
      ['/verify/{path}', `/verify${JQ}`, 200],
      ['/verify/{path}', '/verify/nothing', 404],
      ['/verify/{path}', '/verify/%ff', 400],
      ['/{folder}/', '/bottles/', 200],
      ['/{folder}/', '/snapshot/', 200],
      ['/{folder}/', '/', 200],
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

  test.each<[accept: string | undefined, type: string]>([
    [undefined, 'application/problem+json'],
    ['*/*', 'text/plain; charset=utf-8'],
    ['application/json', 'application/problem+json'],
    ['application/problem+json, */*;q=0.1', 'application/problem+json'],
    ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'text/html; charset=utf-8'],
    ['text/plain, text/html;q=0.5', 'text/plain; charset=utf-8'],
    ['text/html;q=0, */*', 'text/plain; charset=utf-8'],
    ['image/png', 'text/plain; charset=utf-8'],
  ])('when an error is asked for as %s, it comes as %s', async (accept, type) => {
    const answer = await get(
      '/bottles/nothing-1.0.all.bottle.tar.gz',
      accept === undefined ? {} : { accept },
    );
    expect([answer.status, answer.headers['content-type']]).toEqual([404, type]);
    expect(answer.headers.vary).toBe('accept');
    expect(answer.body.toString('utf8')).toContain('Not in this mirror');
    expect(answer.body.toString('utf8')).toContain('nothing-1.0.all.bottle.tar.gz');
  });

  test.each([
    ['/bottles/jq-0.1.sonoma.bottle.tar.gz', 'not-found'],
    [`/blobs/sha256/${'0'.repeat(64)}`, 'not-found'],
    ['/index/formulas/data/n/nonesuch.json.zst', 'not-found'],
    ['/casks/nonesuch-1.dmg', 'not-found'],
    ['/verify/bottles/nonesuch', 'not-found'],
    ['/api/v1/packages/nonesuch', 'not-found'],
    ['/blobs/sha256/nothex', 'no-such-path'],
    ['/formulas/data/j/jq.json.zst', 'no-such-path'],
    ['/wp-login.php', 'no-such-path'],
    ['/api', 'no-such-path'],
    ['/index/formulas/jq.json', 'no-such-path'],
  ])('when %s is asked for, the problem is %s: is it this mirror, or the address?', async (path, code) => {
    expect(jsonOf(await get(path))).toMatchObject({ status: 404, code, type: `urn:stout-mirror:${code}` });
  });

  test('when a browser opens /verify, it gets a page; programs get the report', async () => {
    const page = await get('/verify', { accept: 'text/html' });
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(page.body.toString('utf8')).toContain('All files agree');
    expect((await get('/verify', { accept: '*/*' })).headers['content-type']).toBe('application/json');
    const shown = (await get('/', { accept: 'text/html' })).body.toString('utf8');
    expect(shown).toContain('Less than a minute ago');
  });

  test('when anything is answered, it has a request id of its own and says how long it took', async () => {
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

  test('when documents made here are asked for again, a 304 saves them', async () => {
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

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

function entryOf(name: string): SnapshotEntry {
  const entry = entries.find((candidate) => candidate.name === name);
  if (!entry) throw new Error(`the test mirror has no ${name}`);
  return entry;
}
