import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { serveDirectory } from '../../builder/serve.ts';
import { brewEnvironment } from '../../format/client-config.ts';
import { SAMPLE_KEY } from '../../scripts/sample/homebrew/jws.ts';
import { type SampleServer, startSampleServer } from '../../scripts/sample/server.ts';
import { BREW_REQUEST, makeBrewMirror } from '../builder/homebrew/sample.ts';
import { RUNTIMES } from '../support/directory-runtimes.ts';
import { send } from '../support/http.ts';
import { TEST_KEY } from '../support/keys.ts';
import type { Running } from '../support/runtimes.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { BrewClient } from './brew.ts';
import { Transport } from './transport.ts';

const folder = await temporaryFolder();
const mirror = join(folder, 'mirror');
/** Made an hour before it is published. */
const MADE = new Date(Math.floor(Date.now() / 1000 - 3600) * 1000);
await makeBrewMirror(mirror, {
  now: MADE,
  request: {
    ...BREW_REQUEST,
    packages: ['jq', 'wget', 'gtk+3', 'python@3.11', 'youtube-dl'],
    tags: ['arm64_sonoma', 'sonoma', 'x86_64_linux', 'arm64_linux', 'arm64_tahoe'],
  },
});

/** What a Mac and a Linux machine ask for, and a Mac for whose release not everything has been built. */
const TAGS = ['arm64_sonoma', 'sonoma', 'x86_64_linux', 'arm64_linux', 'arm64_tahoe'];

