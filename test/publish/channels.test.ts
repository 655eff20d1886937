import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { readPointer } from '../../builder/bucket/channels.ts';
import { describeSnapshots } from '../../builder/bucket/describe.ts';
import { snapshotIdOf } from '../../builder/bucket/snapshots.ts';
import { describeChannels, removeChannel } from '../../builder/channels.ts';
import { readContents, readSignedRoot } from '../../builder/directory/mirror.ts';
import { type PromoteOptions, promote } from '../../builder/promote.ts';
import { type RollbackOptions, rollback } from '../../builder/rollback.ts';
import { parseMirrorUrl } from '../../builder/verify/mirror-url.ts';
import { utf8 } from '../../format/bytes.ts';
import { sha256Hex } from '../../format/digest.ts';
import { channelKey, type SnapshotId, snapshotKey } from '../../format/layout.ts';
import { encodeChannel } from '../../format/snapshot/pointer.ts';
import { R2Store } from '../../worker/r2-store.ts';
import { startServer } from '../builder/server.ts';
import { OTHER_KEY, TEST_KEY } from '../support/keys.ts';
import { copyMirror, makeMirror, REQUEST, THIRTY_DAYS } from '../support/mirror.ts';
import { SILENT } from '../support/silent.ts';
import { startStorageProxy } from '../support/storage-proxy.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { bucketAt, startTestWorker, type TestWorker } from '../support/worker.ts';

const HOUR = 3600;
const JQ = { ...REQUEST, packages: ['jq'], casks: [], tags: ['sonoma'], vulnerabilities: false };
const START = Date.now() - 100_000;
const folder = await temporaryFolder();
const [one, two, three, other] = ['one', 'two', 'three', 'other'].map((name) => join(folder, name)) as [
  string,
  string,
  string,
  string,
];
let worker: TestWorker;

beforeAll(async () => {
  await makeMirror(one, { request: JQ, now: new Date(START) });
  await copyMirror(one, two);
  await makeMirror(two, { request: { ...JQ, packages: ['jq', 'lz4'] }, now: new Date(START + 20_000) });
  await copyMirror(two, three);
  await makeMirror(three, { request: { ...JQ, packages: ['lz4', 'xz'] }, now: new Date(START + 40_000) });
  await makeMirror(other, { request: JQ, now: new Date(START + 60_000) });
  worker = await startTestWorker();
});
afterAll(() => worker.close());
beforeEach(async () => {
  for await (const { key } of worker.bucket.list('')) await worker.bucket.delete(key);
});

const idOf = async (directory: string): Promise<SnapshotId> => snapshotIdOf(await readSignedRoot(directory));

/** Returns what a server finds live in a channel, whether or not it may serve it. */
const liveIn = async (channel: string): Promise<SnapshotId | undefined> => {
  const signed = await new R2Store(worker.binding).signedRoot({ channel });
  return signed && snapshotIdOf(signed);
};

const keysIn = async (): Promise<string[]> =>
  (await Array.fromAsync(worker.bucket.list(''))).map(({ key }) => key).sort();

const leasing = () => ({ bucket: worker.bucket, clock: () => new Date(), reporter: SILENT });

const move = (from: string, to: string, changes: Partial<PromoteOptions> = {}) =>
  promote({ ...leasing(), from, to, trusted: [TEST_KEY.publicKey], ...changes });

const roll = (changes: Partial<RollbackOptions> = {}) =>
  rollback({
    ...{ ...leasing(), jobs: 4, key: TEST_KEY, trusted: [], now: new Date(), validFor: THIRTY_DAYS },
    ...changes,
  });

