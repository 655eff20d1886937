import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { brewEnvironment, stoutConfig } from '../../format/client-config.ts';
import { SAMPLE_KEY } from '../../scripts/sample/homebrew/jws.ts';
import * as settings from '../../worker/settings.ts';
import { BREW_REQUEST, makeBrewMirror } from '../builder/homebrew/sample.ts';
import { RUNTIMES } from '../support/directory-runtimes.ts';
import { send } from '../support/http.ts';
import { TEST_KEY } from '../support/keys.ts';
import { THIRTY_DAYS } from '../support/mirror.ts';
import { needs, runProgram } from '../support/programs.ts';
import type { Running } from '../support/runtimes.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { BrewClient } from './brew.ts';
import { StoutClient } from './stout.ts';
import { Transport } from './transport.ts';

const TOKEN = 's3cret+/=';
const folder = await temporaryFolder();
const mirror = join(folder, 'mirror');
await makeBrewMirror(mirror, { request: { ...BREW_REQUEST, casks: ['firefox'] } });

describe.skipIf(!Object.hasOwn(settings, 'parseTokens')).each(RUNTIMES)(
  'a private mirror: %s',
  (_name, start) => {
    let running: Running;
    let origin: string;
    beforeAll(async () => {
      running = await start(mirror, { token: TOKEN });
      origin = running.origin.replace('://', `://ci:${encodeURIComponent(TOKEN)}@`);
    });
    afterAll(() => running.close());

    const stout = async (config: string): Promise<StoutClient> =>
      new StoutClient({ config, platform: 'arm64_sonoma', folder: await mkdtemp(join(folder, 'client-')) });
    const brew = (environment: string): BrewClient =>
      new BrewClient({ environment, tag: 'arm64_sonoma', key: SAMPLE_KEY });
    const handedOut = async (path: string): Promise<string> =>
      (await new Transport().send(`${origin}${path}`)).body.toString();

    test('when stout has the token in its base URL, it installs: the URLs that it is given carry it on', async () => {
      const client = await stout(
        stoutConfig({ origin, publicKeys: [TEST_KEY.publicKey], validFor: THIRTY_DAYS }),
      );
      await client.update();
      expect((await client.install('wget')).at(-1)?.name).toBe('wget');
      expect((await client.installCask('firefox', 'arm64')).version).toBe('143.0');
      expect(client.transport.exchanges.map(({ status }) => status)).not.toContain(401);
    });

    test('when stout is configured by what the mirror hands out to the token, it installs as well', async () => {
      const client = await stout(await handedOut('/config/stout.toml'));
      await client.update();
      expect((await client.install('jq')).at(-1)?.name).toBe('jq');
    });

    test('when the token is missing, the answer says only how to send one', async () => {
      const client = await stout(
        stoutConfig({ origin: running.origin, publicKeys: [TEST_KEY.publicKey], validFor: THIRTY_DAYS }),
      );
      await expect(client.update()).rejects.toThrow('401');
      for (const path of ['/v2/', '/config/brew.env', '/api/internal/packages.arm64_sonoma.jws.json']) {
        const { status, headers } = await send(running.origin, path);
        expect([status, headers['www-authenticate']]).toEqual([401, expect.stringContaining('Basic realm=')]);
      }
    });

    test('when brew has the token, it installs by content and shows it to nobody else', async () => {
      const environment = brewEnvironment(origin);
      expect(await handedOut('/config/brew.env')).toBe(environment);
      const client = brew(environment);
      expect(await client.update()).toBe(true);
      expect((await client.install('wget')).at(-1)?.name).toBe('wget');
      const hosts = client.transport.exchanges.map(({ url }) => new URL(url).host);
      expect(new Set(hosts)).toEqual(new Set([new URL(running.origin).host]));
    });

    test('when skopeo has the token as a password, it copies', needs('skopeo'), async () => {
      const { host, port } = new URL(running.origin);
      const copied = await runProgram('skopeo', [
        ...['--override-os', 'linux', '--override-arch', 'amd64', 'copy', '--src-tls-verify=false'],
        ...['--src-creds', `ci:${TOKEN}`],
        ...[`docker://${host}/homebrew/core/wget:1.25.0-1`, `dir:${join(folder, `copy-${port}`)}`],
      ]);
      expect([copied.status, copied.stderr]).toEqual([0, '']);
    });
  },
);
