import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readContents } from '../../builder/directory/mirror.ts';
import { localPath } from '../../builder/directory/paths.ts';
import type { SnapshotEntry } from '../../format/snapshot/entry.ts';
import { RUNTIMES } from '../support/directory-runtimes.ts';
import { type Answer, lasting, send } from '../support/http.ts';
import { makeMirror } from '../support/mirror.ts';
import type { Running } from '../support/runtimes.ts';
import { temporaryFolder } from '../support/temporary.ts';

const directory = join(await temporaryFolder(), 'mirror');
await makeMirror(directory);
const contents = await readContents(directory);
const entries = contents?.entries ?? [];

const JQ = '/bottles/jq-1.7.1.sonoma.bottle.tar.gz';
const OPENSSL_JSON = '/index/formulas/data/o/openssl@3.json.zst';

describe.each(RUNTIMES)('%s', (_name, start) => {
  let running: Running;
  beforeAll(async () => {
    running = await start(directory);
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
    for (const path of ['snapshot/root.json', 'snapshot/root.json.sig', `snapshot/leaves/${leaf}.tsv`]) {
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

  test('when a cask JSON is asked for, its file is at this origin, and no other address is in it', async () => {
    const answer = await get('/index/casks/data/v/visual-studio-code.json.zst');
    const cask = JSON.parse(zstdDecompressSync(answer.body).toString('utf8'));
    expect(cask.url).toContain(`${running.origin}/blobs/sha256/${cask.sha256}/`);
    expect(sha256((await send(running.origin, new URL(cask.url).pathname)).body)).toBe(cask.sha256);
    expect(Object.keys(cask.url_specs)).toEqual(['intel']);
    expect(cask.url_specs.intel.url).toMatch(/^not-mirrored:/);
  });

  test('when a rewritten document is requested again with its entity tag, the response is 304; Range is ignored', async () => {
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

  test.each(['text/html', 'application/json', '*/*'])(
    'when HEAD is asked for what is made here, as %s, the headers are those of GET (RFC 9110 9.3.2)',
    async (accept) => {
      const folders = ['/', '/bottles/', '/snapshot/', '/bottles', '/nothing/'];
      const api = ['health', 'packages?q=jq', 'packages/jq', 'packages/nothing', 'openapi.json'];
      const registry = ['/v2', '/v2/', '/v2/homebrew/core/nothing/tags/list', '/v2/X'];
      const others = ['/verify', '/verify/manifest.json', '/verify?snapshot=x', '/config/brew.env', '/%ff'];
      for (const path of [...folders, ...api.map((name) => `/api/v1/${name}`), ...registry, ...others]) {
        const [got, headed] = [await get(path, { accept }), await get(path, { accept }, 'HEAD')];
        expect(lasting(headed), path).toEqual(lasting(got));
        expect(headed.headers['content-length'], path).toBe(String(got.body.length));
        expect(headed.body.length, path).toBe(0);
      }
    },
  );
});

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

function entryOf(name: string): SnapshotEntry {
  const entry = entries.find((candidate) => candidate.name === name);
  if (!entry) throw new Error(`the test mirror has no ${name}`);
  return entry;
}