describe('a channel besides the one at the root', () => {
  test('is published to while the other readers stay, and shares every file with them', async () => {
    await worker.publish(one);
    const before = await keysIn();
    const proxy = await startStorageProxy(worker.origin);
    const summary = await worker.publish(two, { channel: 'canary', bucket: bucketAt(proxy.origin) });
    proxy.close();
    const { version } = await idOf(two);
    expect(summary).toMatchObject({ channel: 'canary', version, previous: null, changed: true });
    expect([await liveIn('current'), await liveIn('canary')]).toEqual([await idOf(one), await idOf(two)]);
    const added = (await keysIn()).filter((key) => !before.includes(key));
    const { entries = [], snapshot } = (await readContents(two)) ?? {};
    const blobs = new Set([...entries, ...(snapshot?.leaves ?? [])].map(({ sha256 }) => sha256));
    expect(added).toContain('channels/canary');
    const sent = proxy.requests.filter((request) => request.startsWith('PUT blobs/'));
    expect(sent).toHaveLength(added.filter((key) => key.startsWith('blobs/')).length);
    // Nothing is there twice: what both have was there before.
    expect(added.length).toBeLessThan(blobs.size);
    expect(await worker.publish(two, { channel: 'canary' })).toMatchObject({ changed: false });
    expect(await worker.publish(two)).toMatchObject({
      uploaded: { objects: 0 },
      previous: (await idOf(one)).version,
    });
  });

  test('remembers since when it has its snapshot, and what it had before', { tags: ['long'] }, async () => {
    const at = (seconds: number) => ({ channel: 'canary', clock: () => new Date(START + seconds * 1000) });
    await worker.publish(one, at(1000));
    await worker.publish(two, at(2000));
    await worker.publish(two, at(3000));
    const { live } = (await readPointer(worker.bucket, 'canary')) ?? {};
    const seconds = Math.floor(START / 1000);
    expect(live?.moved_at).toBe(seconds + 2000);
    expect(live?.history).toEqual([{ snapshot: await idOf(one), moved_at: seconds + 1000 }]);
  });

  test('is refused for another mirror than any channel has, and for an older snapshot than it has', {
    tags: ['long'],
  }, async () => {
    await worker.publish(one);
    await expect(worker.publish(other, { channel: 'canary' })).rejects.toMatchObject({ code: 'refused' });
    await worker.publish(two, { channel: 'canary' });
    await expect(worker.publish(one, { channel: 'canary' })).rejects.toMatchObject({ code: 'rolled-back' });
    expect(await liveIn('canary')).toEqual(await idOf(two));
    const refusal = {
      ...{ code: 'refused', where: 'channels/canary' },
      message: expect.stringContaining('first run channels --remove canary.'),
    };
    // At the root there may be nothing, or something to replace.
    await expect(worker.publish(other, { repair: true })).rejects.toMatchObject(refusal);
    await worker.bucket.delete('current');
    await expect(worker.publish(other)).rejects.toMatchObject(refusal);
    await removeChannel(leasing(), 'canary');
    await worker.publish(other);
  });

  test('with a damaged pointer is named, and is repaired alone', { tags: ['long'] }, async () => {
    await worker.publish(one);
    await worker.publish(two, { channel: 'canary' });
    const damaged = utf8('{');
    await worker.bucket.put('channels/canary', damaged, sha256Hex(damaged));
    await expect(worker.publish(three, { channel: 'canary' })).rejects.toMatchObject({
      ...{ code: 'bad-input', message: expect.stringContaining('publish --channel canary --repair') },
    });
    expect(await describeChannels(worker.bucket, new Date())).toMatchObject([
      { name: 'current' },
      { name: 'canary', reason: expect.stringContaining('damaged') },
    ]);
    await worker.publish(three, { channel: 'canary', repair: true });
    expect([await liveIn('current'), await liveIn('canary')]).toEqual([await idOf(one), await idOf(three)]);
  });
});

