import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { zstdDecompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type SampleServer, startSampleServer } from '../../scripts/sample/server.ts';
import { type SampleSummary, writeSampleUpstream } from '../../scripts/sample/write.ts';

const run = promisify(execFile);
const NOW = new Date('2026-11-23T10:11:12Z');

let work: string;
let dir: string;
let summary: SampleSummary;

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'sample-'));
  dir = join(work, 'upstream');
  summary = await writeSampleUpstream(dir, { now: NOW });
});
afterAll(() => rm(work, { recursive: true }));

const sha256 = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');

async function json(path: string) {
  const data = await readFile(join(dir, path));
  return JSON.parse((path.endsWith('.zst') ? zstdDecompressSync(data) : data).toString());
}

async function query(index: string, sql: string): Promise<Record<string, unknown>[]> {
  const path = join(work, `${index}.db`);
  await writeFile(path, zstdDecompressSync(await readFile(join(dir, index, 'index.db.zst'))));
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    return database
      .prepare(sql)
      .all()
      .map((row) => ({ ...row }));
  } finally {
    database.close();
  }
}

async function digests(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const lines = files.map(async (file) => `${file.slice(root.length)} ${sha256(await readFile(file))}`);
  return (await Promise.all(lines)).toSorted();
}

describe('writeSampleUpstream', () => {
  it('writes the same files, byte for byte, for the same time', { tags: 'long' }, async () => {
    const again = join(work, 'again');
    await writeSampleUpstream(again, { now: NOW });
    const files = await digests(again);
    expect(files).toEqual(await digests(dir));
    expect(files).toHaveLength(summary.files);
    expect(summary.bytes).toBeLessThan(60e6);
  });

  it('names the SHA-256 and size of each compressed index, and one version, in the root manifest', async () => {
    const manifest = await json('manifest.json');
    expect(manifest).toMatchObject({ version: '2026.11.23.1011', created_at: NOW.toISOString() });
    for (const [index, entry] of Object.entries<Record<string, unknown>>(manifest.indexes)) {
      const data = await readFile(join(dir, index.replace('_', '-'), 'index.db.zst'));
      expect(entry).toMatchObject({ db_sha256: sha256(data), db_size: data.byteLength });
    }
    const meta = await query('formulas', "SELECT value FROM meta WHERE key = 'version'");
    expect(meta).toEqual([{ value: manifest.version }]);
  });

  it.each([
    ['formulas', 'name'],
    ['casks', 'token'],
  ])('has json_hash agree with the package JSON of %s', async (index, key) => {
    const packages = await query(index, `SELECT ${key} AS name, json_hash FROM ${index}`);
    for (const { name, json_hash } of packages) {
      const data = await readFile(join(dir, index, 'data', String(name).charAt(0), `${name}.json.zst`));
      expect(sha256(data), String(name)).toBe(json_hash);
    }
  });

  it('lets a client search for jq', async () => {
    const sql = "SELECT name FROM formulas_fts WHERE formulas_fts MATCH 'jq'";
    expect(await query('formulas', sql)).toEqual([{ name: 'jq' }]);
  });

  it.each([
    ['jq', 'arm64_sonoma', '1.7.1'],
    ['openssl@3', 'x86_64_linux', '3.5.2'],
    ['gtk+3', 'sonoma', '3.24.50'],
    ['xz', 'monterey', '5.8.1_1'],
    ['ca-certificates', 'all', '2025-09-09'],
  ])('has a bottle of %s for %s that unpacks and runs', async (name, tag, version) => {
    const { bottles } = await json(`formulas/data/${name.charAt(0)}/${name}.json.zst`);
    const bottle = join(dir, bottles[tag].url);
    expect(sha256(await readFile(bottle))).toBe(bottles[tag].sha256);
    const cellar = join(work, `cellar-${name}`);
    await mkdir(cellar);
    await run('tar', ['-xzf', bottle, '-C', cellar]);
    const keg = join(cellar, name, version);
    expect((await run(join(keg, 'bin', name))).stdout).toBe(`${name} ${version} ${tag}\n`);
    expect(await readdir(keg)).toEqual(expect.arrayContaining(['.brew', 'INSTALL_RECEIPT.json', 'share']));
  });

  it('has casks for one and for two architectures, and one that cannot be checked', async () => {
    const temurin = await json('casks/data/t/temurin@21.json.zst');
    expect(temurin.url).toBe('downloads/temurin%4021-21.0.8%2C9-arm64.pkg');
    expect(temurin).toMatchObject(temurin.url_specs.arm64);
    const intel = await readFile(join(dir, decodeURIComponent(temurin.url_specs.intel.url)));
    expect(sha256(intel)).toBe(temurin.url_specs.intel.sha256);
    expect(await json('casks/data/f/firefox.json.zst')).not.toHaveProperty('url_specs');
    expect(await json('casks/data/g/google-chrome.json.zst')).toMatchObject({ sha256: 'no_check' });
  });

  it('has a Linux app to download, without a digest, and one that has no download', async () => {
    const apps = await query('linux-apps', 'SELECT token, download_url, sha256 FROM linux_apps');
    expect(apps).toEqual([
      { token: 'obsidian', download_url: 'downloads/obsidian-1.9.12.AppImage', sha256: null },
      { token: 'org.gimp.gimp', download_url: null, sha256: null },
    ]);
  });
});

