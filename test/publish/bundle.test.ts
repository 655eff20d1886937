import { readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readPointer } from '../../builder/bucket/channels.ts';
import { readSnapshot, snapshotIdOf } from '../../builder/bucket/snapshots.ts';
import { type PublishPlacesOptions, publishPlaces } from '../../builder/bundle/publish-bundle.ts';
import { blobName } from '../../format/layout.ts';
import { publicKeyLine } from '../../format/minisign/public-key.ts';
import { parseRoot } from '../../format/snapshot/root.ts';
import { BundleWorld, FORMULAS } from '../bundle/world.ts';
import { jsonOf, send } from '../support/http.ts';
import { OTHER_KEY, TEST_KEY } from '../support/keys.ts';
import { copyMirror } from '../support/mirror.ts';
import { SILENT } from '../support/silent.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { BUCKET, CREDENTIALS, startTestWorker, type TestWorker } from '../support/worker.ts';

const world = new BundleWorld(await temporaryFolder());
const { at, mirror } = world;
const versions: number[] = [];
/** The newest first. */
const BOTH = [OTHER_KEY.publicKey, TEST_KEY.publicKey];
const TRUST_BOTH = BOTH.flatMap((key) => ['--trust', publicKeyLine(key)]);
let worker: TestWorker;

beforeAll(async () => {
  worker = await startTestWorker({ TRUSTED_KEYS: BOTH.map(publicKeyLine).join(' ') });
  for (const version of [1, 2, 3]) {
    const beta = { name: 'beta', version: `${version}.0`, bottle: `beta, edition ${version}` };
    expect(await world.make([...FORMULAS.filter(({ name }) => name !== 'beta'), beta])).toMatchObject({
      status: 0,
    });
    const since =
      version === 1 ? ['--max-size', '180K'] : ['--since', at(version === 2 ? '1-1.tar' : '2.tar')];
    const made = await world.outside('bundle', mirror, '-o', at(`${version}.tar`), '--json', ...since);
    expect(made).toMatchObject({ status: 0 });
    versions.push(JSON.parse(made.stdout).version);
  }
});
afterAll(() => worker.close());

const publish = (...parts: string[]) =>
  world.run(
    ['publish', ...parts, '--bucket', BUCKET, '--endpoint', `${worker.origin}/cdn-cgi/local/r2/s3`],
    'publisher',
    {
      ...{ AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId, AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey },
      SOURCE_DATE_EPOCH: '',
    },
  );

/** Expects that this version is live, and that the edge finds every byte of it as signed. */
async function expectLive(version: number): Promise<void> {
  const pointer = await readPointer(worker.bucket);
  expect(pointer?.live && snapshotIdOf(pointer.live).version).toBe(version);
  const report = jsonOf(await send(worker.origin, `/verify?deep=1&snapshot=${version}`));
  expect(report).toMatchObject({ ok: true, complete: true });
}

test('a bundle is published without a folder: first a whole one in parts, then what changed', {
  tags: 'long',
}, async () => {
  const parts = (await readdir(at())).filter((name) => /^1-\d\.tar$/.test(name)).map((name) => at(name));
  expect(parts.length).toBeGreaterThan(2);
  const [one = '', ...others] = parts;
  expect(await publish(one)).toMatchObject({ status: 1, stderr: expect.stringContaining('are missing') });
  expect(await publish(...others, one)).toMatchObject({ status: 0 });
  const [first = 0, , third = 0] = versions;
  await expectLive(first);

  const gap = await publish(at('3.tar'));
  expect(gap).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/publish the bundles in between first/),
  });
  await expectLive(first);

  expect(await publish(at('2.tar'))).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^Uploaded \d+ objects/),
  });
  expect(await publish(at('3.tar'))).toMatchObject({ status: 0 });
  await expectLive(third);
  expect(await publish(at('3.tar'))).toMatchObject({
    status: 0,
    stdout: expect.stringContaining('already live'),
  });
  expect(await leftovers()).toEqual([]);
});

describe('a bundle that does not follow what is live', { tags: 'long' }, () => {
  test.each<[string, () => Promise<string[]>, number, RegExp]>([
    ['a part of an older version', async () => [at('1-1.tar')], 3, /newer snapshot than this mirror/],
    ['another mirror', async () => [await bundleOf('another')], 1, /holds another mirror than this one/],
    ['one that has expired', async () => [await expired()], 3, /expired/],
    ['another key', async () => [at('3.tar'), '--trust', publicKeyLine(OTHER_KEY.publicKey)], 1, /3\.tar/],
  ])('%s is refused before it is unpacked', async (_name, args, status, message) => {
    const ended = await publish(...(await args()));
    expect(ended).toMatchObject({ status, stderr: expect.stringMatching(message) });
    await expectLive(versions[2] ?? 0);
    expect(await leftovers()).toEqual([]);
  });
});