describe.each(RUNTIMES)('brew with %s', (_name, start) => {
  let running: Running;
  /** In place of formulae.brew.sh and ghcr.io. */
  let homebrew: SampleServer;
  beforeAll(async () => {
    running = await start(mirror);
    homebrew = await startSampleServer(inject('upstream'), { port: 0 });
  });
  afterAll(async () => {
    await homebrew.close();
    await running.close();
  });

  /** A client with these lines in its brew.env; without `online` nothing but the mirror is there. */
  function newClient(lines: string, { tag = 'arm64_sonoma', online = false } = {}): BrewClient {
    const environment = lines.replaceAll('MIRROR', running.origin);
    const hosts = online
      ? { 'https://ghcr.io': homebrew.origin, 'https://formulae.brew.sh': homebrew.origin }
      : {};
    return new BrewClient({ environment, tag, key: SAMPLE_KEY, transport: new Transport({ hosts }) });
  }

  const FLAT = 'HOMEBREW_API_DOMAIN=MIRROR/api\nHOMEBREW_BOTTLE_DOMAIN=MIRROR/bottles';
  const ARTIFACT =
    'HOMEBREW_API_DOMAIN=MIRROR/api\nHOMEBREW_ARTIFACT_DOMAIN=MIRROR\nHOMEBREW_ARTIFACT_DOMAIN_NO_FALLBACK=1';

  const originsOf = ({ transport }: BrewClient): string[] => [
    ...new Set(transport.exchanges.map(({ url }) => new URL(url).origin)),
  ];

  describe.each([
    ['by name', FLAT],
    ['by content', ARTIFACT],
  ])('bottles %s', (_how, environment) => {
    const installs = async (tag: (typeof TAGS)[number]): Promise<void> => {
      const client = newClient(environment, { tag });
      expect(await client.update()).toBe(true);
      for (const name of ['wget', 'gtk+3', 'youtube-dl', 'python@3.11']) {
        const poured = await client.install(name);
        expect(poured.at(-1)?.name).toBe(name);
        for (const { manifestFrom } of poured) expect(manifestFrom).toContain(running.origin);
      }
      expect(originsOf(client)).toEqual([running.origin]);
      expect(client.transport.exchanges.map(({ status }) => status)).not.toContain(404);
    };
    const title = 'when it installs on %s, everything comes from the mirror';
    test.each(TAGS.slice(0, 2))(title, installs);
    test.each(TAGS.slice(2))(title, { tags: 'long' }, installs);

    test('when the connection breaks, the rest is asked for and fits', async () => {
      const client = newClient(environment);
      await client.update();
      const done = new Map((await client.install('wget')).map((item) => [item.name, item]));
      done.delete('wget');
      const [whole, resumed] = [
        await client.install('wget', new Map(done)),
        await client.install('wget', new Map(done), 10_000),
      ];
      expect(resumed.at(-1)?.file.equals(whole.at(-1)?.file ?? Buffer.of())).toBe(true);
      expect(client.transport.exchanges.at(-1)).toMatchObject({ status: 206 });
    });
  });

  test('when the artifact domain ends in /v2, as brew allows, bottles are asked for there once', async () => {
    const client = newClient(ARTIFACT.replace('DOMAIN=MIRROR\n', 'DOMAIN=MIRROR/v2\n'));
    await client.update();
    const poured = (await client.install('youtube-dl')).at(-1);
    expect(poured?.from).toContain(`${running.origin}/v2/homebrew/core/youtube-dl/blobs/sha256:`);
  });

  test('when bottles are asked for by name, brew need not look twice', async () => {
    const client = newClient(FLAT);
    await client.update();
    await client.install('youtube-dl', new Map());
    const asked = client.transport.exchanges
      .slice(-3)
      .map(({ method, url }) => [method, new URL(url).pathname]);
    const bottle = '/bottles/youtube-dl-2021.12.17.all.bottle.tar.gz';
    expect(asked).toEqual([
      ['GET', '/bottles/youtube-dl/manifests/2021.12.17'],
      ['HEAD', bottle],
      ['GET', bottle],
    ]);
  });

  test('when older releases of brew ask for their files, they are there', async () => {
    const client = newClient(FLAT);
    expect(await client.update('formula.jws.json')).toBe(true);
    expect(await client.update('cask_tap_migrations.jws.json')).toBe(true);
    expect(originsOf(client)).toEqual([running.origin]);
  });

  test('when a bottle is asked for, its time is that of the mirror: brew throws away what seems newer', async () => {
    const bottle = await send(running.origin, '/bottles/jq-1.7.1.sonoma.bottle.tar.gz', { method: 'HEAD' });
    expect(bottle.headers['last-modified']).toBe(MADE.toUTCString());
  });

  test('when the API is asked for, what counts is not its age but when it was published', async () => {
    const path = '/api/internal/packages.sonoma.jws.json';
    const since = (time: number) =>
      send(running.origin, path, { headers: { 'if-modified-since': new Date(time).toUTCString() } });
    // Whoever asked after the mirror was made, and before it was published, has an older file.
    expect((await since(MADE.getTime() + 60_000)).status).toBe(200);
    // Clocks that are ahead, and servers that had not looked yet.
    expect((await since(Date.now() + 30_000)).status).toBe(200);
    const { etag = '' } = (await send(running.origin, path)).headers;
    expect((await send(running.origin, path, { headers: { 'if-none-match': etag } })).status).toBe(304);
  });

  test('when it searches, it finds all of Homebrew: the index is signed whole', async () => {
    const client = newClient(FLAT);
    await client.update();
    expect(client.search('neovim')).toEqual(['neovim']);
  });

  test('when a package is not mirrored, it comes from ghcr.io where that is there', async () => {
    const client = newClient(FLAT, { online: true });
    await client.update();
    const [lz4] = await client.install('lz4');
    expect([lz4?.from, lz4?.manifestFrom]).toEqual([
      expect.stringContaining('https://ghcr.io/v2/homebrew/core/lz4/blobs/'),
      expect.stringContaining('https://ghcr.io/v2/homebrew/core/lz4/manifests/'),
    ]);
  });

  test('when nothing may come from elsewhere, a package that is not mirrored is an error', async () => {
    const client = newClient(ARTIFACT, { online: true });
    await client.update();
    await expect(client.install('lz4')).rejects.toThrow('404');
    expect(originsOf(client)).toEqual([running.origin]);
  });

  test('when an API is not mirrored, it comes from formulae.brew.sh where that is there', async () => {
    const client = newClient(FLAT, { tag: 'monterey', online: true });
    expect(await client.update()).toBe(true);
    expect(originsOf(client)).toEqual([running.origin, 'https://formulae.brew.sh']);
  });

  test('when it is configured by what the mirror itself hands out, it installs as well', async () => {
    const { body } = await new Transport().send(`${running.origin}/config/brew.env`);
    expect(body.toString()).toBe(brewEnvironment(running.origin));
    const client = newClient(body.toString());
    await client.update();
    await client.install('wget');
    expect(originsOf(client)).toEqual([running.origin]);
  });
});

describe('brew that asks again', () => {
  test('when nothing was published since, nothing is sent; when something was, it is, whatever its age', async () => {
    const directory = join(folder, 'changing');
    await makeBrewMirror(directory, { now: MADE });
    // Requests come minutes after one another, by the clock of client and server alike.
    let ahead = 0;
    const clock = () => new Date(Date.now() + ahead);
    const serving = { directory, host: '127.0.0.1', port: 0, trusted: [TEST_KEY.publicKey], clock };
    const server = await serveDirectory(serving);
    try {
      const environment = brewEnvironment(server.origin);
      const client = new BrewClient({ environment, tag: 'arm64_sonoma', key: SAMPLE_KEY, now: clock });
      expect(await client.update()).toBe(true);
      ahead = 450_000;
      // That question was too close to the publishing: it might have been answered with what was there before.
      expect(await client.update()).toBe(true);
      ahead = 900_000;
      expect(await client.update()).toBe(false);
      expect(client.transport.exchanges.at(-1)?.status).toBe(304);
    } finally {
      await server.close();
    }
  });
});
