import { readFile, rm, symlink } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { localPath } from '../../builder/directory/paths.ts';
import { publicKeyLine } from '../../format/minisign/public-key.ts';
import { skipPauses } from '../builder/pauses.ts';
import { startServer } from '../builder/server.ts';
import { commandLine } from '../support/command-line.ts';
import { TEST_KEY } from '../support/keys.ts';
import { makeMirror, REQUEST } from '../support/mirror.ts';
import { resignRoot } from '../support/resign.ts';
import { temporaryFolder } from '../support/temporary.ts';

const DEAD = 'http://127.0.0.1:1';
const KEY = publicKeyLine(TEST_KEY.publicKey);
const folder = await temporaryFolder();
const mirror = join(folder, 'mirror');
const environment = {
  ...{ XDG_CONFIG_HOME: join(folder, 'config'), MIRROR_SIGNING_KEY: '' },
  ...{ AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test-only' },
};
const run = (...args: string[]) => commandLine(args, environment);
const bucket = (endpoint: string) => ['--bucket', 'mirror', '--endpoint', endpoint];

beforeAll(async () => {
  await makeMirror(mirror, { request: { ...REQUEST, packages: ['jq'], casks: [] } });
  await run('keygen');
});

/** Expects this exit code, and the same one in the JSON. */
async function expectCode(code: number, ...args: string[]): Promise<string> {
  skipPauses();
  const { status, stdout, stderr } = await run(...args, '--json');
  expect([status, JSON.parse(stdout).exit_code], stderr).toEqual([code, code]);
  return stderr;
}

describe('the exit code in JSON', () => {
  const loop = join(folder, 'loop');
  beforeAll(() => symlink(loop, loop));
  test.each([
    [2, 'info'],
    [2, 'info', 'a', 'b'],
    [2, 'nothing'],
    [1, 'info', loop],
    [1, 'create', mirror, '--packages-file', loop],
  ])('is %i for %s, with the message', async (code, ...args) => {
    const { status, stdout } = await run(...args.map(String), '--json');
    const error = { message: expect.stringMatching(/./) };
    expect([status, JSON.parse(stdout)]).toMatchObject([code, { exit_code: code, ok: false, error }]);
  });
});

describe('the exit code on a bad network', () => {
  const verbs: [verb: string, ...args: string[]][] = [
    ['create', join(folder, 'new'), 'jq', '--upstream', DEAD],
    ['update', mirror, '--upstream', DEAD, '--trust', KEY],
    ['outdated', mirror, '--upstream', DEAD, '--trust', KEY],
    ['verify', DEAD, '--trust', KEY],
    ['diff', mirror, DEAD, '--trust', KEY],
    ['diff', mirror, 'current', ...bucket(DEAD), '--trust', KEY],
    ['publish', mirror, ...bucket(DEAD), '--trust', KEY],
    ['rollback', ...bucket(DEAD), '--trust', KEY],
    ['snapshots', ...bucket(DEAD)],
    ['prune-bucket', ...bucket(DEAD)],
  ];
  test.each(verbs)('is 4 when nobody answers %s', async (...args) => {
    expect(await expectCode(4, ...args)).not.toMatch(/signed|mismatch|trusted/);
  });

  test.each([503, 429])('is 4 when a bucket answers %i to the end', async (status) => {
    const { origin } = await startServer((_request, response) => response.writeHead(status).end());
    await expectCode(4, 'snapshots', ...bucket(origin));
  });

  test.each([
    [4, 'answers 502', (response: ServerResponse) => response.writeHead(502).end()],
    [
      4,
      'sends a login page',
      (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<p>'),
    ],
    [
      4,
      'compresses',
      (response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('x')),
    ],
    [1, 'sends other bytes', (response) => response.end('other bytes')],
    [1, 'forbids', (response) => response.writeHead(403).end()],
  ] satisfies [number, string, (response: ServerResponse) => unknown][])(
    'is %i when an upstream’s host of bottles %s',
    async (code, _what, trouble) => {
      const { origin } = await startServer((request, response) => {
        const path = decodeURIComponent(new URL(request.url ?? '', DEAD).pathname);
        if (path.includes('/blobs/')) return void trouble(response);
        readFile(join(inject('upstream'), path)).then(
          (bytes) => response.end(bytes),
          () => response.writeHead(404).end(),
        );
      });
      const stderr = await expectCode(code, 'create', join(folder, 'other'), 'jq', '--upstream', origin);
      if (code === 4) expect(stderr).not.toContain('is not the file that');
    },
  );
});

test('exit code 3, when a snapshot has expired, of verify and publish', async () => {
  const expired = join(folder, 'expired');
  await makeMirror(expired, { request: { ...REQUEST, packages: ['jq'], casks: [] } });
  const times = { created_at: '2026-01-01T00:00:00Z', expires_at: '2026-01-02T00:00:00Z' };
  await resignRoot(expired, TEST_KEY, times);
  await expectCode(3, 'verify', expired, '--trust', KEY);
  await expectCode(3, 'publish', expired, ...bucket(DEAD), '--trust', KEY);
  await rm(localPath(expired, 'manifest.json'));
  await expectCode(1, 'verify', expired, '--trust', KEY);
});

test('exit codes 0, 1 and 2, in the JSON of other verbs', async () => {
  await expectCode(0, 'info', mirror);
  await expectCode(1, 'info', join(folder, 'nothing'));
  await expectCode(2, 'verify', mirror, 'jqq', '--trust', KEY);
});

test('help explains them', async () => {
  expect((await run('--help')).stdout).toContain('4 unreachable');
});
