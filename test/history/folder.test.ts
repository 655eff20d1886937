import { execFile } from 'node:child_process';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { DirectoryStore } from '../../builder/directory/store.ts';
import { folderChannels, promoteInFolder, removeFolderChannel } from '../../builder/history/channels.ts';
import { pinInFolder, removeFolderPin } from '../../builder/history/pins.ts';
import { keyIdText } from '../../format/minisign/public-key.ts';
import { Leaf } from '../../format/snapshot/leaf.ts';
import { parseRoot } from '../../format/snapshot/root.ts';
import { discard } from '../../format/store.ts';
import { failing } from '../builder/failing.ts';
import { sha256, writeUpstream } from '../builder/upstream.ts';
import { TEST_KEY } from '../support/keys.ts';
import { copyMirror, makeMirror, REQUEST } from '../support/mirror.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { HistoryWorld, servedOf, spaceOf } from './world.ts';

const signer = keyIdText(TEST_KEY.publicKey.keyId);
const trusted = [TEST_KEY.publicKey];
const folder = await temporaryFolder();
const world = new HistoryWorld(folder);
const { mirror, at } = world;
const versions: number[] = [];

const keptIn = async (directory: string): Promise<number[]> =>
  (await new DirectoryStore(directory).snapshots()).map(({ version }) => version);

/** Returns the names of the files of a snapshot that the folder still serves. */
async function namesServed(store: DirectoryStore, version: number): Promise<string[]> {
  const snapshot = parseRoot((await store.signedRoot({ version, signer }))?.root ?? new Uint8Array());
  const leaves = snapshot.leaves.map(async (reference, index) =>
    new Leaf((await store.leaf(reference)) ?? new Uint8Array(), snapshot, index).entries(),
  );
  const entries = (await Promise.all(leaves)).flat().filter(({ path }) => path === undefined);
  const records = await Promise.all(
    entries.map(async (entry) => {
      const file = await store.open(entry);
      if (file) await discard(file.body);
      return file?.record;
    }),
  );
  return entries.filter((entry, at) => records[at]?.sha256 === entry.sha256).map(({ name }) => name);
}

const SMALL = expect.stringMatching(/^bottles\/small-/);

beforeAll(async () => {
  versions.push(await world.edition(1));
  versions.push(await world.edition(2, '--keep-snapshots', '2'));
  versions.push(await world.edition(3));
});

describe('a folder that keeps snapshots', () => {
  test('keeps as many as it is told, also by later runs, and drops those before', async () => {
    expect(await keptIn(mirror)).toEqual(versions.slice(1));
    expect(await servedOf(mirror, { version: versions[0] ?? 0, signer })).toBeUndefined();
  });

  test('serves each of them whole, from the bytes that it was made with', async () => {
    for (const version of versions.slice(1))
      expect(await servedOf(mirror, { version, signer })).toEqual({ version, damaged: [] });
    expect(await servedOf(mirror, { channel: 'current' })).toEqual({ version: versions[2], damaged: [] });
  });

  test('copies nothing: what is kept is a second name of the same file', async () => {
    const before = await spaceOf(mirror);
    const whole = at('whole');
    await copyMirror(mirror, whole);
    await rm(join(whole, '.stout-mirror'), { recursive: true });
    const live = await spaceOf(whole);
    // Of the earlier snapshot, only what changed is there besides: package-0, small, and documents.
    const bottle = 'package 0 1.0\n'.length * 5000;
    expect(before.bytes - live.bytes).toBeLessThan(2 * bottle + 400_000);
    const blobs = (await readdir(join(mirror, '.stout-mirror/blobs/sha256'))).length;
    expect(before.inodes - live.inodes).toBeLessThan(blobs / 2);
  });

  test('verifies as one without them, with nothing unlisted', async () => {
    const { status, stdout } = await world.run(['verify', mirror, '--json'], 'verifier');
    expect([status, JSON.parse(stdout)]).toMatchObject([0, { ok: true, unlisted: [] }]);
  });
});

