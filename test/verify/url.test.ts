import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { readContents } from '../../builder/directory/mirror.ts';
import { localPath } from '../../builder/directory/paths.ts';
import { serveDirectory } from '../../builder/serve.ts';
import { sha256Hex } from '../../format/digest.ts';
import { blobName } from '../../format/layout.ts';
import { publicKeyLine } from '../../format/minisign/public-key.ts';
import { rewritePackageJson } from '../../format/package-json.ts';
import type { VerifyReport } from '../../format/verify/report.ts';
import { startNginx, startRclone } from '../../scripts/bench/static-hosts.ts';
import { skipPauses } from '../builder/pauses.ts';
import { startServer } from '../builder/server.ts';
import { linesOf, resignText, withField } from '../docs/leaf-text.ts';
import { signMirror } from '../format/support.ts';
import { commandLine } from '../support/command-line.ts';
import { TEST_KEY } from '../support/keys.ts';
import { copyMirror, makeMirror, REQUEST } from '../support/mirror.ts';
import { type Ended, MAIN, needs } from '../support/programs.ts';
import { resignRoot } from '../support/resign.ts';
import { writeMirror } from '../support/runtimes.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { startTestWorker } from '../support/worker.ts';

const BOTTLE = 'bottles/jq-1.7.1.sonoma.bottle.tar.gz';
const EXPIRED = 'bottles/git-2.51.0_1.sonoma.bottle.tar.gz';
const PACKAGE_JSON = 'index/formulas/data/j/jq.json.zst';
const KEY = publicKeyLine(TEST_KEY.publicKey);
const folder = await temporaryFolder();
const directory = join(folder, 'mirror');
const newer = join(folder, 'newer');
let states = 0;

/** What a user who has verified nothing yet remembers. */
const newState = () => ({ XDG_STATE_HOME: join(folder, `state-${++states}`) });

beforeAll(async () => {
  await makeMirror(directory);
  await copyMirror(directory, newer);
  await makeMirror(newer, { request: { ...REQUEST, packages: ['jq', 'lz4'] } });
});

const verify = (...args: string[]): Promise<Ended> =>
  commandLine(['verify', ...args, '--trust', KEY], newState());

async function reportOf(ended: Promise<Ended>): Promise<VerifyReport & Record<string, unknown>> {
  const { status, stdout } = await ended;
  const report = JSON.parse(stdout);
  expect([report.exit_code, report.exit_code === 0]).toEqual([status, report.ok]);
  return report;
}

/** Returns the part of a report that does not depend on when and how the mirror was read. */
const essence = ({ ok, complete, snapshot, checks, files, bytes, failures, cursor }: VerifyReport) =>
  ({ ok, complete, snapshot, checks, files, bytes, failures, cursor }) as const;

interface Host {
  origin: string;
  /** Flips a bit of a file behind the server. */
  damage(path: string): Promise<void>;
  close(): Promise<void>;
}

async function flip(file: string): Promise<void> {
  const bytes = await readFile(file);
  bytes[10] = (bytes[10] ?? 0) ^ 1;
  await writeFile(file, bytes);
}

async function folderHost(
  name: string,
  start: (copy: string) => Promise<Omit<Host, 'damage'>>,
): Promise<Host> {
  const copy = join(folder, name);
  await copyMirror(directory, copy);
  return { ...(await start(copy)), damage: (path) => flip(localPath(copy, path)) };
}

async function workerHost(): Promise<Host> {
  const worker = await startTestWorker();
  await worker.publish(directory);
  const entries = (await readContents(directory))?.entries ?? [];
  return {
    origin: worker.origin,
    close: worker.close,
    damage: async (path) => {
      const key = blobName(entries.find(({ name }) => name === path)?.sha256 ?? '');
      const bytes = Uint8Array.from((await worker.bucket.get(key, 1e9))?.bytes ?? []);
      bytes[10] = (bytes[10] ?? 0) ^ 1;
      await worker.bucket.put(key, bytes, sha256Hex(bytes));
    },
  };
}

