import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { serveDirectory } from '../../builder/serve.ts';
import { formatPublicKey } from '../../format/minisign/public-key.ts';
import { sha256 } from '../builder/upstream.ts';
import { commandLine } from '../support/command-line.ts';
import { TEST_KEY } from '../support/keys.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { HistoryWorld } from './world.ts';

const world = new HistoryWorld(await temporaryFolder());
const { mirror: directory } = world;
const trusted = [TEST_KEY.publicKey];
const PUBLIC = formatPublicKey(TEST_KEY.publicKey).trim().split('\n').at(-1) ?? '';
const versions: number[] = [];
let server: Awaited<ReturnType<typeof serveDirectory>>;

const get = (path: string) => fetch(new URL(path, server.origin));
const versionAt = async (base: string): Promise<unknown> =>
  Object(await (await get(`${base}/snapshot/root.json`)).json()).version;
/** Runs a verb on the folder, as somebody who has the public key alone. */
const inFolder = (...args: string[]) =>
  commandLine([...args, directory, ...(args[0] === 'promote' ? ['--trust', PUBLIC] : [])]);
const bottle = (number: number): string => `bottles/package-0-${number}.0.all.bottle.tar.gz`;

/** Three snapshots are kept; the second is in a channel, and the first is pinned and dropped by no later one. */
beforeAll(async () => {
  versions.push(await world.edition(1, '--keep-snapshots', '3'));
  expect(await inFolder('pin', String(versions[0]))).toMatchObject({ status: 0 });
  versions.push(await world.edition(2));
  expect(await inFolder('promote', 'current', 'stable')).toMatchObject({ status: 0 });
  for (const number of [3, 4, 5]) versions.push(await world.edition(number));
  server = await serveDirectory({ directory, host: '127.0.0.1', port: 0, trusted, clock: () => new Date() });
});

afterAll(() => server.close());

describe('serve of a folder with history', () => {
  test('answers below /at/ and /channels/ with the snapshot that is meant, and each verifies', async () => {
    const places = [
      ['', 5],
      [`/at/${versions[0]}`, 1],
      ['/channels/stable', 2],
      [`/at/${versions[2]}`, 3],
      [`/at/${versions[3]}`, 4],
    ] as const;
    for (const [base, number] of places) {
      expect([base, await versionAt(base)]).toEqual([base, versions[number - 1]]);
      const file = await get(`${base}/${bottle(number)}`);
      const text = `package 0 ${number}.0\n`.repeat(5000);
      expect([base, sha256(new Uint8Array(await file.arrayBuffer()))]).toEqual([base, sha256(text)]);
      expect((await get(`${base}/${bottle(6)}`)).status).toBe(404);
      const verified = await get(`${base}/verify?deep=1`);
      expect(await verified.json()).toMatchObject({ ok: true, snapshot: { version: versions[number - 1] } });
    }
    expect((await get(`/at/${versions[0]}/${bottle(2)}`)).status).toBe(404);
    expect((await get('/at/17/')).status).toBe(404);
  });

  test('moves a channel while it runs, and refuses what was withdrawn wherever it is listed', async () => {
    expect(await inFolder('promote', 'current', 'stable')).toMatchObject({ status: 0 });
    expect(await versionAt('/channels/stable')).toBe(versions[4]);
    expect(await world.outside('withdraw', directory, 'package-0', 'small')).toMatchObject({ status: 0 });
    for (const base of ['/channels/stable', `/at/${versions[0]}`])
      for (const number of [1, 5])
        expect((await get(`${base}/${bottle(number)}`)).status).toBeGreaterThanOrEqual(404);
    expect((await get(`/channels/stable/${bottle(5)}`)).status).toBe(424);
    expect((await get(`/channels/stable/bottles/package-1-1.0.all.bottle.tar.gz`)).status).toBe(200);
  });

  test('has verbs for a folder, which take no bucket besides', async () => {
    const { stdout } = await inFolder('channels', '--json');
    expect(JSON.parse(stdout).channels.map(({ name }: { name: string }) => name)).toEqual([
      'current',
      'stable',
    ]);
    const listed = await inFolder('snapshots', '--json');
    expect(JSON.parse(listed.stdout).snapshots[0]).toMatchObject({ state: 'live', channels: ['current'] });
    expect((await inFolder('snapshots')).stdout).toContain('the pin is removed');
    for (const args of [['channels'], ['snapshots'], ['promote', 'current', 'stable'], ['pin', '17']]) {
      const { status, stderr } = await inFolder(...args, '--bucket', 'some-bucket');
      expect([args, status, stderr]).toEqual([args, 2, expect.stringContaining('not both')]);
    }
    const refused = await inFolder('promote', 'stable', 'current');
    expect([refused.status, refused.stderr]).toEqual([
      1,
      expect.stringContaining('always what was made last'),
    ]);
    expect(await inFolder('pin', String(versions[0]), '--remove')).toMatchObject({ status: 0 });
    expect(await inFolder('channels', '--remove', 'stable')).toMatchObject({ status: 0 });
    expect((await get('/channels/stable/snapshot/root.json')).status).toBe(404);
  });
});