test('a kept file that was damaged is whole again once it is fetched for the live snapshot', async () => {
  const directory = at('repaired');
  await copyMirror(mirror, directory);
  const [, version = 0] = await keptIn(directory);
  const bottle = 'bottles/package-1-1.0.all.bottle.tar.gz';
  const bytes = await readFile(join(directory, bottle));
  const damaged = Buffer.concat([Buffer.from('x'), bytes.subarray(1)]);
  await writeFile(join(directory, bottle), damaged);
  const kept = join(directory, '.stout-mirror/blobs/sha256', sha256(bytes));
  await writeFile(kept, damaged);
  const before = await servedOf(directory, { version, signer });
  expect(before?.damaged).toContain(bottle);
  const again = ['create', directory, '--force', 'package-1', '--upstream', at('upstream')];
  expect(await world.outside(...again)).toMatchObject({ status: 0 });
  expect(await servedOf(directory, { version, signer })).toEqual({ version, damaged: [] });
  // Also when the live snapshot goes on without it.
  expect((await readFile(kept)).equals(bytes)).toBe(true);
});

test('prune says how many bytes it frees: none of a file that a kept snapshot needs', async () => {
  const directory = at('freed');
  // A copy in which names of one file stay names of one file.
  await promisify(execFile)('cp', ['-a', mirror, directory]);
  const late = { SOURCE_DATE_EPOCH: String(Math.floor(Date.now() / 1000) + 8 * 86_400) };
  const prune = (...args: string[]) => world.run(['prune', directory, '--json', ...args], 'pruner', late);
  const before = await spaceOf(directory);
  const dry = JSON.parse((await prune('--dry-run')).stdout);
  const { removed, history } = JSON.parse((await prune()).stdout);
  expect(removed.paths).toContainEqual(expect.stringMatching(/^bottles\/package-0-/));
  const freed = before.bytes - (await spaceOf(directory)).bytes;
  expect([dry.removed.bytes, removed.bytes + history.bytes]).toEqual([removed.bytes, freed]);
});

describe('the setting', () => {
  test('is dropped with a word, and with it what was kept', async () => {
    const directory = at('fewer');
    await copyMirror(mirror, directory);
    const asked = ['package-0', '--keep-snapshots', '1', '--upstream', at('upstream')];
    const { status, stderr } = await world.outside('create', directory, ...asked);
    expect({ status, stderr }).toMatchObject({
      status: 0,
      stderr: expect.stringContaining('keep-snapshots'),
    });
    expect(await keptIn(directory)).toHaveLength(1);
    expect(await readdir(directory)).not.toContain('.stout-mirror');
  });

  test('can be in a mirror.toml', async () => {
    const file = at('mirror.toml');
    const lines = ['directory = "./by-file"', 'packages = ["package-1"]', 'keep-snapshots = 2'];
    await writeFile(file, `${lines.join('\n')}\nupstream = "./upstream"\n`);
    for (let run = 0; run < 3; run++)
      expect(await world.outside('create', '--config', file)).toMatchObject({ status: 0 });
    expect(await keptIn(at('by-file'))).toHaveLength(2);
  });

  test('goes with a bundle: the mirror inside keeps as many', async () => {
    const inside = at('inside');
    for (const number of [4, 5]) {
      await world.edition(number);
      const part = at(`${number}.tar`);
      expect(await world.bundle('-o', part)).toMatchObject({ status: 0 });
      expect(await world.inside('unbundle', part, inside)).toMatchObject({ status: 0 });
    }
    expect(await keptIn(inside)).toEqual(await keptIn(mirror));
    for (const version of await keptIn(inside))
      expect(await servedOf(inside, { version, signer })).toEqual({ version, damaged: [] });
  });

  test('and so does what is withdrawn: no kept snapshot inside has it any more', async () => {
    const [inside, outside] = [at('inside'), at('outside')];
    await copyMirror(mirror, outside);
    const [, earlier = 0] = await keptIn(inside);
    expect(await namesServed(new DirectoryStore(inside), earlier)).toContainEqual(SMALL);
    expect(await world.outside('withdraw', outside, 'small')).toMatchObject({ status: 0 });
    const part = at('withdrawn.tar');
    const made = await world.outside('bundle', outside, '-o', part, '--since', String(earlier));
    expect(made).toMatchObject({ status: 0 });
    expect(await world.inside('unbundle', part, inside)).toMatchObject({ status: 0 });
    expect(await keptIn(inside)).toContain(earlier);
    expect(await namesServed(new DirectoryStore(inside), earlier)).not.toContainEqual(SMALL);
    expect(await readdir(join(inside, 'bottles'))).not.toContainEqual(expect.stringMatching(/^small-/));
  });
});