describe('promoting', () => {
  test('switches the readers of one channel to what another has, and uploads and copies nothing', async () => {
    await worker.publish(one);
    await worker.publish(two, { channel: 'canary' });
    const before = await keysIn();
    const versions = { version: (await idOf(two)).version, previous: (await idOf(one)).version };
    expect(await move('canary', 'current')).toEqual({
      from: 'canary',
      to: 'current',
      ...versions,
      ...{ changed: true, not_before: null },
    });
    expect(await keysIn()).toEqual(before);
    expect(await liveIn('current')).toEqual(await idOf(two));
    expect(await move('canary', 'current')).toMatchObject({ changed: false });
    expect(await move('current', 'stable')).toMatchObject({ previous: null, changed: true });
    expect(await keysIn()).toEqual([...before, 'channels/stable'].sort());
  });

  test('waits for the time that the snapshot must have been live, and says when that is over', async () => {
    const since = START + 50_000;
    await worker.publish(one, { channel: 'canary', clock: () => new Date(since) });
    const afterwards = (seconds: number) =>
      move('canary', 'current', { after: HOUR, clock: () => new Date(since + seconds * 1000) });
    const due = new Date(Math.floor(since / 1000 + HOUR) * 1000).toISOString().replace('.000Z', 'Z');
    for (const seconds of [HOUR - 2, -HOUR])
      expect(await afterwards(seconds)).toMatchObject({ changed: false, not_before: due });
    expect(await liveIn('current')).toBeUndefined();
    expect(await afterwards(HOUR)).toMatchObject({ changed: true, not_before: null });
  });

  test('never goes back', { tags: ['long'] }, async () => {
    await worker.publish(two);
    await worker.publish(one, { channel: 'canary' });
    await expect(move('canary', 'current')).rejects.toMatchObject({ code: 'rolled-back' });
    expect(await liveIn('current')).toEqual(await idOf(two));
  });

  test.each<[string, Partial<PromoteOptions>, string]>([
    ['from a channel that is not there', { from: 'beta' }, 'not-found'],
    ['to itself', { to: 'canary' }, 'usage'],
    ['what another key has signed', { trusted: [OTHER_KEY.publicKey] }, 'refused'],
    ['what has expired', { clock: () => new Date(Date.now() + 31 * 24 * HOUR * 1000) }, 'expired'],
  ])('%s is refused, and changes nothing', { tags: ['long'] }, async (_name, changes, code) => {
    await worker.publish(one, { channel: 'canary' });
    const before = await keysIn();
    await expect(move('canary', 'current', changes)).rejects.toMatchObject({
      code,
    });
    expect(await keysIn()).toEqual(before);
  });

  test('has the edge verify the snapshot before, and serve it afterwards where the channel is', {
    tags: ['long'],
  }, async () => {
    await worker.publish(one);
    await worker.publish(two, { channel: 'canary' });
    const { version, signer } = await idOf(two);
    const { root } = await readSignedRoot(two);
    const asked: [url: string | undefined, before: SnapshotId | undefined][] = [];
    const files = { total: 1, checked: 1 };
    const report = { ok: true, snapshot: { version, signed_by: signer }, files, failures: [], cursor: null };
    const { origin } = await startServer((request, response, attempt) => {
      void liveIn('stable').then((live) => {
        asked.push([request.url, live]);
        // An edge may remember for a moment that the channel was not there.
        if (attempt === 2) response.writeHead(404).end();
        else response.end(attempt === 1 ? JSON.stringify(report) : root);
      });
    });
    await move('canary', 'stable', { edge: parseMirrorUrl(`${origin}/below`) });
    expect(asked).toEqual([
      [`/below/verify?snapshot=${version}-${signer}`, undefined],
      ['/below/channels/stable/snapshot/root.json', { version, signer }],
      ['/below/channels/stable/snapshot/root.json', { version, signer }],
    ]);
  });

  test('changes nothing if the edge finds a fault, or if somebody else moves the channel', {
    tags: ['long'],
  }, async () => {
    await worker.publish(one);
    await worker.publish(one, { channel: 'stable' });
    await worker.publish(two, { channel: 'canary' });
    const { version, signer } = await idOf(two);
    const theirs = encodeChannel({ ...(await readSignedRoot(three)), moved_at: 1, history: [] });
    let ok = false;
    const { origin } = await startServer((_request, response) => {
      const failures = ok ? [] : [{ path: 'manifest.json', message: 'is damaged' }];
      const report = {
        ok,
        snapshot: { version, signed_by: signer },
        files: { total: 1, checked: 1 },
        failures,
      };
      const answer = () => response.end(JSON.stringify({ ...report, cursor: null }));
      if (ok) void worker.bucket.put(channelKey('stable'), theirs, sha256Hex(theirs)).then(answer);
      else answer();
    });
    const edge = parseMirrorUrl(origin);
    await expect(move('canary', 'stable', { edge })).rejects.toMatchObject({ code: 'mismatch' });
    expect(await liveIn('stable')).toEqual(await idOf(one));
    ok = true;
    await expect(move('canary', 'stable', { edge })).rejects.toMatchObject({ code: 'locked' });
    expect(await liveIn('stable')).toEqual(await idOf(three));
  });

  test('that is cut off after any request leaves what was live or what is to be, and can be repeated', {
    tags: ['long'],
  }, async () => {
    await worker.publish(one);
    await worker.publish(two, { channel: 'canary' });
    const [before, after] = [await idOf(one), await idOf(two)];
    let moved = false;
    for (let allowed = 0; !moved; allowed++) {
      let count = 0;
      const proxy = await startStorageProxy(worker.origin, { refuse: () => count++ >= allowed });
      moved = await move('canary', 'current', { bucket: bucketAt(proxy.origin) }).then(
        () => true,
        () => false,
      );
      proxy.close();
      const live = await liveIn('current');
      expect([before, after]).toContainEqual(live);
      // The lease of a run that could not release it.
      await worker.bucket.delete('lease');
    }
    expect(await liveIn('current')).toEqual(after);
    expect((await readPointer(worker.bucket))?.live?.history).toMatchObject([{ snapshot: before }]);
  });
});

