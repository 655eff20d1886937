import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { readContents } from '../../builder/directory/mirror.ts';
import { isPackageFile } from '../../format/layout.ts';
import { publicKeyLine } from '../../format/minisign/public-key.ts';
import { OTHER_KEY } from '../format/support.ts';
import { jsonOf, send } from '../support/http.ts';
import { TEST_KEY } from '../support/keys.ts';
import { makeMirror, REQUEST } from '../support/mirror.ts';
import { MAIN, needs, stoutMirror } from '../support/programs.ts';
import { temporaryFolder } from '../support/temporary.ts';

const mirror = join(await temporaryFolder(), 'my-mirror');
beforeAll(() => makeMirror(mirror, { request: { ...REQUEST, packages: ['jq'], casks: [] } }));

/** Starts `serve` as a process and waits for the line that says where. */
async function startServe(...options: string[]) {
  return start([mirror, '--trust', publicKeyLine(TEST_KEY.publicKey), ...options]);
}

async function start(
  args: readonly string[],
  environment: Record<string, string> = {},
  launcher: readonly string[] = [],
) {
  const [program = '', ...rest] = [...launcher, process.execPath, MAIN, 'serve', ...args];
  const child = spawn(program, rest, {
    env: { ...process.env, ...environment },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let stderr = '';
  child.stderr.on('data', (text) => {
    stderr += text;
  });
  const said = () => stderr;
  const ended = once(child, 'exit');
  const [line] = await once(createInterface(child.stdout), 'line');
  return { child, ended, said, address: /http:\/\/[^/]+/.exec(String(line))?.[0] ?? '' };
}

describe('serve', () => {
  test.each([
    [['--port', '0'], 'http://127.0.0.1:'],
    [['-p', '0'], 'http://127.0.0.1:'],
    [['--host', '0.0.0.0', '--port', '0'], 'http://0.0.0.0:'],
    [['--bind', '127.0.0.1', '-p', '0'], 'http://127.0.0.1:'],
  ])('with %j listens there and answers', async (options, address) => {
    const served = await startServe(...options);
    expect(served.address).toContain(address);
    const origin = served.address.replace('0.0.0.0', '127.0.0.1');
    expect(jsonOf(await send(origin, '/index/manifest.json'))).toMatchObject({ stout_min_version: '0.1.0' });
  });

  test.each(['SIGINT', 'SIGTERM'] as const)('logs each request, and ends in order at %s', async (signal) => {
    const { address, child, ended, said } = await startServe('-p', '0', '--log-access');
    expect((await send(address, '/api/v1/health')).status).toBe(200);
    await expect.poll(said).toContain('200 GET /api/v1/health');
    child.kill(signal);
    expect(await ended).toEqual([0, null]);
  });
});

describe('with few open files', needs('bash'), () => {
  test('serve answers what needs hashing, and goes on, while others hold connections open', async () => {
    const { address, child, ended } = await start(
      [mirror, '--trust', publicKeyLine(TEST_KEY.publicKey), '-p', '0'],
      {},
      ['bash', '-c', 'ulimit -n 80; exec "$0" "$@"'],
    );
    const { port, hostname } = new URL(address);
    // What is left is for one request: a connection, a file, and one to spare.
    const open = (await readdir(`/proc/${child.pid}/fd`)).length;
    const idle = Array.from({ length: 80 - open - 3 }, () =>
      connect(Number(port), hostname).on('error', () => undefined),
    );
    onTestFinished(() => idle.forEach((socket) => void socket.destroy()));
    await Promise.all(idle.map((socket) => once(socket, 'connect')));
    const { entries = [] } = (await readContents(mirror)) ?? {};
    const large = entries.filter(({ name, size = 0 }) => isPackageFile(name) && size > 64 * 1024);
    const paths = large.map(({ name }) => `/${name}`);
    expect(paths).not.toEqual([]);
    const statuses: number[] = [];
    for (const path of paths) statuses.push((await send(address, path)).status);
    expect(statuses).toEqual(paths.map(() => 200));
    expect((await send(address, '/api/v1/health')).status).toBe(200);
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  });
});

describe('serve of a mirror that clients cannot use', () => {
  test('says at its start that the snapshot has expired, and that tokens can be read', async () => {
    const old = join(dirname(mirror), 'old');
    const request = { ...REQUEST, packages: ['jq'], casks: [] };
    await makeMirror(old, { request, now: new Date('2026-01-01T00:00:00Z') });
    const options = [old, '-p', '0', '--host', '0.0.0.0', '--trust', publicKeyLine(TEST_KEY.publicKey)];
    const { said, address } = await start([...options, '--expired', 'refuse'], { MIRROR_TOKEN: 'secret' });
    await expect.poll(said).toContain('--public-url');
    expect(said()).toContain('expired: the snapshot was valid until 2026-01-31');
    const headers = { authorization: 'Bearer secret' };
    const origin = address.replace('0.0.0.0', '127.0.0.1');
    expect((await send(origin, '/manifest.json', { headers })).status).toBe(503);
  });

  test('says at its start that no trusted key has signed it', async () => {
    const key = publicKeyLine(OTHER_KEY.publicKey);
    const { said } = await start([mirror, '-p', '0', '--trust', key]);
    await expect.poll(said).toMatch(/key/);
  });
});

describe('the program', () => {
  test('ends with the status of its command line, results on standard output and errors on standard error', async () => {
    expect(await stoutMirror(['nothing'])).toMatchObject({
      status: 2,
      stdout: '',
      stderr: expect.stringContaining('unknown command'),
    });
    const report = await stoutMirror([
      'verify',
      mirror,
      '--json',
      '--trust',
      publicKeyLine(TEST_KEY.publicKey),
    ]);
    expect([report.status, report.stderr]).toEqual([0, expect.stringContaining('Verifying')]);
    expect(JSON.parse(report.stdout)).toMatchObject({ ok: true });
  });
});