describe('a channel of a folder', () => {
  const directory = at('channels');
  const now = new Date();
  const promote = (from: string, to: string, more = {}) =>
    promoteInFolder({ directory, from, to, trusted, now, ...more });

  beforeAll(() => copyMirror(mirror, directory));

  test('keeps its snapshot while others come and go, until it is removed', async () => {
    const stable = await world.version(directory);
    expect(await promote('current', 'stable')).toMatchObject({ changed: true, previous: null });
    expect(await promote('current', 'stable')).toMatchObject({ changed: false });
    for (let run = 0; run < 2; run++)
      expect(await world.outside('sign', directory)).toMatchObject({ status: 0 });
    expect(await servedOf(directory, { channel: 'stable' })).toEqual({ version: stable, damaged: [] });
    expect(await servedOf(directory, { version: stable, signer })).toEqual({ version: stable, damaged: [] });
    expect(await new DirectoryStore(directory).channels()).toEqual(['stable']);
    expect(await folderChannels(directory, now)).toMatchObject([
      { name: 'current', against_current: 'same' },
      { name: 'stable', version: stable, against_current: 'behind', expired: false },
    ]);
    await removeFolderChannel(directory, 'stable', now);
    await expect(removeFolderChannel(directory, 'stable', now)).rejects.toEqual(failing('not-found'));
    expect(await world.outside('prune', directory)).toMatchObject({ status: 0 });
    expect(await keptIn(directory)).not.toContain(stable);
    expect(await servedOf(directory, { channel: 'stable' })).toBeUndefined();
  });

  test('moves on, and never goes back', async () => {
    await promote('current', 'canary');
    await world.outside('sign', directory);
    expect(await promote('current', 'stable')).toMatchObject({ changed: true });
    await expect(promote('canary', 'stable')).rejects.toEqual(
      failing('rolled-back', { message: expect.stringContaining('never goes back') }),
    );
    const before = await servedOf(directory, { channel: 'canary' });
    expect(await promote('stable', 'canary')).toMatchObject({ changed: true, previous: before?.version });
  });

  test.each([
    ['into current', 'stable', 'current', 'refused', 'always what was made last'],
    ['of a channel that is not there', 'nightly', 'stable', 'not-found', 'current, canary'],
    ['into itself', 'stable', 'stable', 'usage', 'two channels'],
    ['to what is no name', 'current', '../evil', 'usage', 'cannot be the name of a channel'],
  ] as const)('a promotion %s is refused', async (_what, from, to, code, message) => {
    await expect(promote(from, to)).rejects.toEqual(
      failing(code, { message: expect.stringContaining(message) }),
    );
  });

  test('a promotion waits until its time has come', async () => {
    const early = await promote('current', 'later', { after: 3600, now: new Date() });
    expect(early).toMatchObject({ changed: false, not_before: expect.stringMatching(/Z$/) });
    const late = new Date(Date.now() + 3_700_000);
    expect(await promote('current', 'later', { after: 3600, now: late })).toMatchObject({ changed: true });
  });

  test('and what is kept are in info', async () => {
    const { stdout } = await world.run(['info', directory], 'reader');
    expect(stdout).toMatch(/^Snapshots$/m);
    expect(stdout).toContain('live in current, canary, later, stable');
    const { snapshots } = JSON.parse((await world.run(['info', directory, '--json'], 'reader')).stdout);
    expect(snapshots).toHaveLength((await keptIn(directory)).length);
    expect(snapshots[0]).toMatchObject({ state: 'live', packages: 7, pinned: false, expired: false });
    expect(snapshots[1]).toMatchObject({ state: 'kept', channels: [] });
  });

  test('that is damaged is named, and until it is removed it gets nothing and nothing is dropped', async () => {
    await writeFile(join(directory, '.stout-mirror/channels/later'), '{}');
    const channels = await folderChannels(directory, now);
    expect(channels.find(({ name }) => name === 'later')).toMatchObject({ reason: expect.any(String) });
    await expect(promote('current', 'later')).rejects.toEqual(
      failing('refused', { message: expect.stringContaining('channels --remove later') }),
    );
    await removeFolderChannel(directory, 'stable', now);
    const kept = await keptIn(directory);
    const { status, stderr } = await world.outside('prune', directory);
    expect([status, stderr]).toEqual([0, expect.stringContaining('cannot be read: channel later')]);
    expect(await keptIn(directory)).toEqual(kept);
    await removeFolderChannel(directory, 'later', now);
    expect(await promote('current', 'later')).toMatchObject({ changed: true });
  });
});