describe('a bundle of what changed', { tags: 'long' }, () => {
  test('is published after the key has changed, and its files are found in the bucket', async () => {
    const signed = await world.run(
      ['sign', mirror, '--trust', publicKeyLine(TEST_KEY.publicKey)],
      'outside',
      {},
      OTHER_KEY,
    );
    expect(signed).toMatchObject({ status: 0 });
    const made = await world.run(
      ['bundle', mirror, '-o', at('4.tar'), '--since', at('3.tar'), '--json', ...TRUST_BOTH],
      'outside',
    );
    expect(made).toMatchObject({ status: 0 });
    const dry = await publish(at('4.tar'), '--dry-run', ...TRUST_BOTH);
    expect(dry).toMatchObject({ status: 0, stdout: expect.stringMatching(/^Would upload \d+ objects/) });
    await expectLive(versions[2] ?? 0);
    expect(await publish(at('4.tar'), ...TRUST_BOTH)).toMatchObject({ status: 0 });
    await expectLive(JSON.parse(made.stdout).version);
  });

  test('that is live when cleaning up fails is said to be live', async () => {
    const live = (await readPointer(worker.bucket))?.live;
    if (!live) throw new Error('Nothing is live.');
    const earlier = await readSnapshot(worker.bucket, snapshotIdOf(live));
    const leaves = parseRoot(earlier.root).leaves.map(({ sha256 }) => blobName(sha256));
    expect(await world.run(['sign', mirror, ...TRUST_BOTH], 'outside', {}, OTHER_KEY)).toMatchObject({
      status: 0,
    });
    const made = await world.run(
      ['bundle', mirror, '-o', at('5.tar'), '--since', at('4.tar'), ...TRUST_BOTH],
      'outside',
    );
    expect(made).toMatchObject({ status: 0 });
    for (const leaf of leaves) await worker.bucket.delete(leaf);
    const ended = await publish(at('5.tar'), '--keep', '5', ...TRUST_BOTH);
    expect(ended).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/Snapshot \d+ is live, but the bucket was not cleaned up/),
    });
  });
});

describe('a bundle of all files', { tags: 'long' }, () => {
  /** Publishes from standard input, without changing anything; returns whether files were verified. */
  const isVerified = async (bytes: Buffer): Promise<boolean> => {
    const labels = new Set<string>();
    const reporter = { ...SILENT, progress: ({ label }: { label: string }) => void labels.add(label) };
    const stdin = Readable.from([bytes], { objectMode: false });
    expect(await publishPlaces({ ...dryRun(stdin), reporter })).toMatchObject({ changed: true });
    return labels.has('Verifying');
  };

  test('is verified as a folder is, whatever it says of itself', async () => {
    await world.run(['sign', mirror, ...TRUST_BOTH], 'outside', {}, OTHER_KEY);
    for (const [name, args] of [
      ['all.tar', []],
      ['part.tar', ['--since', at('4.tar')]],
    ] as const) {
      const made = await world.run(['bundle', mirror, '-o', at(name), ...args, ...TRUST_BOTH], 'outside');
      expect(made).toMatchObject({ status: 0 });
    }
    const all = await readFile(at('all.tar'));
    expect(await isVerified(all)).toBe(true);
    all.write('0   ', all.indexOf('null'));
    expect(await isVerified(all)).toBe(true);
    expect(await isVerified(await readFile(at('part.tar')))).toBe(false);
  });
});

test('a bundle that stops coming is given up when the user asks to stop', { tags: 'long' }, async () => {
  const stop = new AbortController();
  const stdin = new Readable({ read: () => setTimeout(() => stop.abort(new Error('stopped')), 10) });
  await expect(publishPlaces({ ...dryRun(stdin), stop: stop.signal })).rejects.toThrow('stopped');
  expect(await leftovers()).toEqual([]);
});

/** Publishes from a stream, and changes nothing. */
const dryRun = (stdin: Readable): PublishPlacesOptions => ({
  ...{ places: ['-'], stdin, bucket: worker.bucket, trusted: BOTH, clock: () => new Date(), jobs: 1 },
  ...{ skipVerify: false, repair: false, dryRun: true, reporter: SILENT },
});

/** What a bundle was unpacked into, and that is still there. */
const leftovers = async (): Promise<string[]> =>
  (await readdir(tmpdir())).filter((name) => name.startsWith('stout-mirror-bundle-'));

/** A whole bundle of a new mirror. */
async function bundleOf(name: string): Promise<string> {
  await world.make(FORMULAS, at(name));
  expect(await world.outside('bundle', at(name), '-o', at(`${name}.tar`))).toMatchObject({ status: 0 });
  return at(`${name}.tar`);
}

/** A bundle of the next version, whose signature is valid no longer. */
async function expired(): Promise<string> {
  const directory = at('expired');
  await copyMirror(mirror, directory);
  const { stdout } = await world.outside('sign', directory, '--valid-for', '1h', '--json');
  const created = Date.parse(JSON.parse(stdout).expires_at) / 1000 - 3600;
  const made = await world.run(['bundle', directory, '-o', `${directory}.tar`], 'outside', {
    SOURCE_DATE_EPOCH: String(created),
  });
  expect(made).toMatchObject({ status: 0 });
  return `${directory}.tar`;
}
