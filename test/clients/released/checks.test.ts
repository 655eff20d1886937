import { join } from 'node:path';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { signMirror } from '../../../builder/sign.ts';
import { stoutConfig } from '../../../format/client-config.ts';
import { sha256Hex } from '../../../format/digest.ts';
import { OTHER_KEY, TEST_KEY } from '../../support/keys.ts';
import { makeMirror, THIRTY_DAYS } from '../../support/mirror.ts';
import { needs } from '../../support/programs.ts';
import { temporaryFolder } from '../../support/temporary.ts';
import { type HttpsProxy, type Replaced, startProxy } from '../front.ts';
import { type Served, STOUT_REQUEST, serve, serveOverTls } from './servers.ts';
import { ReleasedStout } from './stout.ts';

const DAY = 24 * 60 * 60 * 1000;
const HOMEBREW = 'formulae.brew.sh';
const folder = await temporaryFolder();
const mirror = join(folder, 'mirror');

/** An answer that changes the JSON at a path that ends so. */
const changing =
  (end: string, change: (json: Record<string, unknown>) => object) =>
  (path: string, body: Buffer): Replaced | undefined => {
    if (!path.endsWith(end)) return undefined;
    const isPacked = end.endsWith('.zst');
    const text = (isPacked ? zstdDecompressSync(body) : body).toString();
    const changed = Buffer.from(JSON.stringify(change(JSON.parse(text))));
    return { body: isPacked ? zstdCompressSync(changed) : changed };
  };

const flipped =
  (end: string) =>
  (path: string, body: Buffer): Replaced | undefined =>
    path.endsWith(end) ? { body: Buffer.concat([body, Buffer.from('x')]) } : undefined;

const withoutSignature = changing('/index/manifest.json', ({ signature, ...rest }) => rest);

