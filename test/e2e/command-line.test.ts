import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, inject, test } from 'vitest';
import { send } from '../support/http.ts';
import { MAIN, stoutMirror } from '../support/programs.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder();
const environment = { XDG_CONFIG_HOME: join(folder, 'config'), MIRROR_SIGNING_KEY: '' };
const mirror = join(folder, 'my-mirror');
const run = (...args: string[]) => stoutMirror(args, environment);
const upstream = ['--upstream', inject('upstream')];

describe('a first day with stout-mirror', () => {
  test('create makes a key, prints it both ways, and makes the mirror', async () => {
    const { status, stdout, stderr } = await run(
      'create',
      mirror,
      'jq',
      'wget',
      '--platforms',
      'x86_64_linux',
      ...upstream,
    );
    expect([status, stdout]).toEqual([0, expect.stringContaining('9 formulas, 0 casks in')]);
    expect(stderr).toMatch(/RW[A-Za-z0-9+/]{54}\n/);
    expect(stderr).toMatch(/as hex, for stout: [0-9a-f]{64}\n/);
    const key = join(folder, 'config', 'stout-mirror', 'mirror.pub');
    expect(stderr).toContain((await readFile(key, 'utf8')).trim());
  });

  test('verify proves it with that key, and info tells what it is', async () => {
    expect(await run('verify', mirror)).toMatchObject({ status: 0, stdout: expect.stringContaining('OK:') });
    const info = JSON.parse((await run('info', mirror, '--json')).stdout);
    expect(info.packages.map((item: { name: string }) => item.name)).toEqual(
      expect.arrayContaining(['jq', 'oniguruma', 'wget']),
    );
    expect((await run('info', `file://${mirror}`)).stdout).toMatch(/Packages +\d+/);
  });

  test('when a file is damaged, verify ends with 1 and names it on standard output', async () => {
    await rm(join(mirror, 'bottles', 'jq-1.7.1.x86_64_linux.bottle.tar.gz'));
    const { status, stdout } = await run('verify', mirror);
    expect([status, stdout]).toEqual([
      1,
      expect.stringContaining('bottles/jq-1.7.1.x86_64_linux.bottle.tar.gz: missing'),
    ]);
    const report = JSON.parse((await run('verify', mirror, '--json')).stdout);
    expect(report.failures).toHaveLength(1);
  });

  test('when create runs again, it mends what is damaged and fetches nothing else', async () => {
    const args = ['create', mirror, 'jq', 'wget', '--platforms', 'x86_64_linux', '--json', ...upstream];
    expect(JSON.parse((await run(...args)).stdout)).toMatchObject({ downloaded: { files: 1 } });
    expect((await run('verify', mirror)).status).toBe(0);
  });

  test('config prints what stout needs, without a network', async () => {
    const { stdout } = await run('config', 'https://mirror.example.com', '--valid-for', '7d');
    expect(stdout).toContain('base_url = "https://mirror.example.com/index"');
    expect(stdout).toContain('allow_unsigned = false');
    expect(stdout).toContain('max_signature_age = 604800');
  });

  test.each([
    ['config', 'https://ci:50%@mirror.example.com', 'in a token % is written %25'],
    ['verify', 'https://ci:50%@mirror.example.com', 'in a token % is written %25'],
    ['publish', 'https://mirror.example.com/folder', 'https://host, without a path'],
  ])('%s of %s says what is wrong with the address', async (verb, url, message) => {
    const args = verb === 'publish' ? [mirror, '--bucket', 'mirror', '--url', url] : [url];
    expect(await run(verb, ...args)).toMatchObject({ status: 2, stderr: expect.stringContaining(message) });
  });

  test('serve answers until it is told to stop', async () => {
    const child = spawn(process.execPath, [MAIN, 'serve', mirror, '--port', '0', '--log-access'], {
      env: { ...process.env, ...environment },
    });
    const [line] = await once(child.stdout, 'data');
    const origin = /http:\/\/[^/]+/.exec(String(line))?.[0] ?? '';
    expect((await send(origin, '/api/v1/health')).status).toBe(200);
    const [logged] = await once(child.stderr, 'data');
    expect(String(logged)).toContain('200 GET /api/v1/health');
    child.kill('SIGINT');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });
});

describe('when the command line is wrong', () => {
  test.each([
    [['create', join(folder, 'x'), 'jqq', '--platforms', 'x86_64_linux', ...upstream], 'Did you mean jq?'],
    [['create', join(folder, 'x'), ...upstream], 'Name at least one package'],
    [['create', join(folder, 'x'), 'jq', '--os', 'windows', ...upstream], 'is not a platform'],
    [['create', join(folder, 'x'), 'jq', '--bogus'], 'unknown option'],
    [['create', join(folder, 'x'), 'jq', '--jobs', '0'], 'whole number'],
    [['create', join(folder, 'x'), 'jq', '--upstream', 'http://example.com'], 'An upstream is https'],
    [['publish', mirror, '--bucket', 'b', '--account', 'a'.repeat(32)], 'AWS_ACCESS_KEY_ID'],
    [['publish', mirror, '--bucket', 'b', '--account', 'example'], 'no Cloudflare account id'],
    [['nothing'], 'unknown command'],
  ])('%j ends with 2 and says why', async (args, reason) => {
    const { status, stderr } = await stoutMirror(args, { ...environment, AWS_ACCESS_KEY_ID: '' });
    expect([status, stderr]).toEqual([2, expect.stringContaining(reason)]);
  });
});
