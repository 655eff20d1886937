import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { describeSnapshots } from '../../builder/bucket/describe.ts';
import { withLease } from '../../builder/bucket/lease.ts';
import { type PrunedBucket, pruneBucket } from '../../builder/bucket/prune.ts';
import { readSnapshot, readStoredEntries, snapshotIdOf } from '../../builder/bucket/snapshots.ts';
import { removeChannel } from '../../builder/channels.ts';
import { readSignedRoot } from '../../builder/directory/mirror.ts';
import { pinSnapshot, removePin } from '../../builder/pin.ts';
import { utf8 } from '../../format/bytes.ts';
import { sha256Hex } from '../../format/digest.ts';
import { blobName, pinKey, type SnapshotId, snapshotKey, snapshotName } from '../../format/layout.ts';
import { encodeKept } from '../../format/snapshot/pointer.ts';
import { parseRoot } from '../../format/snapshot/root.ts';
import { copyMirror, makeMirror, REQUEST } from '../support/mirror.ts';
import { SILENT } from '../support/silent.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { startTestWorker, type TestWorker } from '../support/worker.ts';

const DAY = 86_400;
const JQ = { ...REQUEST, packages: ['jq'], casks: [], tags: ['sonoma'], vulnerabilities: false };
const START = Date.now() - 100_000;
const folder = await temporaryFolder();
const [one, two, three] = ['one', 'two', 'three'].map((name) => join(folder, name)) as [
  string,
  string,
  string,
];
let worker: TestWorker;

beforeAll(async () => {
  // What only the first has, the third has not even for clients of earlier ones.
  await makeMirror(one, {
    request: { ...JQ, packages: ['jq', 'lz4'] },
    now: new Date(START - 30 * DAY * 1000),
  });
  await copyMirror(one, two);
  await makeMirror(two, { request: JQ, now: new Date(START - 15 * DAY * 1000) });
  await copyMirror(two, three);
  await makeMirror(three, { request: JQ, now: new Date(START) });
  worker = await startTestWorker();
});
afterAll(() => worker.close());
beforeEach(async () => {
  for await (const { key } of worker.bucket.list('')) await worker.bucket.delete(key);
});

const idOf = async (directory: string): Promise<SnapshotId> => snapshotIdOf(await readSignedRoot(directory));
const nameOf = async (directory: string): Promise<string> => snapshotName(await idOf(directory));
const leasing = () => ({ bucket: worker.bucket, clock: () => new Date(), reporter: SILENT });

/** Publishes a mirror as long ago as it was signed, when it had not expired. */
const publish = (directory: string, channel = 'current', daysAgo = 0) =>
  worker.publish(directory, {
    ...{ channel, skipVerify: true },
    clock: () => new Date(START - daysAgo * DAY * 1000),
  });

/** Cleans up as so many days later, and keeps only what must be kept. */
function prune(days: number): Promise<PrunedBucket> {
  const now = new Date(Date.now() + days * DAY * 1000);
  const work = {
    bucket: worker.bucket,
    now,
    jobs: 4,
    reporter: SILENT,
    retention: { keep: 1, grace: 7 * DAY },
  };
  return withLease(leasing(), (confirm) => pruneBucket({ ...work, confirm }));
}

/** Returns the number of files of a snapshot that the bucket lacks. */
async function lacking(id: SnapshotId): Promise<number> {
  const root = parseRoot((await readSnapshot(worker.bucket, id)).root);
  const entries = await readStoredEntries(worker.bucket, root, 4);
  const heads = entries.map(({ sha256 }) => worker.bucket.head(blobName(sha256)));
  return (await Promise.all(heads)).filter((head) => head === undefined).length;
}