const HOSTS: [name: string, options: ReturnType<typeof needs>, start: () => Promise<Host>][] = [
  [
    'nginx',
    { ...needs('nginx'), tags: ['long', 'programs'] },
    () => folderHost('nginx', (copy) => startNginx(copy, join(folder, 'nginx-own'))),
  ],
  [
    'rclone serve http',
    { ...needs('rclone'), tags: ['long', 'programs'] },
    () => folderHost('rclone', startRclone),
  ],
  [
    'stout-mirror serve',
    needs(),
    () =>
      folderHost('serve', (copy) =>
        serveDirectory({
          ...{ directory: copy, host: '127.0.0.1', port: 0, trusted: [TEST_KEY.publicKey] },
          clock: () => new Date(),
        }),
      ),
  ],
  ['the Worker', needs(), workerHost],
];

describe.each(HOSTS)('verify of a mirror behind %s', (_name, options, start) => {
  test('reports the same as for the folder, and finds a flipped byte', options, async () => {
    const host = await start();
    onTestFinished(() => host.close());
    const expected = await reportOf(verify(directory, '--json'));
    expect(essence(await reportOf(verify(host.origin, '--json')))).toEqual(essence(expected));
    await host.damage(BOTTLE);
    const { status, stdout } = await verify(`${host.origin}/`);
    expect([status, stdout]).toEqual([1, expect.stringContaining(`✗ ${BOTTLE}`)]);
  });
});

/** Serves a folder as a static host does, except the requests that `instead` answers. */
const startHost = (
  served: () => string,
  instead: (
    request: IncomingMessage,
    response: ServerResponse,
    attempt: number,
  ) => boolean | undefined = () => false,
) =>
  startServer((request, response, attempt) => {
    if (instead(request, response, attempt)) return;
    const path = decodeURIComponent(new URL(request.url ?? '', 'http://x').pathname.slice(1));
    readFile(localPath(served(), path)).then(
      (bytes) => response.end(bytes),
      () => response.writeHead(404).end(),
    );
  });

describe('verify of a host that rewrites package URLs', () => {
  const startRewriting = async (base: string) => {
    const signed = await readFile(localPath(directory, PACKAGE_JSON));
    const json = rewritePackageJson(JSON.parse(zstdDecompressSync(signed).toString()), base);
    const served = zstdCompressSync(JSON.stringify(json));
    const host = await startHost(
      () => directory,
      ({ url }, response) => url === `/${PACKAGE_JSON}` && !!response.end(served),
    );
    return host.origin;
  };

  test('to another host fails, unless --public-url names it', async () => {
    const origin = await startRewriting('https://elsewhere.example.com');
    const { failures, exit_code } = await reportOf(verify(origin, 'jq', '--json'));
    expect(exit_code).toBe(1);
    expect(failures).toEqual([
      {
        ...{
          path: PACKAGE_JSON,
          state: 'mismatch',
          expected: origin,
          found: 'https://elsewhere.example.com',
        },
        message: expect.stringContaining('--public-url'),
      },
    ]);
    const named = (url: string) => verify(origin, 'jq', '--public-url', url);
    expect((await named('https://elsewhere.example.com/')).status).toBe(0);
    expect((await named('https://elsewhere.example.com.evil.example')).status).toBe(1);
    expect((await verify(directory, '--public-url', 'https://elsewhere.example.com')).status).toBe(2);
  });

  test.each(['https://user:secret@elsewhere.example.com', 'http://127.0.0.1:1', '//elsewhere.example.com'])(
    'to %s fails without printing credentials',
    async (base) => {
      const { status, stdout } = await verify(await startRewriting(base), 'jq');
      expect([status, stdout]).toEqual([1, expect.stringContaining(`✗ ${PACKAGE_JSON}: mismatch`)]);
      expect(stdout).not.toContain('secret');
    },
  );
});

