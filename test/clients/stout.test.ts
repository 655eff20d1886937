import { mkdtemp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { stoutConfig } from '../../format/client-config.ts';
import { RUNTIMES } from '../support/directory-runtimes.ts';
import { OTHER_KEY, TEST_KEY } from '../support/keys.ts';
import { makeMirror, REQUEST, THIRTY_DAYS } from '../support/mirror.ts';
import { needs } from '../support/programs.ts';
import type { Running } from '../support/runtimes.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { startTlsFront, type TlsFront } from './front.ts';
import { StoutClient } from './stout.ts';

import { Transport } from './transport.ts';

const folder = await temporaryFolder();
const mirror = join(folder, 'mirror');
await makeMirror(mirror, {
  request: {
    ...REQUEST,
    packages: ['jq', 'gtk+3', 'python@3.11', 'youtube-dl'],
    casks: ['firefox', 'visual-studio-code', 'temurin@21'],
    tags: ['arm64_sonoma', 'arm64_linux', 'sonoma', 'x86_64_linux'],
    vulnerabilities: false,
  },
});

/** As stout spells them on Apple Silicon, Intel and both Linux architectures. */
const PLATFORMS = ['arm64_sonoma', 'x86_64_sonoma', 'arm64_linux', 'x86_64_linux'];

interface Setup {
  platform?: string;
  config?: string;
  transport?: Transport;
  now?: () => Date;
}

/** A client in an empty home. */
async function newClient(origin: string, setup: Setup = {}): Promise<StoutClient> {
  const { platform = 'arm64_sonoma', ...rest } = setup;
  const given = stoutConfig({ origin, publicKeys: [TEST_KEY.publicKey], validFor: THIRTY_DAYS });
  const own = await mkdtemp(join(folder, 'client-'));
  return new StoutClient({ config: given, platform, folder: own, ...rest });
}

const sampleDownload = (name: string): Promise<Buffer> =>
  readFile(join(inject('upstream'), 'downloads', name));

/** A client that has updated. */
async function updatedClient(origin: string, setup: Setup = {}): Promise<StoutClient> {
  const client = await newClient(origin, setup);
  await client.update();
  return client;
}

const namesOf = (installed: { name: string }[]): string[] => installed.map(({ name }) => name).sort();

describe.each(RUNTIMES)('stout with %s', (_name, start) => {
  let running: Running;
  beforeAll(async () => {
    running = await start(mirror);
  });
  afterAll(() => running.close());

  test('when the index is current, `stout update` of 0.2.2 fetches the manifest and nothing else', async () => {
    const client = await newClient(running.origin);
    expect(await client.updateIfNewer()).toBe(true);
    const before = client.transport.exchanges.length;
    expect(await client.updateIfNewer()).toBe(false);
    expect(client.transport.exchanges.slice(before).map(({ url }) => url)).toEqual([
      `${running.origin}/index/manifest.json`,
    ]);
  });

  test('when it searches and asks for information, it finds what the mirror has', async () => {
    const client = await updatedClient(running.origin);
    expect(client.search('json')).toEqual(['jq']);
    expect(client.search('gtk')).toEqual(['gtk+3']);
    expect(client.search('neovim')).toEqual([]);
    expect(client.casks()).toEqual(['firefox', 'temurin@21', 'visual-studio-code']);
    expect(await client.info('jq')).toMatchObject({ name: 'jq', version: '1.7.1' });
  });

  test.each(PLATFORMS)('when it installs on %s, everything comes from the mirror', async (platform) => {
    const client = await updatedClient(running.origin, { platform });
    expect(namesOf(await client.install('jq'))).toEqual(['jq', 'oniguruma']);
    expect(namesOf(await client.install('gtk+3'))).toEqual(['gettext', 'gtk+3', 'libunistring']);
    expect(namesOf(await client.install('youtube-dl'))).toContain('youtube-dl');
    for (const { url, status } of client.transport.exchanges) {
      expect([new URL(url).origin, status]).toEqual([running.origin, 200]);
    }
  });

  test('when a package has a dependency tree, all of it is installed, dependencies first', async () => {
    const client = await updatedClient(running.origin, { platform: 'x86_64_linux' });
    const names = (await client.install('python@3.11')).map(({ name }) => name);
    expect(names.at(-1)).toBe('python@3.11');
    expect(names.indexOf('ca-certificates')).toBeLessThan(names.indexOf('openssl@3'));
  });

  test('when it installs casks, no architecture gets the file of another', async () => {
    const client = await updatedClient(running.origin);
    const arm = await client.installCask('visual-studio-code', 'arm64');
    expect(arm.file.equals(await sampleDownload('visual-studio-code-1.104.1-arm64.zip'))).toBe(true);
    await expect(client.installCask('visual-studio-code', 'intel')).rejects.toThrow('not-mirrored');
    expect((await client.installCask('firefox', 'intel')).version).toBe('143.0');
    expect((await client.installCask('temurin@21', 'arm64')).version).toBe('21.0.8,9');
  });

  test('when it is configured by what the mirror itself hands out, it installs as well', async () => {
    const { body } = await new Transport().send(`${running.origin}/config/stout.toml`);
    const client = await newClient(running.origin, { config: body.toString() });
    await client.update();
    expect(namesOf(await client.install('jq'))).toEqual(['jq', 'oniguruma']);
  });

  test('when it trusts another key only, it refuses the index', async () => {
    const config = stoutConfig({
      ...{ origin: running.origin, publicKeys: [OTHER_KEY.publicKey], validFor: THIRTY_DAYS },
    });
    const client = await newClient(running.origin, { config });
    await expect(client.update()).rejects.toThrow('not by a trusted key');
  });

  test('when the signature is older than the mirror promised, it cannot see that over http', async () => {
    const later = () => new Date(Date.now() + (THIRTY_DAYS + 60) * 1000);
    const client = await updatedClient(running.origin, { now: later });
    expect(client.search('json')).toEqual(['jq']);
  });
});

describe.each(RUNTIMES)('stout over https with %s', needs('openssl'), (_name, start) => {
  let front: TlsFront;
  let running: Running;
  beforeAll(async () => {
    front = await startTlsFront();
    running = await start(mirror, { publicUrl: front.origin });
    front.leadTo(running.origin);
  });
  afterAll(async () => {
    front.close();
    await running.close();
  });

  test('when signatures are required and nothing unsigned is allowed, it updates and installs', async () => {
    const ca = await readFile(front.authority, 'utf8');
    const { body } = await new Transport({ ca }).send(`${front.origin}/config/stout.toml`);
    expect(body.toString()).toContain('require_signature = true\nallow_unsigned = false');
    const transport = new Transport({ ca });
    const client = await updatedClient(front.origin, { config: body.toString(), transport });
    expect(namesOf(await client.install('jq'))).toEqual(['jq', 'oniguruma']);
    await client.installCask('visual-studio-code', 'arm64');
    for (const { url } of transport.exchanges) expect(new URL(url).origin).toBe(front.origin);
  });

  test('when the signature is older than the mirror promised, it refuses the index', async () => {
    const now = () => new Date(Date.now() + (THIRTY_DAYS + 60) * 1000);
    const transport = new Transport({ ca: await readFile(front.authority, 'utf8') });
    const client = await newClient(front.origin, { transport, now });
    await expect(client.update()).rejects.toThrow('too old');
  });
});