describe('what the released stout checks', needs('stout', 'openssl'), () => {
  let proxy: HttpsProxy;
  let served: Served;
  let stout: ReleasedStout;

  beforeAll(async () => {
    await makeMirror(mirror, { request: STOUT_REQUEST });
    proxy = await startProxy();
    served = await serve(mirror);
  });
  beforeEach(async () => {
    stout = await ReleasedStout.of(folder, served.config, { proxy: proxy.url });
  });
  afterEach(() => {
    served.front.alter(undefined);
    proxy.hosts.length = 0;
  });
  afterAll(async () => {
    await served.close();
    proxy.close();
  });

  async function expectRefused(command: string[], reason: string): Promise<void> {
    const { status, output } = await stout.run(...command);
    expect([status, output]).toEqual([1, expect.stringContaining(reason)]);
    expect(await stout.installed()).toEqual([]);
  }

  test('an index signed by another key is refused', async () => {
    const publicKeys = [OTHER_KEY.publicKey];
    await stout.configure(stoutConfig({ origin: served.origin, publicKeys, validFor: THIRTY_DAYS }));
    await expectRefused(['update'], 'Signature verification failed');
    await expectRefused(['install', 'jq'], 'not initialized');
  });

  test('an index without a signature is refused by what `config` prints for http', async () => {
    served.front.alter(withoutSignature);
    await expectRefused(['update'], 'not signed');
  });

  test('which the pair of settings that only looks strict does not refuse', async () => {
    await stout.configure(
      served.config
        .replace('require_signature = false', 'require_signature = true')
        .replace('allow_unsigned = false', 'allow_unsigned = true'),
    );
    served.front.alter(withoutSignature);
    expect(await stout.done('update')).toContain('Manifest is unsigned');
  });

  test('the strict pair is refused over http', async () => {
    await stout.configure(served.config.replace('require_signature = false', 'require_signature = true'));
    await expectRefused(['update'], 'must use HTTPS');
  });

  test('a changed signature is refused', async () => {
    const signature = '0'.repeat(128);
    served.front.alter(changing('/index/manifest.json', (json) => ({ ...json, signature })));
    await expectRefused(['update'], 'Signature verification failed');
  });

  test('a changed index of formulas is refused', async () => {
    served.front.alter(flipped('/formulas/index.db.zst'));
    await expectRefused(['update'], 'hecksum mismatch');
  });

  test('a changed index of casks is only left out, with a warning', async () => {
    served.front.alter(flipped('/casks/index.db.zst'));
    expect(await stout.done('update')).toContain('Failed to sync cask index');
    expect(await stout.done('search', 'firefox')).toContain('No results');
  });

  test('an index of casks that somebody replaced is accepted with a changed manifest: nothing signs it', async () => {
    const answer = await fetch(`${served.origin}/index/casks/index.db.zst`);
    const database = zstdDecompressSync(Buffer.from(await answer.arrayBuffer())).toString('latin1');
    const body = zstdCompressSync(Buffer.from(database.replaceAll('Web browser', 'Bad browser'), 'latin1'));
    const inManifest = changing('/index/manifest.json', ({ indexes, ...rest }) => ({
      ...rest,
      indexes: { ...Object(indexes), casks: { count: 1, db_size: body.length, db_sha256: sha256Hex(body) } },
    }));
    served.front.alter((path, sent) =>
      path.endsWith('/casks/index.db.zst') ? { body } : inManifest(path, sent),
    );
    await stout.done('update');
    expect(await stout.done('search', 'firefox')).toContain('Bad browser');
  });

  test('a changed file of a cask is refused', async () => {
    await stout.done('update');
    served.front.alter(flipped('.dmg'));
    await expectRefused(['install', '--cask', 'firefox'], 'hecksum mismatch');
  });

  test('a changed bottle is refused', async () => {
    await stout.done('update');
    served.front.alter(flipped('.bottle.tar.gz'));
    await expectRefused(['install', 'jq'], 'hecksum mismatch');
  });

  test('package JSON that names another bottle is accepted: nothing signs it', async () => {
    await stout.done('update');
    const { origin } = served.front;
    const { bottles } = await jsonOf(`${origin}/index/formulas/data/o/openssl@3.json.zst`);
    served.front.alter(changing('/jq.json.zst', (json) => ({ ...json, bottles })));
    await stout.done('install', 'jq');
    expect(await stout.runInstalled('openssl@3')).toContain('openssl@3');
  });

  test.each([401, 404, 410, 424, 502, 503])(
    'when package JSON is refused with %i, stout asks Homebrew',
    async (status) => {
      await stout.done('update');
      served.front.alter((path) => (path.endsWith('.json.zst') ? { status } : undefined));
      await expectRefused(['install', 'jq'], HOMEBREW);
      expect(new Set(proxy.hosts)).toEqual(new Set([HOMEBREW]));
    },
  );

  test('when a name is not in the index, install asks nobody (0.2.2 does), and info asks Homebrew', async () => {
    await stout.done('update');
    expect((await stout.run('install', 'wget')).output).toContain("'wget' not found");
    expect(proxy.hosts).toEqual([]);
    await stout.run('info', 'wget');
    expect(new Set(proxy.hosts)).toEqual(new Set([HOMEBREW]));
  });

  test('if Homebrew can be reached, stout then installs from there, without a warning', async () => {
    const homebrew = await serveOverTls(mirror, HOMEBREW);
    const open = await startProxy(homebrew.front);
    const { bottles } = await jsonOf(`${served.origin}/index/formulas/data/o/openssl@3.json.zst`);
    const answer = Buffer.from(JSON.stringify(homebrewJson('oniguruma', '6.9.10', bottles)));
    homebrew.front.alter(() => ({ status: 200, body: answer }));
    stout = await ReleasedStout.of(folder, served.config, { proxy: open.url, authority: homebrew.authority });
    await stout.done('update');
    served.front.alter((path) => (path.endsWith('/oniguruma.json.zst') ? { status: 502 } : undefined));
    const { status, output } = await stout.run('install', 'oniguruma');
    expect([status, output]).toEqual([0, expect.not.stringMatching(/brew\.sh|502|fall|ERROR/)]);
    expect(homebrew.front.passed.map(({ path }) => path)).toEqual(['/api/formula/oniguruma.json']);
    open.close();
    await homebrew.close();
  });

  test('an expired index is refused over https, and over http it is not', async () => {
    const old = join(folder, 'old');
    await makeMirror(old, { request: STOUT_REQUEST, now: new Date(Date.now() - 31 * DAY) });
    const [plain, secure] = [await serve(old), await serveOverTls(old)];
    stout = await ReleasedStout.of(folder, plain.config, { proxy: proxy.url });
    await stout.done('update');
    const { config, authority } = secure;
    stout = await ReleasedStout.of(folder, config, { proxy: proxy.url, authority });
    await expectRefused(['update'], 'expired');
    await Promise.all([plain.close(), secure.close()]);
  });

  test('when another key signs the same packages, upgrade looks at the signature and refuses it', async () => {
    const moved = join(folder, 'moved');
    await makeMirror(moved, { request: STOUT_REQUEST });
    const later = await serve(moved);
    stout = await ReleasedStout.of(folder, later.config, { proxy: proxy.url });
    await stout.done('update');
    expect(await stout.done('upgrade')).not.toContain('Index is outdated');
    await signMirror({
      ...{ directory: moved, key: OTHER_KEY, trusted: [TEST_KEY.publicKey], cache: folder },
      ...{ now: new Date(), validFor: THIRTY_DAYS },
    });
    await expectRefused(['upgrade'], 'Signature verification failed');
    await later.close();
  });

  test('a certificate by an unknown authority is refused', async () => {
    const secure = await serveOverTls(mirror);
    stout = await ReleasedStout.of(folder, secure.config, { proxy: proxy.url });
    await expectRefused(['update'], 'error sending request');
    await secure.close();
  });
});

async function jsonOf(url: string): Promise<{ bottles: object }> {
  const answer = await fetch(url);
  return JSON.parse(zstdDecompressSync(Buffer.from(await answer.arrayBuffer())).toString());
}

/** A formula as formulae.brew.sh describes one, with bottles as a mirror names them. */
const homebrewJson = (name: string, stable: string, files: object) => ({
  ...{ name, full_name: name, tap: 'homebrew/core', desc: null, homepage: null, license: null, revision: 0 },
  ...{ versions: { stable }, bottle: { stable: { files } }, caveats: null },
});
