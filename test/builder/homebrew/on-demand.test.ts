import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { readContents } from '../../../builder/directory/mirror.ts';
import { fillDirectory } from '../../../builder/fill/fill-directory.ts';
import { mirrorInfo } from '../../../builder/info.ts';
import { verifyDirectory } from '../../../builder/verify/verify-directory.ts';
import { sendBlob, sendRegistry, sendToken } from '../../../scripts/sample/registry.ts';
import { findFile, send, sendFile } from '../../../scripts/sample/static-file.ts';
import { type HttpsHosts, startHttpsHosts } from '../../support/https-hosts.ts';
import { TEST_KEY } from '../../support/keys.ts';
import { needs } from '../../support/programs.ts';
import { SILENT } from '../../support/silent.ts';
import { temporaryFolder } from '../../support/temporary.ts';
import { BREW_REQUEST, makeBrewMirror } from './sample.ts';

const HOST = 'brew.example.test';
const BLOBS = 'blobs.example.test';
const ORIGIN = `https://${HOST}/`;
const REQUEST = { ...BREW_REQUEST, packages: ['jq'], on_demand: true };
const trusted = [TEST_KEY.publicKey];

describe("Homebrew's packages on demand", needs('openssl'), () => {
  const upstream = inject('upstream');
  let hosts: HttpsHosts;
  let folder: string;

  beforeAll(async () => {
    folder = await temporaryFolder();
    hosts = await startHttpsHosts({
      // As ghcr.io does: a token first, and blobs elsewhere.
      [HOST]: async (request, response) => {
        const url = new URL(request.url ?? '/', ORIGIN);
        if (url.pathname === '/token') return sendToken(url, response);
        const place = { dir: upstream, url, blobOrigin: `https://${BLOBS}` };
        if (url.pathname.startsWith('/v2/')) return sendRegistry(request, response, place);
        const file = await findFile(upstream, url.pathname);
        return file === undefined ? send(response, 404, {}, {}) : sendFile(request, response, file);
      },
      [BLOBS]: (request, response) => {
        const url = new URL(request.url ?? '/', `https://${BLOBS}`);
        return sendBlob(request, response, { dir: upstream, url });
      },
    });
    vi.stubEnv('HTTPS_PROXY', hosts.proxy);
  });
  afterAll(() => {
    vi.unstubAllEnvs();
    hosts.close();
  });
  afterEach(() => hosts.requests.splice(0));

  const make = (directory: string, changes: Partial<typeof REQUEST> = {}) =>
    makeBrewMirror(directory, { from: ORIGIN, upstream: 'homebrew', request: { ...REQUEST, ...changes } });
  const verify = (directory: string) =>
    verifyDirectory(directory, { trusted, now: new Date(), reporter: SILENT });

  test('brew can ask for every name, whose size the image manifests say, and no bottle is fetched', async () => {
    const directory = join(folder, 'mirror');
    const made = await make(directory);
    expect(made).toMatchObject({ downloaded: { files: 0 }, skipped: [], failed: [] });
    const { entries = [], snapshot } = (await readContents(directory)) ?? {};
    const bottles = entries.filter(({ name }) => /^bottles\/[^/]+$/.test(name));
    expect(bottles.map(({ name }) => name)).toContain(
      'bottles/portable-ruby-4.0.6.x86_64_linux.bottle.tar.gz',
    );
    // Each bottle's configuration is described by its image manifest, and is not fetched either.
    const configurations = entries.filter(({ name }) => /^bottles\/.+\/blobs\//.test(name));
    expect([configurations.length, made.on_demand]).toEqual([bottles.length, 2 * bottles.length]);
    expect(configurations.every(({ source, size }) => source !== undefined && size !== undefined)).toBe(true);
    expect(
      hosts.requests.filter((request) => request.startsWith(`GET ${HOST}`) && request.includes('/blobs/')),
    ).toHaveLength(2);
    // One request for a bottle learns where blobs are, and reads none.
    const isOfBottle = (request: string): boolean => bottles.some(({ sha256 }) => request.includes(sha256));
    expect(hosts.requests.filter((request) => request.includes(BLOBS) && isOfBottle(request))).toHaveLength(
      1,
    );
    expect(bottles.every(({ source, size }) => source?.startsWith(ORIGIN) && size !== undefined)).toBe(true);
    expect(entries.some(({ name }) => name.startsWith('bottles/jq/manifests/'))).toBe(true);
    expect(snapshot?.sources).toEqual([BLOBS, HOST]);
    expect((await mirrorInfo(directory)).on_demand).toMatchObject({ here: 0, of_unknown_size: 0 });
    expect(await verify(directory)).toMatchObject({ ok: true, files: { failed: 0 } });
    hosts.requests.length = 0;
    expect((await make(directory)).on_demand).toBe(made.on_demand);
    const isOfImage = (request: string): boolean =>
      request.includes('/manifests/sha256:') || configurations.some(({ sha256 }) => request.includes(sha256));
    expect(hosts.requests.filter(isOfImage)).toEqual([]);
    const filled = await fillDirectory({
      ...{ directory, trusted, cache: join(folder, 'cache'), jobs: 4, now: new Date(), reporter: SILENT },
    });
    expect(filled).toMatchObject({ fetched: { files: made.on_demand }, failed: [] });
    expect(await verify(directory)).toMatchObject({ ok: true, files: { on_demand: 0 } });
  });

  test('a cask whose download wants headers is left out with the reason, unless it is whole', async () => {
    const casks = { packages: [], casks: ['wd-security'], tags: ['arm64_sonoma'] };
    const { skipped } = await make(join(folder, 'casks'), casks);
    expect(skipped).toContainEqual({
      name: 'wd-security',
      reason: 'its download wants certain headers, so it cannot come on demand (--whole fetches it)',
    });
    const whole = await make(join(folder, 'casks'), { ...casks, whole: ['wd-security'] });
    expect(whole).toMatchObject({ skipped: [], downloaded: { files: 1 }, casks: 1 });
  });
});