describe('a pin of a folder', () => {
  test('keeps a snapshot until its time has come', async () => {
    const directory = at('pinned');
    await copyMirror(mirror, directory);
    const [oldest = 0, second = 0] = await keptIn(directory);
    const now = new Date();
    const soon = Math.floor(now.getTime() / 1000);
    const pinned = await pinInFolder(directory, String(oldest), soon + 86_400, now);
    expect(pinned).toMatchObject({ version: oldest, signer, until: expect.any(String) });
    await pinInFolder(directory, `${second}-${signer}`, soon, new Date(0));
    for (let run = 0; run < 2; run++)
      expect(await world.outside('sign', directory, '--json')).toMatchObject({ status: 0 });
    expect(await servedOf(directory, { version: oldest, signer })).toEqual({ version: oldest, damaged: [] });
    await world.run(['prune', directory], 'later', { SOURCE_DATE_EPOCH: String(soon + 3600) });
    expect(await keptIn(directory)).toContain(oldest);
    expect(await keptIn(directory)).not.toContain(second);
    expect((await world.run(['info', directory], 'reader')).stdout).toMatch(
      new RegExp(`${oldest}-.* pinned until`),
    );
    expect(await removeFolderPin(directory, String(oldest), now)).toEqual({ version: oldest, signer });
    await world.outside('prune', directory);
    expect(await keptIn(directory)).not.toContain(oldest);
    await expect(pinInFolder(directory, '17', undefined, now)).rejects.toEqual(failing('not-found'));
  });

  test('holds on to a damaged snapshot until it is removed', async () => {
    const directory = at('pinned-damaged');
    await copyMirror(mirror, directory);
    const [oldest = 0] = await keptIn(directory);
    const now = new Date();
    await pinInFolder(directory, String(oldest), undefined, now);
    const signed = await new DirectoryStore(directory).signedRoot({ version: oldest, signer });
    const [leaf] = parseRoot(signed?.root ?? new Uint8Array()).leaves;
    await rm(join(directory, '.stout-mirror/blobs/sha256', leaf?.sha256 ?? ''));
    const blobs = await readdir(join(directory, '.stout-mirror/blobs/sha256'));
    for (let run = 0; run < 2; run++) await world.outside('sign', directory);
    const { stderr } = await world.outside('prune', directory);
    expect(stderr).toContain(`snapshot ${oldest}-${signer}`);
    expect(await keptIn(directory)).toContain(oldest);
    expect(await readdir(join(directory, '.stout-mirror/blobs/sha256'))).toEqual(
      expect.arrayContaining(blobs),
    );
    await rm(join(directory, `.stout-mirror/snapshots/${oldest}-${signer}`));
    expect(await removeFolderPin(directory, String(oldest), now)).toEqual({ version: oldest, signer });
    const { stderr: after } = await world.outside('prune', directory);
    expect(after).toMatch(/^removed snapshot .*\n$/);
    expect(await keptIn(directory)).toHaveLength(2);
  });
});

describe('withdraw', () => {
  test('takes the bytes out of every snapshot that is kept, whatever version they are', async () => {
    const directory = at('withdrawn');
    await copyMirror(mirror, directory);
    const before = await keptIn(directory);
    const store = new DirectoryStore(directory);
    const [, earlier = 0] = before;
    // A server that runs on has small files in memory.
    expect(await namesServed(store, earlier)).toContainEqual(SMALL);
    const done = await world.outside('withdraw', directory, 'package-0', 'small');
    expect(done).toMatchObject({ status: 0 });
    expect(await namesServed(store, earlier)).not.toContainEqual(SMALL);
    const kept = await keptIn(directory);
    expect(kept.slice(0, -1)).toEqual(before.slice(1));
    for (const version of kept.slice(0, -1)) {
      const { damaged = [] } = (await servedOf(directory, { version, signer })) ?? {};
      // By name, also of superseded versions; by content; and what describes it.
      const others =
        /^blobs\/sha256\/|^index\/formulas\/data\/.\/(package-0|small)|^bottles\/(package-0|small)-/;
      expect(damaged.filter((name) => !others.test(name))).toEqual([]);
      const served = await namesServed(store, version);
      expect(served.filter((name) => /package-0[-.]|small/.test(name))).toEqual([]);
      expect(served.filter((name) => /^bottles/.test(name))).toHaveLength(5);
    }
    expect(await world.outside('verify', directory)).toMatchObject({ status: 0 });
    const again = await world.outside('withdraw', directory, 'package-0');
    expect(again).toMatchObject({ status: 0, stdout: expect.stringContaining('Nothing to do') });
  });
});

