import { mkdtemp, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listSnapshots } from '../../builder/bucket/snapshots.ts';
import { readSeen, rememberSnapshot } from '../../builder/verify/seen.ts';
import { channelKey, POINTER, type SnapshotId, snapshotKey, snapshotName } from '../../format/layout.ts';
import { publicKeyLine } from '../../format/minisign/public-key.ts';
import { commandLine } from '../support/command-line.ts';
import { TEST_KEY } from '../support/keys.ts';
import { makeMirror } from '../support/mirror.ts';
import { needs } from '../support/programs.ts';
import { startR2Front } from '../support/r2-front.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { startTestWorker, type TestWorker } from '../support/worker.ts';
import { type HttpsProxy, startProxy, startTlsFront, type TlsFront } from './front.ts';
import { STOUT_REQUEST } from './released/servers.ts';
import { PLATFORM, ReleasedStout } from './released/stout.ts';
import { StoutClient } from './stout.ts';
import { Transport } from './transport.ts';

const DAY = 24 * 60 * 60;
const daysAgo = (days: number): Date => new Date(Date.now() - days * DAY * 1000);
const folder = await temporaryFolder();
const trust = ['--trust', publicKeyLine(TEST_KEY.publicKey)];

describe('stout, from a channel and from a kept snapshot', needs('openssl'), () => {
  let front: TlsFront;
  let worker: TestWorker;
  let proxy: HttpsProxy;
  /** Twenty days old, and valid for 45. */
  let old: SnapshotId;

  beforeAll(async () => {
    front = await startTlsFront();
    proxy = await startProxy();
    worker = await startTestWorker({ PUBLIC_URL: front.origin });
    front.leadTo(worker.origin);
    const { bucket, close } = await startR2Front(worker);
    const mirror = join(folder, 'mirror');
    const request = { ...STOUT_REQUEST, packages: ['jq'] };
    await makeMirror(mirror, { request: { ...request, valid_for: 45 * DAY }, now: daysAgo(20) });
    await worker.publish(mirror, { bucket });
    [old = { version: 0, signer: '' }] = await listSnapshots(bucket);
    await moveTo('canary', old);
    await makeMirror(mirror, { request: { ...request, packages: ['gtk+3'], valid_for: 5 * DAY } });
    await worker.publish(mirror, { bucket });
    close();
  });
  afterAll(async () => {
    front.close();
    proxy.close();
    await worker.close();
  });

  /** Makes a channel have a kept snapshot. */
  async function moveTo(channel: string, id: SnapshotId): Promise<void> {
    const document = await worker.binding.get(snapshotKey(id));
    await worker.binding.put(channelKey(channel), (await document?.text()) ?? '');
  }

  const PLACES: [what: string, base: () => string][] = [
    ['a channel', () => '/channels/canary'],
    ['a kept snapshot by its name', () => `/at/${snapshotName(old)}`],
    ['a kept snapshot by its version', () => `/at/${old.version}`],
  ];

  /** The configuration that the mirror offers there. */
  async function configAt(base: string): Promise<string> {
    const ca = await readFile(front.authority, 'utf8');
    return (await new Transport({ ca }).send(`${front.origin}${base}/config/stout.toml`)).body.toString();
  }

  test.each(PLACES)(
    '%s: it installs what is there and not at the root, and asks nobody else',
    async (_what, base) => {
      const ca = await readFile(front.authority, 'utf8');
      const transport = new Transport({ ca });
      const own = await mkdtemp(join(folder, 'client-'));
      const client = new StoutClient({
        ...{ config: await configAt(base()), platform: 'x86_64_linux', folder: own, transport },
      });
      await client.update();
      expect((await client.install('jq')).map(({ name }) => name)).toContain('jq');
      for (const { url } of transport.exchanges) expect(url).toContain(`${front.origin}${base()}/`);
    },
  );

  test('the released stout does so too', needs('stout'), async () => {
    for (const [, base] of PLACES) {
      const environment = { proxy: proxy.url, authority: front.authority };
      const stout = await ReleasedStout.of(folder, await configAt(base()), environment);
      expect(await stout.done('update')).toContain('Signature verified');
      await stout.done('install', 'jq');
      expect(await stout.runInstalled('jq')).toBe(`jq 1.7.1 ${PLATFORM}\n`);
    }
    expect(proxy.hosts).toEqual([]);
  });

  test.each(PLACES)('%s: config prints for how long it is valid there', async (_what, base) => {
    const { status, stdout } = await commandLine(['config', worker.origin + base(), ...trust]);
    expect([status, stdout]).toEqual([0, expect.stringContaining(`max_signature_age = ${45 * DAY}\n`)]);
    expect(stdout).toContain(`base_url = "${worker.origin}${base()}/index"`);
    const { stdout: root } = await commandLine(['config', worker.origin, ...trust]);
    expect(root).toContain(`max_signature_age = ${5 * DAY}\n`);
  });

  test('config --client brew prints addresses below the place', async () => {
    const url = `${worker.origin}/at/${old.version}`;
    const { stdout } = await commandLine(['config', url, '--client', 'brew']);
    expect(stdout).toContain(`\nHOMEBREW_API_DOMAIN=${url}/api\n`);
    expect(stdout).toContain(`\nHOMEBREW_BOTTLE_DOMAIN=${url}/bottles\n`);
    expect(stdout).toContain(`\n# HOMEBREW_ARTIFACT_DOMAIN=${url}\n`);
  });

  test('verify remembers each channel by itself, and nothing of a kept snapshot', async () => {
    const state = await mkdtemp(join(folder, 'state-'));
    const environment = { XDG_STATE_HOME: state };
    const verify = (base: string) =>
      commandLine(
        ['verify', worker.origin + base, '--json', '--public-url', front.origin + base, ...trust],
        environment,
      );
    const [channel = '', named = '', numbered = ''] = PLACES.map(([, base]) => base());
    // The root has the newest; the others are older, and not a rollback.
    for (const base of ['', channel, named, numbered])
      expect(await verify(base)).toMatchObject({ status: 0 });
    const { mirror, version } = JSON.parse((await verify('')).stdout).snapshot;
    const seen = join(state, 'stout-mirror');
    const ofSigner = (found: number) => ({ [mirror]: { [old.signer]: found } });
    expect(await readSeen(seen)).toEqual(ofSigner(version));
    expect(await readSeen(seen, 'canary')).toEqual(ofSigner(old.version));
    await rememberSnapshot(seen, { mirror, version }, TEST_KEY, 'canary');
    const { status, stdout } = await verify(channel);
    expect([status, stdout]).toEqual([3, expect.stringContaining('older than one that was seen')]);
    for (const base of ['', named, numbered]) expect(await verify(base)).toMatchObject({ status: 0 });
  });

  test('a kept snapshot at an address that names another one is a finding', async () => {
    const { root, signature } = JSON.parse((await (await worker.binding.get(POINTER))?.text()) ?? '{}');
    const server = createServer(({ url = '' }, response) => {
      response.end(url.endsWith('.sig') ? signature : root);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    for (const name of [snapshotName(old), old.version]) {
      const url = `http://127.0.0.1:${port}/at/${name}`;
      const { status, stdout } = await commandLine(['verify', url, ...trust]);
      expect([status, stdout]).toEqual([1, expect.stringContaining('another snapshot than it names')]);
    }
    server.close();
  });

  test('diff reads two places, and pull takes a channel but no kept snapshot', async () => {
    const [channel, kept] = PLACES.map(([, base]) => worker.origin + base());
    const { status, stdout } = await commandLine(['diff', kept ?? '', worker.origin, ...trust]);
    expect([status, stdout]).toEqual([0, expect.stringContaining('gtk+3')]);
    const pulled = join(folder, 'pulled');
    expect(await commandLine(['pull', pulled, '--url', channel ?? '', ...trust])).toMatchObject({
      status: 0,
    });
    expect((await commandLine(['info', pulled, '--json'])).stdout).toContain(`"version": ${old.version}`);
    const refused = await commandLine(['pull', join(folder, 'other'), '--url', kept ?? '', ...trust]);
    expect([refused.status, refused.stderr]).toEqual([2, expect.stringContaining('kept snapshot')]);
  });
});
