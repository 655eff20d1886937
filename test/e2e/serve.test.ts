import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { publicKeyLine } from '../../format/minisign/public-key.ts';
import { jsonOf, send } from '../support/http.ts';
import { TEST_KEY } from '../support/keys.ts';
import { makeMirror, REQUEST } from '../support/mirror.ts';
import { MAIN, stoutMirror } from '../support/programs.ts';
import { temporaryFolder } from '../support/temporary.ts';

const mirror = join(await temporaryFolder(), 'my-mirror');
beforeAll(() => makeMirror(mirror, { request: { ...REQUEST, packages: ['jq'], casks: [] } }));

/** Starts `serve` as a process and waits for the line that says where. */
async function startServe(...options: string[]) {
  const args = [MAIN, 'serve', mirror, '--trust', publicKeyLine(TEST_KEY.publicKey), ...options];
  const child = spawn(process.execPath, args);
  onTestFinished(() => void child.kill('SIGKILL'));
  const ended = once(child, 'exit');
  const [line] = await once(createInterface(child.stdout), 'line');
  return { child, ended, address: /http:\/\/[^/]+/.exec(String(line))?.[0] ?? '' };
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
    const { address, child, ended } = await startServe('-p', '0', '--log-access');
    expect((await send(address, '/api/v1/health')).status).toBe(200);
    const [logged] = await once(child.stderr, 'data');
    expect(String(logged)).toContain('200 GET /api/v1/health');
    child.kill(signal);
    expect(await ended).toEqual([0, null]);
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
