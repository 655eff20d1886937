import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { readContents } from '../../builder/directory/mirror.ts';
import { serveDirectory } from '../../builder/serve.ts';
import { signMirror } from '../../builder/sign.ts';
import { verifyDirectory } from '../../builder/verify/verify-directory.ts';
import { stoutConfig } from '../../format/client-config.ts';
import { isForStaticHost } from '../../format/layout.ts';
import { formatPublicKey, keyIdText, publicKeyLine } from '../../format/minisign/public-key.ts';
import { startNginx } from '../../scripts/bench/static-hosts.ts';
import { commandLine } from '../support/command-line.ts';
import { send } from '../support/http.ts';
import { OTHER_KEY, TEST_KEY } from '../support/keys.ts';
import { copyMirror, makeMirror, REQUEST, THIRTY_DAYS } from '../support/mirror.ts';
import { needs } from '../support/programs.ts';
import { SILENT } from '../support/silent.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { BREW_REQUEST, makeBrewMirror } from './homebrew/sample.ts';

const folder = await temporaryFolder();
const at = (name: string): string => join(folder, name);
const original = at('original');
const ORIGIN = 'https://files.example.org/mirror';
const request = {
  ...REQUEST,
  packages: ['jq', 'gtk+3'],
  casks: [],
  vulnerabilities: false,
  public_url: ORIGIN,
};

const filesIn = async (directory: string): Promise<string[]> =>
  ((await readContents(directory))?.entries ?? []).map(({ name }) => name).filter(isForStaticHost);

async function copied(name: string): Promise<string> {
  await copyMirror(original, at(name));
  return at(name);
}

beforeAll(() => makeMirror(original, { request }));

describe('a mirror with a public URL', () => {
  test('lists a front page, the configuration of stout and the key', async () => {
    expect(await filesIn(original)).toEqual(['config/stout.toml', 'index.html', 'mirror.pub']);
    expect(await readFile(join(original, 'config/stout.toml'), 'utf8')).toBe(
      stoutConfig({ origin: ORIGIN, publicKeys: [TEST_KEY.publicKey], validFor: THIRTY_DAYS }),
    );
    expect(await readFile(join(original, 'mirror.pub'), 'utf8')).toBe(formatPublicKey(TEST_KEY.publicKey));
    const page = await readFile(join(original, 'index.html'), 'utf8');
    expect(page).toContain(`${ORIGIN}/config/stout.toml`);
    expect(page).toContain(keyIdText(TEST_KEY.publicKey.keyId));
    expect(page).not.toContain('brew.env');
    const options = { trusted: [TEST_KEY.publicKey], now: new Date(), reporter: SILENT };
    expect(await verifyDirectory(original, options)).toMatchObject({ ok: true, unlisted: [] });
  });

  test('has the configuration of brew, if that is a client', async () => {
    const directory = at('brew');
    await makeBrewMirror(directory, { request: { ...BREW_REQUEST, public_url: ORIGIN } });
    expect(await readFile(join(directory, 'config/brew.env'), 'utf8')).toContain(
      `HOMEBREW_API_DOMAIN=${ORIGIN}/api\n`,
    );
    expect(await readFile(join(directory, 'index.html'), 'utf8')).toContain('/config/brew.env');
  });

  test('names the key that signed it last, and for how long', async () => {
    const directory = await copied('signed');
    await signMirror({
      ...{ directory, key: OTHER_KEY, trusted: [TEST_KEY.publicKey], now: new Date(), validFor: 3600 },
      ...{ cache: at('cache'), reporter: SILENT },
    });
    expect(await readFile(join(directory, 'mirror.pub'), 'utf8')).toBe(formatPublicKey(OTHER_KEY.publicKey));
    expect(await readFile(join(directory, 'config/stout.toml'), 'utf8')).toContain(
      'max_signature_age = 3600\n',
    );
    const page = await readFile(join(directory, 'index.html'), 'utf8');
    expect(page).toContain(keyIdText(OTHER_KEY.publicKey.keyId));
    const options = { trusted: [OTHER_KEY.publicKey], now: new Date(), reporter: SILENT };
    expect(await verifyDirectory(directory, options)).toMatchObject({ ok: true, unlisted: [] });
  });

  test('loses those files with the URL', async () => {
    const directory = await copied('without');
    await makeMirror(directory, { request: { ...request, public_url: null } });
    expect(await filesIn(directory)).toEqual([]);
    await expect(readFile(join(directory, 'index.html'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

test('the app answers with its own configuration, and verifies from outside', async () => {
  const trusted = [TEST_KEY.publicKey];
  const where = { directory: original, host: '127.0.0.1', port: 0, trusted, clock: () => new Date() };
  const { origin, close } = await serveDirectory({ ...where, mirrorToken: undefined });
  onTestFinished(close);
  const live = await send(origin, '/config/stout.toml');
  expect(live.body.toString()).toContain(`base_url = "${origin}/index"`);
  const raw = await send(origin, '/config/stout.toml?raw=1');
  expect(raw.body).toEqual(await readFile(join(original, 'config/stout.toml')));
  expect((await send(origin, '/config/brew.env?raw=1')).status).toBe(404);
  // Nothing that the tree has runs in a browser.
  expect((await send(origin, '/index.html')).headers['content-type']).toBe('application/octet-stream');
  const key = ['--trust', publicKeyLine(TEST_KEY.publicKey)];
  const environment = {
    XDG_CACHE_HOME: at('cache'),
    XDG_STATE_HOME: at('state'),
    XDG_CONFIG_HOME: at('config'),
  };
  for (const args of [
    ['verify', origin, '--public-url', ORIGIN],
    ['pull', at('pulled'), '--url', origin],
    ['diff', original, origin, '--exit-code'],
  ]) {
    const ended = await commandLine([...args, ...key], environment);
    expect([args[0], ended.status, ended.stderr]).toEqual([args[0], 0, expect.anything()]);
  }
  expect(await filesIn(at('pulled'))).toEqual(await filesIn(original));
  const directory = await copied('dropped');
  const now = new Date(Date.now() + 60_000);
  await makeMirror(directory, { request: { ...request, public_url: null }, now });
  const bundle = at('dropped.tar');
  for (const args of [
    ['bundle', directory, '-o', bundle],
    ['unbundle', bundle, at('pulled')],
  ])
    expect(await commandLine([...args, ...key], environment)).toMatchObject({ status: 0 });
  await expect(readFile(join(at('pulled'), 'index.html'))).rejects.toMatchObject({ code: 'ENOENT' });
});

test('nginx shows the page, and every link on it leads to a file', needs('nginx'), async () => {
  const nginx = await startNginx(at('html'), at('nginx'));
  onTestFinished(nginx.close);
  const base = `${nginx.origin}/mirror`;
  await makeMirror(at('html/mirror'), { request: { ...request, public_url: base } });
  const shown = await send(nginx.origin, '/mirror/');
  expect([shown.status, shown.body.toString()]).toEqual([200, expect.stringContaining('</html>')]);
  const text = shown.body.toString();
  const links = [...text.matchAll(/(?:href|action)="(\/[^"#]*)/g)].map(([, link]) => link ?? '');
  const commands = [...text.matchAll(/curl [^<]*?(http:[^\s<]+)/g)].map(
    ([, url]) => new URL(url ?? '').pathname,
  );
  expect(links.length + commands.length).toBeGreaterThan(4);
  for (const path of new Set([...links, ...commands]))
    expect([path, (await send(nginx.origin, path)).status]).toEqual([path, 200]);
});