describe('startSampleServer', () => {
  let server: SampleServer;
  let blobPath: string;

  beforeAll(async () => {
    server = await startSampleServer(dir, { port: 0 });
    blobPath = `/${(await json('formulas/data/g/gtk+3.json.zst')).bottles.sonoma.url}`;
  });
  afterAll(() => server.close());

  const get = (url: string, headers: Record<string, string> = {}) =>
    fetch(new URL(url, server.origin), { headers, redirect: 'manual' });

  async function signedUrl(): Promise<string> {
    const response = await get(blobPath, { authorization: 'Bearer QQ==' });
    return response.headers.get('location') ?? '';
  }

  it('serves index files whole, in part, and not again when unchanged', async () => {
    const whole = await get('/formulas/index.db.zst');
    const bytes = new Uint8Array(await whole.arrayBuffer());
    expect(sha256(bytes)).toBe((await json('manifest.json')).indexes.formulas.db_sha256);
    const etag = whole.headers.get('etag') ?? '';
    const rest = await get('/formulas/index.db.zst', { range: 'bytes=100-', 'if-range': etag });
    expect(rest.status).toBe(206);
    expect(new Uint8Array(await rest.arrayBuffer())).toEqual(bytes.slice(100));
    expect((await get('/formulas/index.db.zst', { range: 'bytes=100-', 'if-range': '"other"' })).status).toBe(
      200,
    );
    expect((await get('/formulas/index.db.zst', { 'if-none-match': etag })).status).toBe(304);
  });

  it.each([
    '/casks/data/t/temurin@21.json.zst',
    '/casks/data/t/temurin%4021.json.zst',
    '/formulas/data/g/gtk+3.json.zst',
  ])('finds %s', async (path) => {
    expect((await get(path)).status).toBe(200);
  });

  it.each(['/nothing', '/formulas', '/%2e%2e%2fsample-outside', '/%00', '/%'])(
    'answers 404 to %s',
    async (path) => {
      await writeFile(join(work, 'sample-outside'), 'not for clients');
      expect((await get(path)).status).toBe(404);
    },
  );

  it.each([{}, { authorization: 'Bearer ' }, { authorization: 'Basic QQ==' }])(
    'answers 401 with the way to a token to %j',
    async (headers) => {
      const response = await get(blobPath, headers as Record<string, string>);
      expect(response.status).toBe(401);
      expect(response.headers.get('www-authenticate')).toBe(
        `Bearer realm="${server.origin}/token",service="ghcr.io",scope="repository:homebrew/core/gtkx3:pull"`,
      );
      expect(await response.json()).toMatchObject({ errors: [{ code: 'UNAUTHORIZED' }] });
    },
  );

  it('gives a token for a scope, and the token a redirect to another origin that has the bottle', async () => {
    const response = await get('/token?service=ghcr.io&scope=repository:homebrew/core/gtkx3:pull');
    const { token } = (await response.json()) as { token: string };
    const redirect = await get(blobPath, { authorization: `Bearer ${token}` });
    expect(redirect.status).toBe(307);
    const location = redirect.headers.get('location') ?? '';
    expect(new URL(location).origin).toBe(server.blobOrigin);
    const blob = await get(location);
    expect(sha256(new Uint8Array(await blob.arrayBuffer()))).toBe(blobPath.split('sha256:')[1]);
  });

  it('wants a scope for a token', async () => {
    expect((await get('/token?service=ghcr.io')).status).toBe(400);
  });

  it('answers 404 for a blob or manifest that is not there', async () => {
    const authorization = 'Bearer QQ==';
    const blob = `/v2/homebrew/core/jq/blobs/sha256:${'0'.repeat(64)}`;
    expect((await get(blob, { authorization })).status).toBe(404);
    expect((await get('/v2/homebrew/core/jq/manifests/9.9', { authorization })).status).toBe(404);
  });

  it('refuses, at the other origin, an Authorization header and an address without its signature', async () => {
    const location = await signedUrl();
    expect((await get(location, { authorization: 'Bearer QQ==' })).status).toBe(400);
    expect((await get(location.replace(/\?.*/, ''))).status).toBe(403);
    expect((await get(`${location}0`)).status).toBe(403);
  });

  it.each([
    ['bytes=0-9', 0, 10],
    ['bytes=19990-', 19_990, undefined],
    ['bytes=-5', -5, undefined],
    ['bytes=10-99999999', 10, undefined],
  ])('answers %s of a blob with 206 and those bytes', async (range, start, end) => {
    const whole = await readFile(join(dir, blobPath));
    const response = await get(await signedUrl(), { range });
    expect(response.status).toBe(206);
    expect(Buffer.from(await response.arrayBuffer())).toEqual(whole.subarray(start, end));
  });

  it.each(['bytes=99999999-', 'bytes=-0'])('answers %s of a blob with 416 and its size', async (range) => {
    const { byteLength } = await readFile(join(dir, blobPath));
    const response = await get(await signedUrl(), { range });
    expect(response.status).toBe(416);
    expect(response.headers.get('content-range')).toBe(`bytes */${byteLength}`);
  });

  it.each(['bytes=9-0', 'bytes=0-1,3-4', 'lines=0-1', 'bytes=-'])('ignores the range %s', async (range) => {
    expect((await get(await signedUrl(), { range })).status).toBe(200);
  });

  it('keeps a log of requests and their answers', async () => {
    server.requests.length = 0;
    await get(await signedUrl());
    expect(server.requests.map(({ method, host, status }) => [method, `http://${host}`, status])).toEqual([
      ['GET', server.origin, 307],
      ['GET', server.blobOrigin, 200],
    ]);
    expect(server.requests[0]?.headers.authorization).toBe('Bearer QQ==');
  });

  it('survives a client that goes away, and refuses to write', async () => {
    const request = httpRequest(await signedUrl()).end();
    await once(request, 'response');
    request.destroy();
    expect((await fetch(`${server.origin}/manifest.json`, { method: 'PUT' })).status).toBe(405);
    expect((await fetch(`${server.origin}/manifest.json`, { method: 'HEAD' })).status).toBe(200);
  });
});
