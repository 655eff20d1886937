import { mkdtemp } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test, vi } from 'vitest';
import { brewEnvironment, stoutConfig } from '../../format/client-config.ts';
import { SAMPLE_KEY } from '../../scripts/sample/homebrew/jws.ts';
import { sendBlob, sendRegistry, sendToken } from '../../scripts/sample/registry.ts';
import { findFile, send, sendFile } from '../../scripts/sample/static-file.ts';
import { BREW_REQUEST, makeBrewMirror } from '../builder/homebrew/sample.ts';
import type { SignedMirror } from '../format/support.ts';
import { FETCHING_RUNTIMES, type FetchingServer } from '../support/fetching-runtimes.ts';
import { startHttpsHosts } from '../support/https-hosts.ts';
import { TEST_KEY } from '../support/keys.ts';
import { THIRTY_DAYS } from '../support/mirror.ts';
import { needs } from '../support/programs.ts';
import { publishedFrom } from '../support/published-mirror.ts';
import { ASKED_HOST, type SourceServer, startSource } from '../support/source-server.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { BrewClient } from './brew.ts';
import { startProxy } from './front.ts';
import { ReleasedStout } from './released/stout.ts';
import { StoutClient } from './stout.ts';

/** Homebrew's hosts, as the mirror's `sources` name them. */
const HOST = 'brew.example.test';
const BLOBS = 'blobs.example.test';
const ORIGIN = `https://${HOST}/`;
const TAG = 'x86_64_linux';
const REQUEST = { ...BREW_REQUEST, packages: ['jq', 'wget'], tags: [TAG], on_demand: true };

const upstream = inject('upstream');
const folder = await temporaryFolder();

/** Answers as the host of that name does: the registry wants a token, and keeps blobs elsewhere. */
async function answerAs(host: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', `https://${host}`);
  if (host === BLOBS) return sendBlob(request, response, { dir: upstream, url });
  if (url.pathname === '/token') return sendToken(url, response);
  const place = { dir: upstream, url, blobOrigin: `https://${BLOBS}` };
  if (url.pathname.startsWith('/v2/')) return sendRegistry(request, response, place);
  const file = await findFile(upstream, url.pathname);
  return file === undefined ? send(response, 404, {}, {}) : sendFile(request, response, file);
}

describe("all of a mirror's bottles on demand", needs('openssl'), () => {
  let mirror: SignedMirror;
  let source: SourceServer;

  beforeAll(async () => {
    const handlerOf = (host: string) => (request: IncomingMessage, response: ServerResponse) =>
      void answerAs(host, request, response);
    const hosts = await startHttpsHosts({ [HOST]: handlerOf(HOST), [BLOBS]: handlerOf(BLOBS) });
    vi.stubEnv('HTTPS_PROXY', hosts.proxy);
    const directory = join(folder, 'mirror');
    await makeBrewMirror(directory, { from: ORIGIN, upstream: 'homebrew', request: REQUEST });
    vi.unstubAllEnvs();
    hosts.close();
    mirror = await publishedFrom(directory);
    source = await startSource();
    source.answer = (request, response) => void answerAs(`${request.headers[ASKED_HOST]}`, request, response);
  });
  afterAll(() => source.close());

  describe.each(FETCHING_RUNTIMES)('%s', (_, start) => {
    async function empty(): Promise<FetchingServer> {
      const server = await start(mirror, source.origin);
      onTestFinished(() => server.close());
      expect(await server.kept()).toEqual([]);
      return server;
    }

    /** Expects that the server has kept the bottles of the signed list that these packages have, and nothing else. */
    async function expectKept(server: FetchingServer, names: readonly string[]): Promise<void> {
      const isTheirs = (path: string): boolean =>
        names.some(
          (name) =>
            path.startsWith(`bottles/${name}-`) && (path.includes(`.${TAG}.`) || path.includes('.all.')),
        );
      const listed = mirror.entries.filter(({ name, path }) => path === undefined && isTheirs(name));
      expect((await server.kept()).toSorted()).toEqual(listed.map(({ sha256 }) => sha256).toSorted());
    }

    test.each([
      [
        'by name',
        (origin: string) => `HOMEBREW_API_DOMAIN=${origin}/api\nHOMEBREW_BOTTLE_DOMAIN=${origin}/bottles`,
      ],
      ['by content', brewEnvironment],
    ])('brew installs %s what nobody asked for before', async (_way, linesFor) => {
      const server = await empty();
      const client = new BrewClient({ environment: linesFor(server.origin), tag: TAG, key: SAMPLE_KEY });
      await client.update();
      const names = (await client.install('jq')).map(({ name }) => name);
      expect(names).toEqual(['oniguruma', 'jq']);
      await expectKept(server, names);
    });

    test('stout installs what nobody asked for before', async () => {
      const server = await empty();
      const config = stoutConfig({
        origin: server.origin,
        publicKeys: [TEST_KEY.publicKey],
        validFor: THIRTY_DAYS,
      });
      const client = new StoutClient({
        config,
        platform: TAG,
        folder: await mkdtemp(join(folder, 'client-')),
      });
      await client.update();
      const names = (await client.install('wget')).map(({ name }) => name);
      expect(names.at(-1)).toBe('wget');
      await expectKept(server, names);
    });

    test('the released stout does so too', needs('stout', 'openssl'), async () => {
      const server = await empty();
      const proxy = await startProxy();
      onTestFinished(() => proxy.close());
      const config = stoutConfig({
        ...{ origin: server.origin, publicKeys: [TEST_KEY.publicKey], validFor: THIRTY_DAYS },
      });
      const stout = await ReleasedStout.of(folder, config, { proxy: proxy.url });
      await stout.done('update');
      await stout.done('install', 'jq');
      expect(await stout.runInstalled('jq')).toMatch(/^jq 1\.7\.1 /);
      expect(proxy.hosts).toEqual([]);
      await expectKept(server, await stout.installed());
    });
  });
});
