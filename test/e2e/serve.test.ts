import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { readContents } from '../../builder/directory/mirror.ts';
import { isPackageFile } from '../../format/layout.ts';
import { publicKeyLine } from '../../format/minisign/public-key.ts';
import { OTHER_KEY } from '../format/support.ts';
import { commandLine } from '../support/command-line.ts';
import { figuresAt } from '../support/figures.ts';
import { jsonOf, send } from '../support/http.ts';
import { TEST_KEY } from '../support/keys.ts';
import { makeMirror, REQUEST } from '../support/mirror.ts';
import { MAIN, needs, stoutMirror } from '../support/programs.ts';
import { sendText } from '../support/raw-http.ts';
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

/** Starts `serve` with its log on standard output, and waits until it says on standard error where it is. */
async function startLogging(...options: string[]) {
  const args = [MAIN, 'serve', mirror, '--trust', publicKeyLine(TEST_KEY.publicKey), '-p', '0', ...options];
  const child = spawn(process.execPath, args, { env: process.env });
  onTestFinished(() => void child.kill('SIGKILL'));
  const said = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].on('data', (text) => {
      said[stream] += text;
    });
  }
  const last = options.includes('--metrics') ? 'Figures' : 'Serving';
  await expect.poll(() => said.stderr, { timeout: 20_000 }).toMatch(new RegExp(`${last}.*\n`));
  const [address = '', figures] = said.stderr.match(/http:\/\/[^/]+(?:\/metrics)?/g) ?? [];
  const lines = () => said.stdout.trimEnd().split('\n');
  return { address, figures, lines, child, said };
}

