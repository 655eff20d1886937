import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { formatSecretKey } from '../../format/minisign/secret-key.ts';
import { type SampleServer, startSampleServer } from '../../scripts/sample/server.ts';
import { writeUpstream } from '../builder/upstream.ts';
import { SEED, settle } from '../support/faults/results.ts';
import { mountSmallDisk } from '../support/faults/small-disk.ts';
import { startUnreliableFront } from '../support/faults/unreliable-front.ts';
import { TEST_KEY } from '../support/keys.ts';
import { type Ended, MAIN, needs, runProgram, stoutMirror } from '../support/programs.ts';
import { Random } from '../support/random.ts';
import { jsonOfReading, startReader } from '../support/reader.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { BUCKET, CREDENTIALS, startTestWorker } from '../support/worker.ts';

const ROUNDS = 8;
/** Each has some hundred requests, of which many wait before they are made again. */
const ROUNDS_OF_TROUBLE = 4;
const PACKAGES = Array.from({ length: 12 }, (_, index) => `package-${index}`);
const folder = await temporaryFolder();
let environment: Record<string, string>;
let upstream: SampleServer;
let mirrors = 0;
const newMirror = (): string => join(folder, `mirror-${++mirrors}`);

beforeAll(async () => {
  const at = join(folder, 'upstream');
  await mkdir(at);
  await writeUpstream(at, {
    formulas: PACKAGES.map((name) => ({ name, bottle: randomBytes(100_000).toString('hex') })),
  });
  upstream = await startSampleServer(at, { port: 0 });
  environment = {
    MIRROR_SIGNING_KEY: await formatSecretKey(TEST_KEY),
    ...{ XDG_CACHE_HOME: join(folder, 'cache'), XDG_STATE_HOME: join(folder, 'state') },
    AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
  };
});
afterAll(() => upstream.close());

const createArgs = (directory: string, from: string, packages = PACKAGES): string[] => [
  ...['create', directory, ...packages, '--platforms', 'arm64_sonoma', '--upstream', from],
];
const create = (directory: string, from = upstream.origin, packages = PACKAGES): Promise<Ended> =>
  stoutMirror(createArgs(directory, from, packages), environment);
const verify = (where: string): Promise<Ended> => stoutMirror(['verify', where], environment);
const bucketArgs = (origin: string): string[] => [
  ...['--bucket', BUCKET, '--endpoint', `${origin}/cdn-cgi/local/r2/s3`],
];

/** Complaints of one family. */
class Watch {
  tried = 0;
  readonly lost: string[] = [];

  /** A case that must end with one of these statuses and say this on standard error. */
  async expect(name: string, work: Promise<Ended>, statuses: number[], says = /./): Promise<void> {
    this.tried += 1;
    const { status, stdout, stderr } = await work;
    const isClear = status === 0 || (says.test(stdout + stderr) && !/^ +at /m.test(stderr));
    if (!statuses.includes(status) || !isClear)
      this.lost.push(`${name}: ${status} ${(stdout + stderr).slice(-300)}`);
  }
}

test('an upstream and a bucket behind a line that breaks, and servers that are busy', async () => {
  const random = new Random(SEED);
  const worker = await startTestWorker();
  const fronts = await Promise.all(
    [upstream.origin, worker.origin].map((origin) => startUnreliableFront(origin, random, 20)),
  );
  const [front, storage] = fronts.map(({ origin }) => origin);
  const read = startReader(worker);
  const watch = new Watch();
  // A bucket has one mirror.
  const directory = newMirror();
  for (let round = 1; round <= ROUNDS_OF_TROUBLE; round++) {
    await watch.expect(`create ${round}`, create(directory, front, PACKAGES.slice(0, 2 * round)), [0]);
    await watch.expect(`verify ${round}`, verify(directory), [0]);
    const keep = ['--keep', '1', '--grace', '1s'];
    const publish = stoutMirror(['publish', directory, ...bucketArgs(storage ?? ''), ...keep], environment);
    await watch.expect(`publish ${round}`, publish, [0]);
    if (!jsonOfReading(await read('/verify?deep=1')).ok) watch.lost.push(`the bucket after ${round}`);
  }
  for (const { close } of fronts) close();
  await worker.close();
  const made = fronts.flatMap(({ troubles }) => [...troubles]);
  settle({
    family: 'resets at random offsets, lost answers, 429, 500 to 504',
    tried: made.reduce((sum, [, count]) => sum + count, 0),
    lost: watch.lost,
    note: `met by ${watch.tried} runs; ${new Set(made.map(([trouble]) => trouble)).size} kinds`,
  });
});

test('hosts that are not there', async () => {
  const watch = new Watch();
  const nowhere = 'https://no-such-host.invalid/';
  await watch.expect('create', create(newMirror(), nowhere), [4], /no-such-host\.invalid/);
  await watch.expect('verify', verify(nowhere), [4], /no-such-host\.invalid/);
  await watch.expect('nobody listens', create(newMirror(), 'http://127.0.0.1:1'), [4], /ECONNREFUSED/);
  const directory = newMirror();
  await create(directory);
  const publish = stoutMirror(
    ['publish', directory, ...bucketArgs('https://no-such-host.invalid')],
    environment,
  );
  await watch.expect('publish', publish, [4], /no-such-host\.invalid/);
  settle({ family: 'DNS failure, nobody listening', ...watch });
});