test('what is withdrawn stays away though another package has the same bytes', async () => {
  const directory = at('twins');
  const [bad, good] = ['bad', 'good'].map((name) => ({ name, bottle: 'the same bytes' }));
  await writeUpstream(at('twins-upstream'), {
    formulas: [bad, good, { name: 'other' }].filter((one) => !!one),
  });
  const request = { ...REQUEST, packages: ['bad', 'good', 'other'], casks: [], keep_snapshots: 3 };
  await makeMirror(directory, {
    upstream: at('twins-upstream'),
    request: { ...request, vulnerabilities: false },
  });
  const version = await world.version(directory);
  expect(await world.outside('withdraw', directory, 'bad')).toMatchObject({ status: 0 });
  const again = ['create', directory, '--force', 'good', 'other', '--upstream', at('twins-upstream')];
  expect(await world.outside(...again)).toMatchObject({ status: 0 });
  const store = new DirectoryStore(directory);
  const kept = await namesServed(store, version);
  expect(kept.filter((name) => /^bottles/.test(name))).toEqual([
    'bottles/good-1.0.all.bottle.tar.gz',
    'bottles/other-1.0.all.bottle.tar.gz',
  ]);
  const live = await world.version(directory);
  expect(await servedOf(directory, { version: live, signer })).toEqual({ version: live, damaged: [] });
});

test('what is withdrawn of files on demand is not fetched for a kept snapshot either', async () => {
  const directory = at('on-demand');
  const source = `https://ghcr.io/v2/homebrew/core/far/blobs/sha256:${sha256('far')}`;
  const far = { name: 'far', json: { bottles: { all: { url: source, sha256: sha256('far') } } } };
  const twins = [far, { ...far, name: 'twin' }, { name: 'near' }];
  await writeUpstream(at('far'), { formulas: twins });
  const request = {
    ...REQUEST,
    packages: ['far', 'near', 'twin'],
    casks: [],
    on_demand: true,
    keep_snapshots: 2,
  };
  await makeMirror(directory, { upstream: at('far'), request: { ...request, vulnerabilities: false } });
  const version = await world.version(directory);
  const store = new DirectoryStore(directory);
  const entry = { name: 'bottles/far-1.0.all.bottle.tar.gz', sha256: sha256('far'), modified: 1, source };
  expect(await store.head(entry)).toBeUndefined();
  const twin = { ...entry, name: 'bottles/twin-1.0.all.bottle.tar.gz' };
  expect(await world.outside('withdraw', directory, 'far')).toMatchObject({ status: 0 });
  expect(await keptIn(directory)).toContain(version);
  expect(await store.head(entry)).toMatchObject({ size: 0 });
  // Of a package that stays, the same bytes can still be fetched.
  expect(await store.head(twin)).toBeUndefined();
});

describe('bundle --since', () => {
  test('a version that is kept has only what changed after it', async () => {
    const [base = 0] = await keptIn(mirror);
    for (const since of [String(base), `${base}-${signer}`]) {
      const made = await world.bundle('-o', at('since.tar'), '--since', since, '--json');
      expect([made.status, JSON.parse(made.stdout)]).toMatchObject([0, { since: base }]);
    }
    const whole = await world.bundle('-o', at('from-live.tar'), '--since', String(await world.version()));
    expect(whole).toMatchObject({ status: 0, stdout: expect.stringContaining('0 files') });
  });

  test('a version that is not kept says which are', async () => {
    const { status, stderr } = await world.bundle('-o', at('none.tar'), '--since', '17');
    expect([status, stderr]).toEqual([1, expect.stringContaining(`${await world.version()}-${signer}`)]);
  });
});
