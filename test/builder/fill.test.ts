import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { readContents, readManifest } from '../../builder/directory/mirror.ts';
import { fill as fillPlace } from '../../builder/fill/fill.ts';
import { fillDirectory } from '../../builder/fill/fill-directory.ts';
import { mirrorInfo } from '../../builder/info.ts';
import { fileOfPackages } from '../../builder/verify/package-files.ts';
import { verifyDirectory } from '../../builder/verify/verify-directory.ts';
import { type HttpsHosts, startHttpsHosts } from '../support/https-hosts.ts';
import { TEST_KEY } from '../support/keys.ts';
import { type MirrorChanges, makeMirror, REQUEST } from '../support/mirror.ts';
import { needs } from '../support/programs.ts';
import { SILENT } from '../support/silent.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { sha256, writeUpstream } from './upstream.ts';

const HOST = 'upstream.example.test';
const CDN = 'cdn.example.test';
const ALL = { ...REQUEST, packages: [], casks: [], all: true, on_demand: true, vulnerabilities: false };
const trusted = [TEST_KEY.publicKey];

/** What the host has, by path. */
const BYTES: Record<string, string> = {
  '/one.tar.gz': 'the bottle of one',
  '/two.tar.gz': 'the bottle of two, which is longer',
  '/app.dmg': 'the app',
};
const bottle = (path: string) => ({
  all: { url: `https://${HOST}${path}`, sha256: sha256(BYTES[path] ?? '') },
});