test('a disk that is full', async () => {
  const disk = mountSmallDisk(join(folder, 'full'), 100);
  if (!disk) return void process.stdout.write('A full disk was not tried: this user may not mount one.\n');
  const watch = new Watch();
  const random = new Random(SEED);
  try {
    for (let round = 1; round <= ROUNDS; round++) {
      const directory = join(disk.path, `mirror-${round}`);
      disk.resize(64 + random.below(2600));
      await watch.expect(`create ${round}`, create(directory), [1], /Disk full/);
      disk.resize(20_000);
      await watch.expect(`the same again ${round}`, create(directory), [0]);
      await watch.expect(`verify ${round}`, verify(directory), [0]);
      // What was a mirror stays one when the next change finds no room.
      disk.resize(3000);
      await watch.expect(`update ${round}`, stoutMirror(['sign', directory], environment), [0, 1], /no more/);
      disk.resize(20_000);
      await watch.expect(`verify again ${round}`, stoutMirror(['sign', directory], environment), [0]);
      await watch.expect(`verify at last ${round}`, verify(directory), [0]);
      await runProgram('rm', ['-rf', directory]);
    }
  } finally {
    disk.unmount();
  }
  settle({ family: 'a full disk', ...watch });
});

test('a folder that cannot be written to', async () => {
  const disk = mountSmallDisk(join(folder, 'read-only'), 20_000);
  if (!disk)
    return void process.stdout.write('A read-only folder was not tried: this user may not mount one.\n');
  const watch = new Watch();
  const directory = join(disk.path, 'mirror');
  try {
    await watch.expect('create', create(directory), [0]);
    disk.readOnly(true);
    await watch.expect('verify', verify(directory), [0]);
    await watch.expect('info', stoutMirror(['info', directory], environment), [0]);
    for (const args of [
      createArgs(directory, upstream.origin, PACKAGES.slice(1)),
      ...[
        ['update', directory],
        ['sign', directory],
        ['prune', directory],
      ],
    ]) {
      await watch.expect(args[0] ?? '', stoutMirror(args, environment), [1], /read-only/i);
    }
    const another = create(join(disk.path, 'another'));
    // Node's own word for a folder that cannot be made there.
    await watch.expect('create another', another, [1], /EROFS|ENOENT: .* mkdir/);
    disk.readOnly(false);
    await watch.expect('update, once it can be', stoutMirror(['update', directory], environment), [0]);
    await watch.expect('verify at last', verify(directory), [0]);
  } finally {
    disk.unmount();
  }
  settle({ family: 'a read-only folder', ...watch });
});

test('a clock that is an hour or a year wrong', needs('faketime'), async () => {
  const watch = new Watch();
  const worker = await startTestWorker();
  const at = (clock: string, ...args: string[]): Promise<Ended> =>
    runProgram('faketime', ['-f', clock, process.execPath, MAIN, ...args], {
      ...environment,
      DONT_FAKE_MONOTONIC: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    });
  const good = newMirror();
  await create(good);
  for (const clock of ['-1h', '+1h', '-1y', '+1y']) {
    const directory = newMirror();
    await watch.expect(`create at ${clock}`, at(clock, ...createArgs(directory, upstream.origin)), [0]);
    const late = clock === '-1y';
    await watch.expect(`verify of ${clock}`, verify(directory), [late ? 3 : 0], /expired/);
    await watch.expect(`sign of ${clock}`, stoutMirror(['sign', directory], environment), [0]);
    await watch.expect(`verify of ${clock} once signed`, verify(directory), [0]);
    const early = clock === '+1y';
    await watch.expect(`verify at ${clock}`, at(clock, 'verify', good), [early ? 3 : 0], /expired/);
    // Storage does not take requests of another hour; an expired mirror is not even tried.
    const publish = at(clock, 'publish', good, ...bucketArgs(worker.origin));
    await watch.expect(
      `publish at ${clock}`,
      publish,
      [early ? 3 : 1],
      early ? /expired/ : /clock of this machine is wrong/,
    );
  }
  await watch.expect(
    'publish',
    stoutMirror(['publish', good, ...bucketArgs(worker.origin)], environment),
    [0],
  );
  if (!jsonOfReading(await startReader(worker)('/verify?deep=1')).ok) watch.lost.push('the bucket');
  await worker.close();
  settle({ family: 'a clock an hour and a year wrong', ...watch });
});

test('two creates at once', async () => {
  const watch = new Watch();
  let refused = 0;
  for (let round = 1; round <= ROUNDS; round++) {
    const directory = newMirror();
    const both = [create(directory), create(directory)];
    for (const one of both)
      await watch.expect(
        `create ${round}`,
        one,
        [0, 1],
        /is being written to: (?:Another process|Process \d+)/,
      );
    const statuses = (await Promise.all(both)).map(({ status }) => status);
    refused += statuses.filter((status) => status === 1).length;
    if (!statuses.includes(0)) watch.lost.push(`round ${round}: neither made it`);
    await watch.expect(`verify ${round}`, verify(directory), [0]);
  }
  expect(refused).toBeGreaterThan(0);
  settle({ family: 'two creates at once', ...watch, note: `${refused} were refused` });
});
