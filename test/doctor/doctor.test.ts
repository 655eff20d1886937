import { chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { judgeEdge } from '../../builder/doctor/edge.ts';
import { examine, type Finding } from '../../builder/doctor/finding.ts';
import { serveDirectory } from '../../builder/serve.ts';
import { utf8 } from '../../format/bytes.ts';
import { sha256Hex } from '../../format/digest.ts';
import { MirrorError } from '../../format/errors.ts';
import { formatPublicKey, publicKeyLine } from '../../format/minisign/public-key.ts';
import { formatSecretKey } from '../../format/minisign/secret-key.ts';
import { startServer } from '../builder/server.ts';
import { commandLine } from '../support/command-line.ts';
import { OTHER_KEY, TEST_KEY } from '../support/keys.ts';
import { copyMirror, makeMirror, REQUEST } from '../support/mirror.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { BUCKET, CREDENTIALS, startTestWorker, type TestWorker } from '../support/worker.ts';

const folder = await temporaryFolder();
const mirror = join(folder, 'mirror');
const SMALL = { ...REQUEST, packages: ['jq'], casks: [], tags: ['x86_64_linux'], vulnerabilities: false };
const made = await makeMirror(mirror, { request: SMALL });
const MIRROR_SIGNING_KEY = await formatSecretKey(TEST_KEY);
const environment = {
  ...{ XDG_CONFIG_HOME: join(folder, 'config'), HOME: folder, MIRROR_SIGNING_KEY, MIRROR_KEY_PASSWORD: '' },
  ...{ AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '', R2_ACCESS_KEY_ID: '', R2_SECRET_ACCESS_KEY: '' },
  ...{ HTTPS_PROXY: '', HTTP_PROXY: '', AWS_PROFILE: '' },
};
/** What doctor reads of an upstream. The sample is older than that a warning could be left out. */
const INDEX = JSON.stringify({
  ...{ version: '1', created_at: new Date().toISOString() },
  indexes: { formulas: { count: 0, db_sha256: '0'.repeat(64), db_size: 0 } },
});
await mkdir(join(folder, 'upstream'));
await writeFile(join(folder, 'upstream', 'manifest.json'), INDEX);
const upstream = ['--upstream', join(folder, 'upstream')];

interface Report {
  status: number;
  findings: Finding[];
  text: string;
}

async function doctor(args: string[], changes: Record<string, string> = {}): Promise<Report> {
  const ended = await commandLine(['doctor', ...args, '--json'], { ...environment, ...changes });
  expect(ended.stderr).toBe('');
  const { exit_code, findings, ok } = JSON.parse(ended.stdout);
  expect([exit_code, ok]).toEqual([ended.status, ended.status === 0]);
  return { status: ended.status, findings, text: ended.stdout };
}

/** What was found besides what is well. */
const faults = ({ findings }: Report): Finding[] => findings.filter(({ state }) => state !== 'ok');

describe('doctor', () => {
  test('with nothing at all, looks at this machine, the keys and the upstream', async () => {
    const empty = join(folder, 'empty');
    await mkdir(empty);
    const report = await doctor([empty, ...upstream], { MIRROR_SIGNING_KEY: '' });
    expect(report.findings.map(({ area, check }) => `${area} ${check}`)).toEqual([
      ...['environment Node', 'environment disk space', 'environment file system', 'environment proxy'],
      ...['environment clock', 'keys secret key', 'keys trusted keys', 'mirror snapshot', 'upstream index'],
    ]);
    expect(report.status).toBe(1);
    expect(faults(report).map(({ check, state }) => [check, state])).toEqual([
      ...[
        ['secret key', 'warning'],
        ['trusted keys', 'warning'],
        ['snapshot', 'failed'],
      ],
    ]);
    expect(await readdir(empty)).toEqual([]);
    const bare = await doctor(upstream);
    expect([bare.status, faults(bare)]).toEqual([0, []]);
  });

  test('with a sound mirror that is served, finds nothing wrong, and leaves nothing behind', async () => {
    const before = await readdir(mirror, { recursive: true });
    const trusted = [TEST_KEY.publicKey];
    const clock = () => new Date();
    const server = await serveDirectory({ directory: mirror, host: '127.0.0.1', port: 0, trusted, clock });
    try {
      const args = [mirror, '--url', server.origin, ...upstream];
      const { status, stdout } = await commandLine(['doctor', ...args], environment);
      expect(stdout.trimEnd().split('\n').at(-1)).toBe('OK: nothing is wrong.');
      expect(status).toBe(0);
      expect(stdout).toContain(`✓ edge: the same version as the folder, ${made.version}`);
      expect(stdout).toContain('✓ environment, clock: within a minute of the servers');
    } finally {
      await server.close();
    }
    expect(await readdir(mirror, { recursive: true })).toEqual(before);
  });

  test.each<[string, (copy: string) => Promise<unknown>, number, string]>([
    [
      'a file is missing',
      (copy) => rm(join(copy, 'bottles'), { recursive: true }),
      1,
      'missing or of another size: bottles/',
    ],
    [
      'a file has another size',
      (copy) => writeFile(join(copy, 'index', 'packages.tsv'), 'x'),
      1,
      'is not as signed',
    ],
    ['a change was interrupted', interrupt, 1, 'was interrupted'],
    [
      'the root is not JSON',
      (copy) => writeFile(join(copy, 'snapshot', 'root.json'), 'x'),
      1,
      'was made for another root',
    ],
    ['the root is a folder', replaceRoot, 1, 'root.json'],
  ])('when %s, says so', async (name, damage, code, message) => {
    const copy = join(folder, name.replaceAll(' ', '-'));
    await copyMirror(mirror, copy);
    await damage(copy);
    const report = await doctor([copy, ...upstream]);
    expect(report.status).toBe(code);
    expect(faults(report)).toEqual([
      expect.objectContaining({ area: 'mirror', state: 'failed', message: expect.stringContaining(message) }),
    ]);
  });

  test('asks no address that an altered mirror names', async () => {
    const { origin, requests } = await startServer((_, response) => response.end(INDEX));
    const copy = join(folder, 'altered');
    await copyMirror(mirror, copy);
    const path = join(copy, 'manifest.json');
    const manifest = JSON.parse(await readFile(path, 'utf8'));
    manifest.request.clients = ['brew', 'stout'];
    manifest.homebrew = { url: `${origin}/`, generated_at: {} };
    await writeFile(path, JSON.stringify(manifest));
    const report = await doctor([copy, ...upstream]);
    expect(faults(report)[0]).toMatchObject({
      area: 'mirror',
      message: expect.stringContaining('manifest.json'),
    });
    expect(requests).toEqual([]);
  });

  test('when the signature has expired, ends with 3, and warns before', async () => {
    const old = join(folder, 'old');
    const day = 86_400_000;
    await makeMirror(old, { request: SMALL, now: new Date(Date.now() - 31 * day) });
    const report = await doctor([old, ...upstream]);
    expect([report.status, faults(report)]).toEqual([3, [expect.objectContaining({ code: 'expired' })]]);
    await makeMirror(old, { request: SMALL, now: new Date(Date.now() - 28 * day) });
    const near = await doctor([old, ...upstream]);
    expect([near.status, faults(near).map(({ state }) => state)]).toEqual([0, ['warning']]);
  });

  test('when another key signed the mirror, names both', async () => {
    const other = { MIRROR_SIGNING_KEY: await formatSecretKey(OTHER_KEY) };
    const refused = await doctor([mirror, ...upstream], other);
    expect([refused.status, faults(refused)[0]?.message]).toEqual([
      1,
      expect.stringContaining('is signed by key'),
    ]);
    const trusting = await doctor([mirror, '--trust', publicKeyLine(TEST_KEY.publicKey), ...upstream], other);
    expect([trusting.status, faults(trusting)]).toEqual([0, [expect.objectContaining({ state: 'warning' })]]);
  });

  test('judges the file of the secret key: its form, its rights, whether it is encrypted', async () => {
    const key = join(folder, 'test.key');
    await writeFile(key, MIRROR_SIGNING_KEY, { mode: 0o600 });
    await chmod(key, 0o644);
    await writeFile(join(folder, 'test.pub'), formatPublicKey(TEST_KEY.publicKey));
    const args = ['--key', key, ...upstream];
    const open = await doctor(args);
    expect(faults(open)).toEqual([
      expect.objectContaining({ check: 'secret key', advice: `chmod 600 ${key}` }),
    ]);
    await writeFile(key, 'no key');
    await chmod(key, 0o600);
    expect(await doctor(args)).toMatchObject({ status: 1 });
    await chmod(key, 0o600);
    const garbage = await doctor(upstream, { MIRROR_SIGNING_KEY: 'sekrit-garbage' });
    expect([garbage.status, garbage.text]).toEqual([1, expect.not.stringContaining('sekrit')]);
  });

  test('when nothing answers, ends with 4', async () => {
    const nowhere = 'http://127.0.0.1:9';
    const report = await doctor([mirror, '--url', nowhere, '--upstream', nowhere]);
    expect(report.status).toBe(4);
    expect(faults(report).map(({ area, code }) => [area, code])).toEqual([
      ['upstream', 'unreachable'],
      ['edge', 'unreachable'],
    ]);
    expect(faults(report).every(({ advice }) => advice?.startsWith('Check the address'))).toBe(true);
  });

  test.each<[string, (request: IncomingMessage, response: ServerResponse) => void, string]>([
    ['answers 500', (_, response) => response.writeHead(500).end(), 'answered 500'],
    ['sends a page', (_, response) => response.end('<html>'), 'manifest.json'],
    ['sends without end', endless, 'is longer than'],
    [
      'redirects to itself',
      (_, response) => response.writeHead(302, { location: '/manifest.json' }).end(),
      'redirects',
    ],
    ['hangs up', (_, response) => response.destroy(), 'failed'],
  ])('when the upstream %s, says so', async (_name, handle, message) => {
    const { origin } = await startServer(handle);
    const report = await doctor(['--upstream', origin]);
    expect(faults(report)).toEqual([
      expect.objectContaining({
        area: 'upstream',
        state: 'failed',
        message: expect.stringContaining(message),
      }),
    ]);
    expect(report.status).toBeGreaterThan(0);
  });

  test('when the index of the upstream is old, or names no place, warns', async () => {
    const aged = await doctor(['--upstream', inject('upstream')]);
    const [, found] = aged.findings.filter(({ area }) => area === 'upstream' || area === 'keys').slice(-2);
    expect(found).toMatchObject({ area: 'upstream', message: expect.stringMatching(/made \d+ days ago$/) });
    const unnamed = await doctor([mirror]);
    expect(faults(unnamed)).toEqual([expect.objectContaining({ advice: 'Name it with --upstream.' })]);
  });

  test.each([
    [-3_600_000, 1, 'failed'],
    [3_600_000, 1, 'failed'],
    [120_000, 0, 'warning'],
    [5_000, 0, 'ok'],
  ])('when the clock of a server differs by %i ms, ends with %i', async (difference, code, state) => {
    const { origin } = await startServer((_, response) => {
      // A cache that has kept an answer for a minute.
      const date = new Date(Date.now() + difference - 60_000).toUTCString();
      response.writeHead(200, { date, age: '60' }).end(INDEX);
    });
    const report = await doctor(['--upstream', origin]);
    expect([report.status, report.findings.find(({ check }) => check === 'clock')?.state]).toEqual([
      code,
      state,
    ]);
  });

  test('prints no secret, whatever fails', async () => {
    const args = [
      mirror,
      '--bucket',
      'b',
      '--endpoint',
      'http://127.0.0.1:9',
      '--upstream',
      'http://127.0.0.1:9',
    ];
    const report = await doctor([...args, '--url', 'http://ci:s3kr1t-token@127.0.0.1:9'], {
      ...{ AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 's3kr1t-bucket' },
      HTTPS_PROXY: 'http://user:s3kr1t-proxy@proxy.example:3128',
    });
    expect(report.text).not.toContain('s3kr1t');
    expect(report.text).toContain('requests go through proxy.example:3128');
    const broken = await doctor(upstream, { HTTPS_PROXY: 'ftp://user:s3kr1t@proxy.example' });
    expect([broken.status, broken.text]).toEqual([2, expect.not.stringContaining('s3kr1t')]);
  });
});

describe('what a server says of itself', () => {
  const sound = { ok: true, status: 'ok', not_as_signed: null };
  test.each<[string, number, string, object[]]>([
    ['that all is well', 200, JSON.stringify(sound), [{ state: 'ok' }]],
    [
      'that it checks no signatures',
      200,
      JSON.stringify({ ...sound, status: 'unverified' }),
      [{ state: 'warning', message: 'The server checks no signatures.' }, { state: 'ok' }],
    ],
    [
      'that it cannot serve',
      503,
      JSON.stringify({ ...sound, ok: false, status: 'missing', detail: 'There is no leaf.' }),
      [
        { state: 'failed', message: 'The server cannot serve this mirror: There is no leaf.' },
        { state: 'ok' },
      ],
    ],
    ['a page for every path, as a static host may', 200, '<html>', []],
  ])('%s', async (_, status, health, expected) => {
    const { origin } = await startServer(async ({ url = '' }, response) => {
      if (url.endsWith('/health')) response.writeHead(status).end(health);
      else response.end(await readFile(join(mirror, url)));
    });
    const beside = { trusted: async () => [TEST_KEY.publicKey], now: new Date(), folder: undefined };
    const asked = { base: origin, headers: {} };
    const results = await judgeEdge(asked, beside, () => {}, AbortSignal.timeout(5000));
    const [, ...rest] = results.filter(
      ({ message }) => message.includes('erver') || message.includes('answers'),
    );
    expect(rest).toMatchObject(expected);
    expect(rest).toHaveLength(expected.length);
  });
});

describe('a check', () => {
  const about = { area: 'edge', check: 'trial' } as const;

  test('that does not end is a finding, and is stopped', async () => {
    let stopped = false;
    const work = (signal: AbortSignal) =>
      new Promise<never>(() => {
        signal.addEventListener('abort', () => {
          stopped = true;
        });
      });
    const [found] = await examine({ ...about, work }, 30);
    expect(found).toMatchObject({ ...about, state: 'failed', code: 'unreachable' });
    expect(stopped).toBe(true);
  });

  test.each([
    ...(['expired', 'missing', 'refused', 'bad-input', 'usage', 'rolled-back'] as const).map(
      (code) => new MirrorError(code, 'So it is.'),
    ),
    new TypeError('undefined is not a function'),
    'a text',
    Object.assign(new Error('ENOSPC'), { code: 'ENOSPC', path: '/x', syscall: 'write' }),
  ])('that throws %j is a finding', async (thrown) => {
    const work = () => Promise.reject(thrown);
    expect(await examine({ ...about, work })).toEqual([
      expect.objectContaining({ ...about, state: 'failed', advice: expect.stringMatching(/\.$/) }),
    ]);
    const sync = () => {
      throw thrown;
    };
    expect(await examine({ ...about, work: sync })).toHaveLength(1);
  });
});

describe('a bucket and its edge', () => {
  let worker: TestWorker;
  beforeAll(async () => {
    worker = await startTestWorker();
  });
  afterAll(() => worker.close());

  const keys = {
    AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
  };
  const look = (bucket: string, changes: Record<string, string> = {}) =>
    doctor([mirror, '--bucket', bucket, '--endpoint', `${worker.origin}/cdn-cgi/local/r2/s3`, ...upstream], {
      ...keys,
      ...changes,
    });

  test('are read, compared with the folder, and not written to', async () => {
    const empty = await look(BUCKET);
    expect([empty.status, faults(empty)]).toEqual([
      0,
      [expect.objectContaining({ area: 'bucket', state: 'warning', advice: 'Run publish.' })],
    ]);
    await worker.publish(mirror);
    const before = await Array.fromAsync(worker.bucket.list(''));
    const published = await look(BUCKET);
    expect([published.status, faults(published)]).toEqual([0, []]);
    expect(await Array.fromAsync(worker.bucket.list(''))).toEqual(before);
    const edge = await doctor([mirror, '--url', worker.origin, ...upstream]);
    expect([edge.status, faults(edge)]).toEqual([0, []]);
    const newer = join(folder, 'newer');
    await copyMirror(mirror, newer);
    await makeMirror(newer, { request: SMALL, now: new Date(Date.now() + 60_000) });
    const behind = await doctor([newer, '--url', worker.origin, ...upstream]);
    expect(faults(behind)).toEqual([
      expect.objectContaining({ area: 'edge', state: 'warning', advice: 'Run publish.' }),
    ]);
    const other = join(folder, 'other');
    await makeMirror(other, { request: SMALL, now: new Date(Date.now() - 3_600_000) });
    const wrong = await doctor([other, '--url', worker.origin, ...upstream]);
    expect([wrong.status, faults(wrong)]).toEqual([1, [expect.objectContaining({ code: 'other-mirror' })]]);
  });

  test('a channel that has expired, soon will, or is damaged, is named; the others are judged too', {
    tags: ['long'],
  }, async () => {
    const now = Date.now();
    for await (const { key } of worker.bucket.list('')) await worker.bucket.delete(key);
    let before: string | undefined;
    for (const [channel, ago, validFor] of [
      ['old', 7200, 3600],
      ['short', 3500, 3600],
    ] as const) {
      const directory = join(folder, `in-${channel}`);
      const made = new Date(now - ago * 1000);
      if (before) await copyMirror(before, directory);
      before = directory;
      await makeMirror(directory, { request: { ...SMALL, valid_for: validFor }, now: made });
      await worker.publish(directory, { channel, clock: () => made, skipVerify: true });
    }
    // What has no history is damaged for all other verbs too.
    const damaged = utf8('{"root": "{}", "signature": ""}');
    await worker.bucket.put('channels/bad', damaged, sha256Hex(damaged));
    const { status, ...report } = await look(BUCKET);
    const of = (channel: string) => expect.stringContaining(`channel ${channel}: snapshot`);
    expect(faults({ status, ...report })).toMatchObject([
      { state: 'warning', message: 'Nothing is live at the root of the mirror, only in bad, old, short.' },
      { code: 'bad-input', advice: 'Run publish --channel bad --repair, or channels --remove bad.' },
      { code: 'expired', message: of('old'), advice: expect.stringContaining('channels --remove old') },
      { state: 'warning', message: of('short') },
    ]);
    expect(status).not.toBe(0);
    for await (const { key } of worker.bucket.list('')) await worker.bucket.delete(key);
  });

  test.each([
    ['none', {}, 1, 'The bucket does not exist'],
    [BUCKET, { AWS_SECRET_ACCESS_KEY: 'other' }, 1, 'The secret access key does not belong'],
    [BUCKET, { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' }, 2, 'There is no access key'],
    ['a/b', {}, 2, 'is not the name of a bucket'],
  ])('when bucket or keys are wrong (%s, %j), ends with %i', async (bucket, changes, code, message) => {
    const report = await look(bucket, changes);
    expect([report.status, faults(report)]).toEqual([
      code,
      [expect.objectContaining({ area: 'bucket', message: expect.stringContaining(message) })],
    ]);
  });
});

/** Leaves what a commit leaves that a power cut ended. */
async function interrupt(copy: string): Promise<void> {
  await mkdir(join(copy, '.stout-mirror'), { recursive: true });
  await writeFile(join(copy, '.stout-mirror', 'journal.json'), '{"writes":[],"removes":[]}');
}

async function replaceRoot(copy: string): Promise<void> {
  await rm(join(copy, 'snapshot', 'root.json'));
  await mkdir(join(copy, 'snapshot', 'root.json'));
}

function endless(_request: IncomingMessage, response: ServerResponse): void {
  const chunk = Buffer.alloc(256 * 1024, 'x');
  const write = (): void => {
    if (!response.destroyed) response.write(chunk, write);
  };
  write();
}