describe('serve with a log that programs read', () => {
  test('writes a line of the common log format for each response, until nobody reads it', async () => {
    const { address, lines, child, said } = await startLogging('--log-format', 'common');
    const { body } = await send(address, '/manifest.json?a=%22');
    await send(address, '/manifest.json', { method: 'HEAD' });
    await sendText(address, 'GET /a"b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    await sendText(address, 'GET http://user:secret@a/b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    await expect.poll(lines).toHaveLength(4);
    const time = '\\[\\d\\d/[A-Z][a-z]{2}/\\d{4}:\\d\\d:\\d\\d:\\d\\d \\+0000\\]';
    const requests = [
      `"GET /manifest.json\\?a=%22 HTTP/1.1" 200 ${body.length}`,
      '"HEAD /manifest.json HTTP/1.1" 200 -',
      '"GET /a\\\\x22b HTTP/1.1" 404 \\d+',
      '"GET /b HTTP/1.1" 404 \\d+',
    ];
    const expected = requests.map((request) => new RegExp(`^127\\.0\\.0\\.1 - - ${time} ${request}$`));
    expect(lines()).toEqual(expected.map((line) => expect.stringMatching(line)));
    // Each takes four bytes of a line for one of its own.
    const long = `HEAD /manifest.json?${'"'.repeat(15_000)} HTTP/1.1\r\nHost: a\r\n`;
    child.stdout.pause();
    await sendText(address, `${`${long}\r\n`.repeat(100)}${long}Connection: close\r\n\r\n`);
    await expect
      .poll(() => said.stderr.match(/.*lines.* are missing.*/g))
      .toEqual(['The log cannot be written, so that lines of it are missing: standard output is not read']);
  });

  test('writes a line of JSON, and shows figures where --metrics says', async () => {
    const { address, figures, lines } = await startLogging(
      '--log-format',
      'json',
      '--metrics',
      '127.0.0.1:0',
    );
    const { headers, body } = await send(address, '/manifest.json');
    await send(address, '/absent');
    const long = 'b'.repeat(3000);
    await sendText(address, `GET /${long} HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n`);
    await sendText(address, '\x16\x03\x01');
    await expect.poll(lines).toHaveLength(4);
    const [found, refused, malformed, noHttp] = lines().map((line) => JSON.parse(line));
    expect(found).toEqual({
      ...{ time: expect.any(String), request_id: headers['x-request-id'], method: 'GET', route: '/*' },
      ...{ path: '/manifest.json', status: 200, bytes: body.length, snapshot: expect.any(Number) },
      ...{ ms: expect.any(Number), total_ms: expect.any(Number) },
    });
    expect(found.total_ms).toBeGreaterThan(0);
    expect(refused).toMatchObject({ status: 404, code: 'no-such-path' });
    const malformedRequest = {
      ...{ time: expect.any(String), route: 'malformed', message: expect.any(String) },
      ...{ ms: expect.any(Number), total_ms: expect.any(Number) },
    };
    expect(malformed).toEqual({
      ...{ ...malformedRequest, method: 'GET', path: `/${long}`.slice(0, 2048), status: 400 },
      ...{ bytes: expect.any(Number), code: 'bad-input' },
    });
    expect(malformed.ms % 1).toBe(0);
    expect(noHttp).toEqual({ ...malformedRequest, method: '-', path: '', status: 405, bytes: 0 });
    expect(await figuresAt(figures, 'stout_mirror_http_requests_total')).toEqual({
      '{route="/*",method="GET",status="200"}': 1,
      '{route="/*",method="GET",status="404"}': 1,
      '{route="malformed",method="GET",status="400"}': 1,
      '{route="malformed",method="other",status="405"}': 1,
    });
  });

  test('serves on when the disk of standard error is full', async () => {
    const full = openSync('/dev/full', 'w');
    onTestFinished(() => closeSync(full));
    const trust = ['--trust', publicKeyLine(TEST_KEY.publicKey)];
    const child = spawn(process.execPath, [MAIN, 'serve', mirror, ...trust, '-p', '0', '--log-access'], {
      env: process.env,
      stdio: ['ignore', 'pipe', full],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    const [line] = child.stdout ? await once(createInterface(child.stdout), 'line') : [];
    const address = /http:\/\/[^/]+/.exec(String(line))?.[0] ?? '';
    for (let request = 0; request < 2; request++)
      expect((await send(address, '/manifest.json')).status).toBe(200);
  });

  test('serves on when the disk of its log is full, and says so once', async () => {
    const full = openSync('/dev/full', 'w');
    onTestFinished(() => closeSync(full));
    const args = [MAIN, 'serve', mirror, '--trust', publicKeyLine(TEST_KEY.publicKey), '-p', '0'];
    const child = spawn(process.execPath, [...args, '--log-format', 'common'], {
      env: process.env,
      stdio: ['ignore', full, 'pipe'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    let stderr = '';
    child.stderr?.on('data', (text) => {
      stderr += text;
    });
    await expect.poll(() => stderr, { timeout: 20_000 }).toContain('Serving');
    const address = /http:\/\/[^/]+/.exec(stderr)?.[0] ?? '';
    for (let request = 0; request < 3; request++)
      expect((await send(address, '/manifest.json')).status).toBe(200);
    expect(stderr.match(/The log cannot be written/g)).toHaveLength(1);
  });

  test('refuses two kinds of log at once', async () => {
    const ended = await commandLine(['serve', mirror, '--log-access', '--log-format', 'json']);
    expect(ended).toMatchObject({ status: 2, stdout: '', stderr: expect.stringContaining('--log-access') });
  });

  test.each([
    ['9001', 'HOST:PORT'],
    ['localhost', 'HOST:PORT'],
    ['::1:9001', 'HOST:PORT'],
    ['[127.0.0.1]:9001', 'HOST:PORT'],
    ['127.0.0.1:65536', 'HOST:PORT'],
    ['http://127.0.0.1:9001', 'HOST:PORT'],
    ['127.0.0.1:9000', 'another port'],
  ])('refuses --metrics %s', async (address, reason) => {
    const ended = await commandLine(['serve', mirror, '--metrics', address]);
    expect(ended).toMatchObject({ status: 2, stdout: '', stderr: expect.stringContaining(reason) });
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