describe('a pin', () => {
  test('keeps a snapshot and all that it names until its time, and then goes itself', async () => {
    await publish(one, 'current', 29);
    await publish(two);
    await publish(three);
    const until = Math.floor(Date.now() / 1000) + 100 * DAY;
    const pinned = await pinSnapshot(leasing(), String((await idOf(one)).version), until);
    expect(pinned).toMatchObject({ ...(await idOf(one)), until: expect.stringMatching(/Z$/) });
    expect((await prune(99)).kept).toEqual([await nameOf(three), await nameOf(one)]);
    expect(await lacking(await idOf(one))).toBe(0);
    const { objects, snapshots } = await prune(101);
    expect([snapshots, objects > 0]).toEqual([[await nameOf(one)], true]);
    expect(await worker.bucket.head(pinKey(await idOf(one)))).toBeUndefined();
    expect(await lacking(await idOf(three))).toBe(0);
  });

  test('without a time keeps it until it is removed, whatever becomes of the channels', {
    tags: ['long'],
  }, async () => {
    await publish(one, 'canary', 29);
    await publish(three);
    await pinSnapshot(leasing(), await nameOf(one), undefined);
    await removeChannel(leasing(), 'canary');
    expect((await prune(3000)).snapshots).toEqual([]);
    expect(await lacking(await idOf(one))).toBe(0);
    const [live, pinned] = await describeSnapshots(worker.bucket, new Date());
    expect(live).toMatchObject({ state: 'live', channels: ['current'], pinned: false });
    expect(pinned).toMatchObject({ state: 'unused', channels: [], pinned: true, pinned_until: null });
    expect(await removePin(leasing(), String((await idOf(one)).version))).toEqual(await idOf(one));
    expect((await prune(3000)).snapshots).toEqual([await nameOf(one)]);
  });

  test('is refused for what is not there, and for a version that two keys have signed', {
    tags: ['long'],
  }, async () => {
    await publish(three);
    const { version } = await idOf(three);
    await expect(pinSnapshot(leasing(), '7', undefined)).rejects.toMatchObject({ code: 'not-found' });
    await expect(pinSnapshot(leasing(), String(version), 1)).rejects.toMatchObject({ code: 'usage' });
    await expect(removePin(leasing(), String(version))).rejects.toMatchObject({ code: 'not-found' });
    const bytes = encodeKept(await readSignedRoot(three));
    await worker.bucket.put(snapshotKey({ version, signer: '0123456789ABCDEF' }), bytes, sha256Hex(bytes));
    await expect(pinSnapshot(leasing(), String(version), undefined)).rejects.toMatchObject({ code: 'usage' });
    expect(await Array.fromAsync(worker.bucket.list('pins/'))).toEqual([]);
  });

  test.each([
    ['nonsense', '{'],
    ['a time that is none', '{"until": "soon"}'],
    ['far too much', 'x'.repeat(5000)],
  ])('that is %s removes nothing, and is replaced by the next', { tags: ['long'] }, async (_name, text) => {
    await publish(one, 'current', 29);
    await publish(three);
    await worker.bucket.put(pinKey(await idOf(one)), utf8(text), sha256Hex(utf8(text)));
    await expect(prune(100)).rejects.toMatchObject({ code: 'bad-input', where: pinKey(await idOf(one)) });
    expect(await lacking(await idOf(one))).toBe(0);
    await pinSnapshot(leasing(), await nameOf(one), undefined);
    expect((await prune(100)).snapshots).toEqual([]);
  });
});

describe('cleaning up a bucket with several channels', () => {
  test('keeps what each of them has, and what readers of each had within the grace period', async () => {
    await publish(one, 'stable', 29);
    await publish(two, 'current', 14);
    await publish(three, 'canary');
    expect((await prune(1000)).snapshots).toEqual([]);
    // Readers of stable have the oldest until today.
    await publish(two, 'stable');
    expect((await prune(6)).snapshots).toEqual([]);
    expect((await prune(8)).snapshots).toEqual([await nameOf(one)]);
    for (const directory of [two, three]) expect(await lacking(await idOf(directory))).toBe(0);
  });

  test('keeps what a removed channel had for the grace period', async () => {
    await publish(one, 'stable', 29);
    await publish(three);
    // Long after it was written, which would keep it too.
    const clock = () => new Date(Date.now() + 10 * DAY * 1000);
    await removeChannel({ ...leasing(), clock }, 'stable');
    expect((await prune(16)).snapshots).toEqual([]);
    expect(await lacking(await idOf(one))).toBe(0);
    expect((await prune(18)).snapshots).toEqual([await nameOf(one)]);
  });

  test('removes nothing if a channel cannot be read', { tags: ['long'] }, async () => {
    await publish(one, 'stable', 29);
    await publish(two, 'stable', 14);
    await publish(three);
    const damaged = utf8('{');
    await worker.bucket.put('channels/stable', damaged, sha256Hex(damaged));
    await expect(prune(1000)).rejects.toMatchObject({ code: 'bad-input', where: 'channels/stable' });
    expect(await lacking(await idOf(one))).toBe(0);
    await removeChannel(leasing(), 'stable');
    expect((await prune(1000)).kept).toEqual([await nameOf(three)]);
  });
});
