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

/** What a signed file of the sample's API says. */
async function payloadOf(endpoint: string, root = dir) {
  return JSON.parse(JSON.parse(await readFile(join(root, 'api', endpoint), 'utf8')).payload);
}

/** The paths of everything in a value that brew's writer leaves out. */
function blanksIn(value: unknown, path = ''): string[] {
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value);
    return members.length === 0 ? [path] : members.flatMap(([key, item]) => blanksIn(item, `${path}/${key}`));
  }
  return value === null || value === false || value === 0 || value === '' ? [path] : [];
}

describe("the sample of Homebrew's API", () => {
  it('is written without anything of the product, whose mistakes it would repeat', async () => {
    const folder = new URL('../../scripts/sample/', import.meta.url).pathname;
    const files = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.ts'));
    expect(files.length).toBeGreaterThan(15);
    for (const name of files) {
      const code = await readFile(join(folder, name), 'utf8');
      expect(code, name).not.toMatch(/from '[^']*\/(?:builder|format|worker)\//);
    }
  });

  it('leaves out what is blank, on every platform, as brew does', async () => {
    for (const tag of ['arm64_tahoe', 'monterey', 'x86_64_linux']) {
      const { formulae, casks } = await payloadOf(`internal/packages.${tag}.jws.json`);
      expect(blanksIn(formulae)).toEqual([]);
      // In artifacts brew keeps false.
      expect(blanksIn(casks).filter((path) => !path.includes('/raw_artifacts/'))).toEqual([]);
    }
  });

  it('has every form that a reader must understand', async () => {
    const mac = await payloadOf('internal/packages.arm64_sonoma.jws.json');
    const linux = await payloadOf('internal/packages.x86_64_linux.jws.json');
    const monterey = await payloadOf('internal/packages.arm64_monterey.jws.json');
    const { formulae, casks } = mac;
    expect(linux.casks.iterm2).not.toHaveProperty('url_args');
    expect(linux.casks['docker-desktop']).not.toHaveProperty('sha256');
    expect(formulae['head-only']).not.toHaveProperty('stable_version');
    expect(formulae.jq).not.toHaveProperty('revision');
    expect(formulae.oniguruma).not.toHaveProperty('stable_dependencies');
    expect(monterey.formulae.simdjson).not.toHaveProperty('bottle_checksum');
    expect(formulae['youtube-dl'].bottle_tag).toBe(':all');
    expect(formulae.libsodium.pour_bottle_args).toEqual({ ':only_if': ':clt_installed' });
    expect(formulae['python@3.13'].caveats).toMatch(/^\\:/);
    expect(mac.formula_renames).toEqual({ nvim: 'neovim' });
    expect(mac.cask_renames).toMatchObject({ docker: 'docker-desktop' });
    expect(casks['google-chrome'].sha256).toBe(':no_check');
    expect(casks['font-volkhov']).toMatchObject({ version: ':latest', url_kwargs: { ':branch': 'main' } });
    expect(casks['segger-jlink'].url_kwargs).toMatchObject({ ':using': ':post' });
    expect(casks.firefox.language_variations[1]).toHaveProperty([':overrides', 'url_args']);
    const requirements = Object.values<{ depends_on_args?: object }>(casks).map((one) => one.depends_on_args);
    for (const args of [{ ':macos': ':any' }, { ':macos': [':sonoma', ':sequoia'] }]) {
      expect(requirements).toContainEqual(args);
    }
    expect(requirements).toContainEqual({ ':arch': ':intel', ':maximum_macos': ':ventura' });
  });

  it('has older files that say everything, the address of each bottle included', async () => {
    const [formulas, casks] = [await payloadOf('formula.jws.json'), await payloadOf('cask.jws.json')];
    const jq = formulas.find(({ name }: { name: string }) => name === 'jq');
    expect(jq).toMatchObject({
      ...{
        full_name: 'jq',
        ruby_source_path: 'Formula/j/jq.rb',
        ruby_source_checksum: { sha256: expect.any(String) },
      },
      urls: { stable: { url: 'https://example.org/jq-1.7.1.tar.gz', tag: null } },
      bottle: { stable: { root_url: 'https://ghcr.io/v2/homebrew/core' } },
    });
    for (const { cellar, url, sha256: digest } of Object.values<Record<string, string>>(
      jq.bottle.stable.files,
    )) {
      expect(cellar).toMatch(/^:any/);
      expect(url).toBe(`https://ghcr.io/v2/homebrew/core/jq/blobs/sha256:${digest}`);
    }
    const docker = casks.find(({ token }: { token: string }) => token === 'docker-desktop');
    expect(docker).toMatchObject({
      old_tokens: ['docker', 'docker-edge'],
      ruby_source_path: 'Casks/d/docker-desktop.rb',
    });
    expect(docker.variations.x86_64_linux.sha256).toBeNull();
  });

  it('has tabs whose changed files are in the bottle, and a formula with an address', async () => {
    const index = await json('v2/homebrew/core/git/manifests/2.51.0_1');
    const { annotations } = index.manifests.find(
      ({ platform }: { platform?: { os: string } }) => platform?.os === 'linux',
    );
    const tab = JSON.parse(annotations['sh.brew.tab']);
    const bottle = join(dir, `v2/homebrew/core/git/blobs/sha256:${annotations['sh.brew.bottle.digest']}`);
    const keg = join(work, 'keg-git');
    await mkdir(keg);
    await run('tar', ['-xzf', bottle, '-C', keg, '--strip-components=2']);
    expect(tab.runtime_dependencies).toContainEqual(
      expect.objectContaining({ full_name: 'gettext', version: '0.26' }),
    );
    expect(tab.changed_files).toHaveLength(1);
    for (const path of tab.changed_files) {
      expect(await readFile(join(keg, path), 'utf8')).toContain('@@HOMEBREW_CELLAR@@');
    }
    expect(await readFile(join(keg, '.brew/git.rb'), 'utf8')).toContain('  url "https://');
    // brew runs git: the one of the sample must not take its place.
    expect((await run(join(keg, 'bin/git'), ['--version'])).stdout).toMatch(/^git version/);
    expect((await run(join(keg, 'bin/git'))).stdout).toMatch(/^git 2\.51\.0_1 /);
  });

  it('has absolute addresses of casks where it will be served', async () => {
    const served = join(work, 'served');
    await writeSampleUpstream(served, { now: NOW, origin: 'http://127.0.0.1:9', formulas: [] });
    const { casks } = await payloadOf('internal/packages.sonoma.jws.json', served);
    expect(casks.firefox.url_args).toEqual(['http://127.0.0.1:9/downloads/firefox-143.0.dmg']);
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