describe('rolling back a channel', () => {
  test('goes to what that channel had, not to what was published last', async () => {
    await worker.publish(one);
    await worker.publish(two, { channel: 'canary' });
    await worker.publish(three, { channel: 'canary' });
    await move('canary', 'current');
    // `two` was stored just before `three`, but nobody at the root ever had it.
    const summary = await roll();
    expect(summary).toMatchObject({ channel: 'current', content_of: (await idOf(one)).version });
    expect(await liveIn('canary')).toEqual(await idOf(three));
    expect(await roll({ channel: 'canary' })).toMatchObject({ content_of: (await idOf(two)).version });
    expect(await liveIn('current')).toMatchObject({ version: summary.version });
  });

  test('signs a version that no other channel has', { tags: ['long'] }, async () => {
    await worker.publish(one);
    await worker.publish(two);
    await worker.publish(one, { channel: 'canary' });
    await worker.publish(two, { channel: 'canary' });
    const now = new Date();
    const versions = [await roll({ now }), await roll({ now, channel: 'canary' })].map(
      ({ version }) => version,
    );
    expect(new Set(versions).size).toBe(2);
  });

  test('takes any kept snapshot that is named', { tags: ['long'] }, async () => {
    await worker.publish(one);
    await worker.publish(two, { channel: 'canary' });
    await expect(roll({ channel: 'canary' })).rejects.toMatchObject({ code: 'not-found' });
    const to = String((await idOf(one)).version);
    expect(await roll({ channel: 'canary', to })).toMatchObject({ content_of: (await idOf(one)).version });
    await expect(roll({ channel: 'beta' })).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('the list of channels', () => {
  test('says what is live in each, since when, and whether that is older than what the root has', {
    tags: ['long'],
  }, async () => {
    await worker.publish(one, { channel: 'stable' });
    await worker.publish(two);
    await worker.publish(three, { channel: 'canary' });
    await move('current', 'same');
    // Nobody can ask for these.
    for (const key of ['channels/Bad', 'channels/a/b', 'channels/current'])
      await worker.bucket.put(key, utf8('x'), sha256Hex(utf8('x')));
    const channels = await describeChannels(worker.bucket, new Date());
    expect(channels.map((channel) => [channel.name, 'reason' in channel || channel.against_current])).toEqual(
      [
        ['current', 'same'],
        ['canary', 'ahead'],
        ['same', 'same'],
        ['stable', 'behind'],
      ],
    );
    const { snapshot } = (await readContents(three)) ?? {};
    expect(channels[1]).toMatchObject({
      ...(await idOf(three)),
      ...{ created_at: snapshot?.created_at, expires_at: snapshot?.expires_at, expired: false },
      moved_at: expect.stringMatching(/^\d{4}-.*:\d\dZ$/),
    });
  });

  test('loses a channel that is removed; its snapshot stays for a while, unused', {
    tags: ['long'],
  }, async () => {
    await worker.publish(one);
    await worker.publish(two, { channel: 'canary' });
    await expect(removeChannel(leasing(), 'current')).rejects.toMatchObject({ code: 'usage' });
    await expect(removeChannel(leasing(), 'beta')).rejects.toMatchObject({ code: 'not-found' });
    const pin = await removeChannel(leasing(), 'canary');
    expect(pin).toEqual({
      snapshot: await idOf(two),
      until: expect.closeTo(Date.now() / 1000 + 7 * 86_400, -2),
    });
    expect(await liveIn('canary')).toBeUndefined();
    await worker.publish(three);
    const states = (await describeSnapshots(worker.bucket, new Date())).map(({ state, version }) => [
      version,
      state,
    ]);
    expect(states).toEqual([
      [(await idOf(three)).version, 'live'],
      [(await idOf(two)).version, 'unused'],
      [(await idOf(one)).version, 'kept'],
    ]);
    expect(await worker.bucket.head(snapshotKey(await idOf(two)))).toBeDefined();
  });
});