describe('files on demand', needs('openssl'), () => {
  let hosts: HttpsHosts;
  let folder: string;
  let upstream: string;
  let directory: string;
  let mirrors = 0;
  /** What making the mirror asked of the hosts. */
  let asked: string[];

  /** Sends a file from a second host, as vendors do, from where the request says. */
  const cdn = (request: IncomingMessage, response: ServerResponse): void => {
    const bytes = Buffer.from(BYTES[request.url ?? ''] ?? '');
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const range = `bytes ${from}-${bytes.length - 1}/${bytes.length}`;
    response.writeHead(from > 0 ? 206 : 200, {
      'content-length': bytes.length - from,
      ...(from > 0 ? { 'content-range': range } : {}),
    });
    response.end(bytes.subarray(from));
  };
  const vendor = (request: IncomingMessage, response: ServerResponse): void => {
    response.writeHead(302, { location: `https://${CDN}${request.url}` }).end();
  };

  beforeAll(async () => {
    folder = await temporaryFolder();
    upstream = join(folder, 'upstream');
    hosts = await startHttpsHosts({ [HOST]: vendor, [CDN]: cdn, 'elsewhere.example.test': cdn });
    await writeUpstream(upstream, {
      formulas: [
        { name: 'one', runtime: ['two'], json: { bottles: bottle('/one.tar.gz') } },
        { name: 'two', json: { bottles: bottle('/two.tar.gz') } },
      ],
      casks: [{ token: 'app', json: { url: `https://${HOST}/app.dmg`, sha256: sha256('the app') } }],
    });
  });
  afterAll(() => hosts.close());
  beforeEach(async () => {
    vi.stubEnv('HTTPS_PROXY', hosts.proxy);
    directory = join(folder, String(++mirrors));
    hosts.requests.length = 0;
    await make();
    asked = hosts.requests.splice(0);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    Object.assign(hosts.handlers, { [HOST]: vendor, [CDN]: cdn });
  });

  const make = (changes: MirrorChanges = {}) => makeMirror(directory, { upstream, request: ALL, ...changes });
  const fill = (changes: Partial<Parameters<typeof fillDirectory>[0]> = {}) =>
    fillDirectory({
      ...{ directory, trusted, cache: join(folder, 'cache'), jobs: 1, now: new Date(), reporter: SILENT },
      ...changes,
    });
  const verify = () => verifyDirectory(directory, { trusted, now: new Date(), reporter: SILENT });

  test('when a host redirects elsewhere, the signed list names that host too', async () => {
    expect((await readContents(directory))?.snapshot.sources).toEqual([CDN, HOST]);
    await make({ now: new Date(Date.now() + 2000) });
    expect((await readContents(directory))?.snapshot.sources).toEqual([CDN, HOST]);
    // The host is asked for one of its files, and not again for files that were listed before.
    expect(asked.map((request) => request.split('/')[0])).toEqual([`GET ${HOST}`, `GET ${CDN}`]);
    expect(hosts.requests).toEqual([]);
  });

  test('when all are filled, every byte is here as signed, and a second run fetches nothing', async () => {
    expect(await fill()).toMatchObject({
      here: { files: 0 },
      fetched: { files: 3, bytes: 58 },
      left: 0,
      failed: [],
    });
    expect(await verify()).toMatchObject({ ok: true, files: { fetched: 3, on_demand: 0, failed: 0 } });
    expect((await mirrorInfo(directory)).on_demand).toEqual({ files: 3, here: 3, of_unknown_size: 3 });
    hosts.requests.length = 0;
    expect(await fill()).toMatchObject({ here: { files: 3, bytes: 58 }, fetched: { files: 0 } });
    expect(hosts.requests).toEqual([]);
  });

  test('when packages are named, only their files come', async () => {
    expect(await fill({ packages: ['two'] })).toMatchObject({ fetched: { files: 1 }, left: 0 });
    expect(await verify()).toMatchObject({ ok: true, files: { on_demand: 2 } });
    await expect(fill({ packages: ['tow'] })).rejects.toMatchObject({ code: 'unknown-package' });
    const isFile = fileOfPackages((await readManifest(directory)) ?? expect.unreachable(), ['two']);
    const paths = ['two-1.0', 'two-1.1', 'two-more-1.0', 'one-1.0'].map(
      (name) => `bottles/${name}.all.bottle.tar.gz`,
    );
    expect(isFile('bottles/two/blobs/sha256-0')).toBe(true);
    expect(paths.map(isFile)).toEqual([true, true, false, false]);
  });

  test('when there is a limit, files come in order while they fit, and what is here counts', async () => {
    expect(await fill({ maxSize: 30 })).toMatchObject({ fetched: { files: 2, bytes: 24 }, left: 1 });
    expect(await fill({ maxSize: 30 })).toMatchObject({
      here: { bytes: 24 },
      fetched: { files: 0 },
      left: 1,
    });
    expect(await fill({ maxSize: 58 })).toMatchObject({ fetched: { files: 1 }, left: 0 });
  });

  test('when a file is longer than its place takes, it is not downloaded', async () => {
    const { entries, snapshot: root } = (await readContents(directory)) ?? expect.unreachable();
    const manifest = (await readManifest(directory)) ?? expect.unreachable();
    const place = { root, entries, manifest, folder: directory, maxFileSize: 20 };
    const { failed, fetched } = await fillPlace(
      { ...place, sizeOf: async () => undefined, keep: async () => undefined },
      { jobs: 1, now: new Date(), reporter: SILENT },
    );
    expect(fetched).toEqual({ files: 2, bytes: 24 });
    expect(failed).toMatchObject([{ path: 'bottles/two-1.0.all.bottle.tar.gz', code: 'too-large' }]);
  });

  test('when a file here was altered, it is fetched again', async () => {
    await fill();
    const altered = join(directory, 'casks/app-1.0.dmg');
    await rm(altered);
    await writeFile(altered, 'another');
    expect(await verify()).toMatchObject({ ok: false });
    expect(await fill()).toMatchObject({ here: { files: 2 }, fetched: { files: 1 } });
    expect(await readFile(altered, 'utf8')).toBe('the app');
  });

  test('when a download was cut off, the next run continues it', async () => {
    const digest = sha256('the bottle of one');
    await mkdir(join(directory, '.stout-mirror/incoming'), { recursive: true });
    await writeFile(join(directory, `.stout-mirror/incoming/${digest}.part`), 'the bottle');
    await chmod(join(directory, `.stout-mirror/incoming/${digest}.part`), 0o644);
    expect(await fill({ packages: ['one'] })).toMatchObject({ fetched: { files: 1, bytes: 17 } });
    expect(await readFile(join(directory, 'bottles/one-1.0.all.bottle.tar.gz'), 'utf8')).toBe(
      'the bottle of one',
    );
  });

  test.each<[string, () => void, string]>([
    ['sends other bytes', () => handle(CDN, (_, response) => response.end('evil')), 'mismatch'],
    [
      'redirects to a host that is not listed',
      () =>
        handle(HOST, (_, response) =>
          response.writeHead(302, { location: 'https://elsewhere.example.test/one.tar.gz' }).end(),
        ),
      'refused',
    ],
    [
      'redirects to plain http',
      () =>
        handle(HOST, (_, response) =>
          response.writeHead(302, { location: `http://${CDN}/one.tar.gz` }).end(),
        ),
      'refused',
    ],
    [
      'redirects to another port',
      () =>
        handle(HOST, (_, response) =>
          response.writeHead(302, { location: `https://${CDN}:8443/one.tar.gz` }).end(),
        ),
      'refused',
    ],
    ['has it no more', () => handle(HOST, (_, response) => response.writeHead(404).end()), 'not-found'],
  ])('when the upstream %s, that file fails, and nothing of it is kept', async (_, change, code) => {
    change();
    const { failed, fetched } = await fill({ packages: ['one'] });
    expect(failed).toMatchObject([{ path: 'bottles/one-1.0.all.bottle.tar.gz', code }]);
    expect(fetched.files).toBe(0);
    expect(await verify()).toMatchObject({ ok: true, files: { on_demand: 3 } });
  });

  test('when the mirror is no longer on demand, create fetches what is missing and keeps what was filled', async () => {
    await fill({ packages: ['two'] });
    const made = await make({ request: { ...ALL, on_demand: false } });
    expect(made).toMatchObject({ downloaded: { files: 2 }, on_demand: 0, reused: 1 });
    const contents = await readContents(directory);
    expect(contents?.snapshot.sources).toBeUndefined();
    expect(contents?.entries.some(({ source }) => source !== undefined)).toBe(false);
    expect(await verify()).toMatchObject({ ok: true, files: { on_demand: 0 } });
    // And back: what is here stays here.
    expect(await make()).toMatchObject({ downloaded: { files: 0 }, on_demand: 0 });
    // Also when every package is described again.
    const others = { ...ALL, tags: ['sonoma'] };
    expect(await make({ request: others })).toMatchObject({
      downloaded: { files: 0 },
      on_demand: 0,
      reused: 3,
    });
  });

  test('when packages are fetched by force, they are files like any other', async () => {
    const named = { formula: ['two'], cask: [], 'linux-app': [] };
    expect(await make({ force: 'named', named })).toMatchObject({ downloaded: { files: 1 }, on_demand: 2 });
    expect((await mirrorInfo(directory)).on_demand).toMatchObject({ files: 2, here: 0 });
  });

  const handle = (
    host: string,
    handler: (request: IncomingMessage, response: ServerResponse) => void,
  ): void => {
    hosts.handlers[host] = handler;
  };
});