describe('verify over a bad line', () => {
  type Trouble = (response: ServerResponse, bytes: Buffer) => void;

  /** Serves the mirror with trouble at one path. */
  const startTroubled = (path: string, trouble: Trouble, served = directory) =>
    startHost(
      () => served,
      ({ url }, response) => {
        if (url?.split('?')[0] !== `/${path}`) return false;
        void readFile(localPath(served, path)).then((bytes) => trouble(response, bytes));
        return true;
      },
    );
  const TROUBLES: [what: string, trouble: Trouble, reason: string][] = [
    ['breaks off', (response) => response.destroy(), 'failed'],
    ['answers 503', (response) => response.writeHead(503).end(), 'answered 503'],
    [
      'is cut without a length',
      (response, bytes) => {
        response.removeHeader('transfer-encoding');
        response.shouldKeepAlive = false;
        response.useChunkedEncodingByDefault = false;
        response.end(bytes.subarray(0, 20));
      },
      'after 20 of',
    ],
    [
      'is compressed',
      (response, bytes) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(bytes)),
      'Content-Encoding: gzip',
    ],
    [
      'is a login page',
      (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Log in'),
      'web page',
    ],
  ];

  test.each(TROUBLES)('that %s ends with 4 and says what was not read', async (_what, trouble, reason) => {
    skipPauses();
    for (const path of [BOTTLE, 'index/formulas.db', PACKAGE_JSON]) {
      const { origin } = await startTroubled(path, trouble);
      const { failures, exit_code } = await reportOf(verify(origin, '--json'));
      const finding = { path, state: 'unreachable', message: expect.stringContaining(reason) };
      expect([exit_code, failures]).toEqual([4, [expect.objectContaining(finding)]]);
    }
  });

  test('that answers nothing at all ends with 4 and blames no signature', async () => {
    skipPauses();
    const { status, stdout } = await verify('http://127.0.0.1:1');
    expect([status, stdout]).toEqual([4, expect.stringContaining('UNREACHABLE: the mirror did not answer')]);
    expect(stdout).not.toMatch(/trusted|mismatch/);
  });

  test('and is expired ends with 3, and with 1 if it is damaged besides', async () => {
    skipPauses();
    const damaged = join(folder, 'bad-line');
    await copyMirror(directory, damaged);
    const { origin } = await startTroubled(BOTTLE, (response) => response.destroy(), damaged);
    expect((await verify(origin, 'jq')).status).toBe(4);
    await resignRoot(damaged, TEST_KEY, {
      created_at: '2026-01-01T00:00:00Z',
      expires_at: '2026-01-02T00:00:00Z',
    });
    expect((await verify(origin, 'jq')).status).toBe(3);
    expect((await verify(damaged, 'jq')).status).toBe(3);
    await flip(localPath(damaged, PACKAGE_JSON));
    expect((await verify(origin, 'jq')).status).toBe(1);
  });
});

describe('verify of a URL', () => {
  test('when packages are named, only their files are fetched and checked', async () => {
    const { origin, requests } = await startHost(() => directory);
    const report = await reportOf(verify(origin, 'jq', 'firefox', '--json'));
    expect([report.complete, report.files.checked]).toEqual([false, 6]);
    const bottles = requests.map(({ url = '' }) => url).filter((url) => url.startsWith('/bottles/'));
    expect(bottles.every((url) => url.startsWith('/bottles/jq-'))).toBe(true);
    const { status, stderr } = await verify(origin, 'jqq');
    expect([status, stderr]).toEqual([2, expect.stringContaining('Did you mean jq')]);
  });

  test('when package URLs lead elsewhere, says where', async () => {
    const baked = join(folder, 'baked');
    const { origin } = await startHost(() => baked);
    await makeMirror(baked, { request: { ...REQUEST, packages: ['jq'], public_url: origin } });
    expect((await reportOf(verify(origin, '--json'))).elsewhere).toEqual([]);
    await makeMirror(baked, {
      request: { ...REQUEST, packages: ['jq'], public_url: 'https://mirror.example.com' },
    });
    expect((await reportOf(verify(origin, '--json'))).elsewhere).toEqual([
      { origin: 'https://mirror.example.com', urls: 10, example: expect.stringContaining('index/') },
    ]);
  });

  test('when a server changes more of package JSON than its URLs, the file is named', async () => {
    const forged = zstdCompressSync(JSON.stringify({ name: 'jq', bottles: {} }));
    const { origin } = await startHost(
      () => directory,
      ({ url }, response) => url === `/${PACKAGE_JSON}` && !!response.end(forged),
    );
    const raw = await fetch(`${origin}/${PACKAGE_JSON}?raw=1`);
    expect(sha256Hex(await raw.bytes())).toBe(sha256Hex(await readFile(localPath(directory, PACKAGE_JSON))));
    const { failures } = await reportOf(verify(origin, 'jq', '--json'));
    expect(failures).toMatchObject([
      { path: PACKAGE_JSON, state: 'mismatch', found: `${forged.length} bytes` },
    ]);
  });

  test.each([
    { 'content-encoding': 'x-gzip' },
    { 'content-encoding': 'gzip' },
    { 'content-type': 'text/html' },
  ])(
    'when a bottle is damaged, its host declares %j, and it is neither encoded nor a page, that is damage',
    async (headers) => {
      const damaged = Buffer.from(await readFile(localPath(directory, BOTTLE)));
      damaged[10] = (damaged[10] ?? 0) ^ 1;
      const { origin } = await startHost(
        () => directory,
        ({ url }, response) => url === `/${BOTTLE}` && !!response.writeHead(200, headers).end(damaged),
      );
      const { failures, exit_code } = await reportOf(verify(origin, 'jq', '--json'));
      expect([exit_code, failures]).toMatchObject([1, [{ path: BOTTLE, state: 'mismatch' }]]);
    },
  );

  test('when package JSON names no mirrored file, another encoding of it leads nowhere', async () => {
    const bare = join(folder, 'bare');
    await mkdir(bare);
    const json = { name: 'jq', bottles: {} };
    const stored = new Uint8Array(zstdCompressSync(JSON.stringify(json)));
    await writeMirror(bare, signMirror({ now: new Date(), files: () => ({ [PACKAGE_JSON]: stored }) }));
    const served = zstdCompressSync(JSON.stringify(json, null, 1));
    const { origin } = await startHost(
      () => bare,
      ({ url }, response) => url === `/${PACKAGE_JSON}` && !!response.end(served),
    );
    const { failures } = await reportOf(verify(origin, '--json'));
    expect(failures.map(({ path }) => path)).not.toContain(PACKAGE_JSON);
  });

  test('when a file never ends, stops reading and says so', async () => {
    const { origin } = await startHost(
      () => directory,
      ({ url }, response) => {
        if (url !== `/${BOTTLE}`) return false;
        const timer = setInterval(() => response.write(Buffer.alloc(65_536)), 1);
        response.on('close', () => clearInterval(timer));
        return true;
      },
    );
    const { failures } = await reportOf(verify(origin, 'jq', '--json'));
    expect(failures).toMatchObject([{ path: BOTTLE, state: 'mismatch' }]);
  });

  test('with --quick, accepts the digests that a server states and reports them as consistent, not verified', async () => {
    const { origin } = await startHost(
      () => directory,
      (request, response) => {
        if (request.method !== 'HEAD' || request.url !== `/${BOTTLE}`) return false;
        response.writeHead(200, {
          'content-length': 7,
          'repr-digest': `sha-256=:${Buffer.alloc(32).toString('base64')}:`,
        });
        response.end();
        return true;
      },
    );
    const { status, stdout } = await verify(origin, 'jq', '--quick');
    expect([status, stdout]).toEqual([1, expect.stringContaining(`✗ ${BOTTLE}: mismatch`)]);
    // Without a length, or of encoded bytes, a digest is not a claim, and the file is read.
    const digest = createHash('sha256')
      .update(await readFile(localPath(directory, BOTTLE)))
      .digest('base64');
    for (const more of [{}, { 'content-encoding': 'gzip', 'content-length': 7 }]) {
      const host = await startHost(
        () => directory,
        ({ method, url }, response) =>
          method === 'HEAD' &&
          url === `/${BOTTLE}` &&
          !!response.writeHead(200, { 'repr-digest': `sha-256=:${digest}:`, ...more }).end(),
      );
      expect((await verify(host.origin, 'jq', '--quick')).status).toBe(0);
    }
    const serving = await serveDirectory({
      ...{ directory, host: '127.0.0.1', port: 0, trusted: [TEST_KEY.publicKey], clock: () => new Date() },
    });
    const quick = await reportOf(verify(serving.origin, '--quick', '--json'));
    await serving.close();
    expect(quick.ok).toBe(true);
    expect(quick.files.consistent).toBeGreaterThan(40);
    expect(quick.files.verified + quick.files.consistent).toBe(quick.files.total);
  });

  test.each([
    ['between root and signature', '/snapshot/root.json.sig', 1],
    ['between root and signature, when it verifies', '/snapshot/root.json.sig', 2],
    ['while files are read', '/bottles/', 1],
  ])('when the mirror is published again %s, verifies the new snapshot', async (_when, path, count) => {
    let served = directory;
    let asked = 0;
    const { origin } = await startHost(
      () => served,
      ({ url = '' }) => {
        if (url.startsWith(path)) asked += 1;
        if (asked === count) served = newer;
        return false;
      },
    );
    const report = await reportOf(verify(origin, '--json'));
    expect(report.ok, JSON.stringify(report.failures)).toBe(true);
    expect(report.snapshot?.version).toBe((await readContents(newer))?.snapshot.version);
  });

  test('when a mirror goes back behind a version seen before, refuses it without --allow-older', async () => {
    let served = newer;
    const { origin } = await startHost(() => served);
    const state = newState();
    const again = (...args: string[]) => commandLine(['verify', ...args, 'jq', '--trust', KEY], state);
    expect((await again(origin)).status).toBe(0);
    served = directory;
    const { status, stdout } = await again(origin);
    expect([status, stdout]).toEqual([3, expect.stringContaining('✗ snapshot/root.json: rolled-back')]);
    // Whatever the place: the mirror is the same.
    expect((await again(directory)).status).toBe(3);
    expect((await again(origin, '--allow-older')).status).toBe(0);
    expect((await again(origin)).status).toBe(3);
  });

  test('when a newer mirror has a damaged file, its version is remembered all the same', async () => {
    const damaged = join(folder, 'damaged');
    await copyMirror(newer, damaged);
    await flip(localPath(damaged, BOTTLE));
    const state = newState();
    const again = (where: string) => commandLine(['verify', where, 'jq', '--trust', KEY], state);
    expect((await again(damaged)).stdout).toContain(`✗ ${BOTTLE}: mismatch`);
    expect((await again(directory)).stdout).toContain('✗ snapshot/root.json: rolled-back');
  });

  test('when a mirror is expected by its id, any other is refused', async () => {
    const { origin } = await startHost(() => directory);
    const { mirror = '' } = (await readContents(directory))?.snapshot ?? {};
    expect((await verify(origin, 'jq', '--mirror', mirror)).status).toBe(0);
    const { status, stdout } = await verify(origin, 'jq', '--mirror', '0123456789ABCDEF-1');
    expect([status, stdout]).toEqual([1, expect.stringContaining('✗ snapshot/root.json: mismatch')]);
    const wrong = await verify(origin, 'jq', '--mirror', 'jq');
    expect([wrong.status, wrong.stderr]).toEqual([2, expect.stringContaining('--mirror')]);
  });

  test('when a file is on demand, asks only for what is there, once, and names what is there and wrong', async () => {
    const onDemand = join(folder, 'on-demand');
    await copyMirror(directory, onDemand);
    await resignText(onDemand, TEST_KEY, linesOf(BOTTLE, withField('source=https://ghcr.io/jq')), {
      sources: ['ghcr.io'],
    });
    let answer: number | string = 504;
    const { origin, requests } = await startHost(
      () => onDemand,
      ({ url }, response) => {
        if (url !== `/${BOTTLE}`) return false;
        if (typeof answer === 'number') response.writeHead(answer);
        response.end(answer === 504 ? '' : String(answer));
        return true;
      },
    );
    for (answer of [504, 404]) {
      const { status, stdout } = await verify(origin, 'jq');
      expect([status, stdout]).toEqual([
        0,
        expect.stringContaining('every byte as signed, except 1 on demand.'),
      ]);
    }
    const asked = requests.filter(({ url }) => url === `/${BOTTLE}`);
    expect(asked.map(({ headers }) => headers['cache-control'])).toEqual([
      'only-if-cached',
      'only-if-cached',
    ]);
    expect(requests.filter(({ headers }) => headers['cache-control'] !== undefined)).toEqual(asked);
    expect((await verify(origin, 'jq', '--quick')).status).toBe(0);
    answer = 'other bytes';
    expect((await verify(origin, 'jq')).stdout).toContain(`✗ ${BOTTLE}: mismatch`);
  });

  test('when a name is superseded and its time has come, nothing is asked of it', async () => {
    const expired = join(folder, 'expired');
    await copyMirror(directory, expired);
    await resignText(expired, TEST_KEY, linesOf(EXPIRED, withField('until=1')));
    const database = 'index/formulas.db';
    const { origin, requests } = await startHost(() => expired);
    const { stdout } = await verify(origin);
    expect(stdout).toContain(`✗ ${EXPIRED}: missing`);
    expect(stdout).toContain(`${database} lists`);
    expect(requests.some(({ url }) => url === `/${EXPIRED}`)).toBe(false);
  });

  test('when it is killed, the next run continues from the cursor file', { tags: 'long' }, async () => {
    const large = join(folder, 'large');
    await makeMirror(large, { request: { ...REQUEST, all: true } });
    let pause = 20;
    const { origin, requests } = await startHost(
      () => large,
      ({ url = '' }, response) => {
        if (!url.startsWith('/bottles/')) return false;
        const path = localPath(large, decodeURIComponent(url.slice(1)));
        void sleep(pause).then(async () => response.end(await readFile(path)));
        return true;
      },
    );
    const cursor = join(folder, 'cursor.json');
    const environment = newState();
    const args = ['verify', origin, '--cursor', cursor, '--jobs', '1', '--trust', KEY, '--json'];
    const first = spawn(process.execPath, [MAIN, ...args], {
      env: { ...process.env, ...environment },
      stdio: 'ignore',
    });
    const ended = once(first, 'exit');
    while (!existsSync(cursor)) await sleep(20);
    first.kill('SIGKILL');
    await ended;
    const bottles = () => requests.filter(({ url = '' }) => url.startsWith('/bottles/')).length;
    const before = bottles();
    pause = 0;
    const report = await reportOf(commandLine(args, environment));
    const contents = await readContents(large);
    const all = contents?.entries.filter(({ name }) => name.startsWith('bottles/')).length ?? 0;
    const { totals } = contents?.snapshot ?? {};
    expect([report.ok, report.complete, report.files.checked]).toEqual([true, true, totals?.files]);
    expect(report.checks.map(({ name }) => name)).toContain('index');
    expect(bottles() - before).toBeLessThanOrEqual(all - 30);
    expect(existsSync(cursor)).toBe(false);
  });

  test('when the cursor file belongs to another mirror, refuses to continue', async () => {
    const cursor = join(folder, 'other-cursor.json');
    const { files, bytes } = await reportOf(verify(directory, '--json'));
    const report = {
      ok: true,
      complete: false,
      depth: 'deep',
      checked_at: '',
      checks: [],
      files,
      bytes,
      failures: [],
    };
    await writeFile(cursor, JSON.stringify({ mirror: 'elsewhere', report: { ...report, cursor: '1:x' } }));
    const { status, stderr } = await verify(directory, '--cursor', cursor);
    expect([status, stderr]).toEqual([1, expect.stringContaining('belongs to another verification')]);
    // A cursor of an older snapshot of the same mirror only costs the progress so far.
    await writeFile(cursor, JSON.stringify({ mirror: directory, report: { ...report, cursor: '1:x' } }));
    expect((await verify(directory, '--cursor', cursor)).status).toBe(0);
    await rm(cursor, { force: true });
  });
});
