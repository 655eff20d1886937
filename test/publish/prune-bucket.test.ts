import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withLease } from '../../builder/bucket/lease.ts';
import { type PrunedBucket, pruneBucket } from '../../builder/bucket/prune.ts';
import { snapshotIdOf } from '../../builder/bucket/snapshots.ts';
import { readContents, readSignedRoot } from '../../builder/directory/mirror.ts';
import { sha256Hex } from '../../format/digest.ts';
import { blobName, fetchedKey, POINTER, snapshotKey, snapshotName } from '../../format/layout.ts';
import { MAX_POINTER_SIZE } from '../../format/snapshot/pointer.ts';
import { jsonOf, send } from '../support/http.ts';
import { copyMirror, makeMirror, REQUEST } from '../support/mirror.ts';
import { SILENT } from '../support/silent.ts';
import { startStorageProxy } from '../support/storage-proxy.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { bucketAt, startTestWorker, type TestWorker } from '../support/worker.ts';

const DAY = 86_400;
const WEEK = { keep: 1, grace: 7 * DAY };
const folder = await temporaryFolder();
const directories = ['one', 'two', 'three'].map((name) => join(folder, name));
const [one = '', two = '', three = ''] = directories;
let worker: TestWorker;

beforeAll(async () => {
  await makeMirror(one, { now: new Date(Date.now() - 20_000) });
  await copyMirror(one, two);
  const wget = { ...REQUEST, packages: ['jq', 'wget'] };
  await makeMirror(two, { request: wget, now: new Date(Date.now() - 10_000) });
  await copyMirror(two, three);
  await makeMirror(three, { request: { ...wget, packages: ['jq', 'xz'], casks: [] } });
});
beforeAll(async () => {
  worker = await startTestWorker();
  for (const directory of directories) await worker.publish(directory);
});
afterAll(() => worker.close());

const keysIn = async ({ bucket }: TestWorker): Promise<string[]> =>
  (await Array.fromAsync(bucket.list(''))).map(({ key }) => key).sort();

const idOf = async (directory: string) => snapshotIdOf(await readSignedRoot(directory));

/** Keys of everything that a mirror's snapshot names, and of the snapshot itself. */
async function keysOf(directory: string): Promise<string[]> {
  const { snapshot, entries = [] } = (await readContents(directory)) ?? {};
  const blobs = [...entries, ...(snapshot?.leaves ?? [])].map(({ sha256 }) => blobName(sha256));
  return [...new Set([...blobs, snapshotKey(await idOf(directory))])];
}

/** Cleans up as if so many days had passed since everything was uploaded. */
const cleanUp = (
  { bucket }: Pick<TestWorker, 'bucket'>,
  retention = WEEK,
  days = 8,
  dryRun = false,
): Promise<PrunedBucket> => {
  const now = new Date(Date.now() + days * DAY * 1000);
  const work = { bucket, now, jobs: 8, reporter: SILENT, retention };
  const lease = { bucket, clock: () => new Date(), reporter: SILENT };
  return dryRun ? pruneBucket(work) : withLease(lease, (confirm) => pruneBucket({ ...work, confirm }));
};

describe('cleaning up a bucket', () => {
  test('removes nothing that was live, or uploaded, within the grace period', async () => {
    // As a publisher leaves it that was killed.
    const orphan = new TextEncoder().encode('of no snapshot');
    await worker.bucket.put(blobName(sha256Hex(orphan)), orphan, sha256Hex(orphan));
    const before = await keysIn(worker);
    expect(await cleanUp(worker, WEEK, 6)).toMatchObject({ snapshots: [], objects: 0 });
    expect(await keysIn(worker)).toEqual(before);
  });

  test('removes nothing of the snapshots that are to be kept, but what none of them names', async () => {
    const before = await keysIn(worker);
    expect(await cleanUp(worker, { ...WEEK, keep: 3 })).toMatchObject({ snapshots: [], objects: 1 });
    const orphan = blobName(sha256Hex(new TextEncoder().encode('of no snapshot')));
    expect(await keysIn(worker)).toEqual(before.filter((key) => key !== orphan));
  });

  test('removes a fetched file once no kept snapshot lists it', async () => {
    const { entries = [] } = (await readContents(three)) ?? {};
    const listed = entries.find(({ name }) => name.startsWith('bottles/'))?.sha256 ?? '';
    const bytes = new TextEncoder().encode('of no snapshot');
    const unlisted = sha256Hex(bytes);
    for (const sha256 of [listed, unlisted]) await worker.bucket.put(fetchedKey(sha256), bytes, unlisted);
    expect(await cleanUp(worker, { ...WEEK, keep: 3 }, 6)).toMatchObject({ objects: 0 });
    expect(await cleanUp(worker, { ...WEEK, keep: 3 })).toMatchObject({ objects: 1 });
    expect((await keysIn(worker)).filter((key) => key.startsWith('fetched/'))).toEqual([fetchedKey(listed)]);
    await worker.bucket.delete(fetchedKey(listed));
  });

  test('lists what it would remove, and then removes exactly that', async () => {
    const before = await keysIn(worker);
    const planned = await cleanUp(worker, { ...WEEK, keep: 2 }, 8, true);
    expect(await keysIn(worker)).toEqual(before);
    expect(await cleanUp(worker, { ...WEEK, keep: 2 })).toEqual({ ...planned, dry_run: false });
    const expected = [
      ...new Set([...(await keysOf(two)), ...(await keysOf(three)), 'current', 'probe']),
    ].sort();
    expect(await keysIn(worker)).toEqual(expected);
    expect(planned.objects).toBe(before.length - expected.length - 1);
    expect(planned.snapshots).toEqual([snapshotName(await idOf(one))]);
  });

  test('leaves what is live whole, and nothing else', async () => {
    await cleanUp(worker);
    expect(await keysIn(worker)).toEqual([...(await keysOf(three)), 'current', 'probe'].sort());
    expect(jsonOf(await send(worker.origin, '/verify?deep=1'))).toMatchObject({ ok: true });
  });

  test('is part of publishing where that is asked for', async () => {
    const other = await startTestWorker();
    await other.publish(one);
    // What is replaced just now was live within the grace period.
    expect((await other.publish(two, { retention: WEEK })).removed).toMatchObject({ snapshots: [] });
    const clock = (): Date => new Date(Date.now() + 8 * DAY * 1000);
    const { removed } = await other.publish(three, { retention: WEEK, clock });
    expect(removed?.snapshots).toEqual([snapshotName(await idOf(one))]);
    const kept = [...(await keysOf(two)), ...(await keysOf(three)), 'current', 'probe'];
    expect(await keysIn(other)).toEqual([...new Set(kept)].sort());
    expect(jsonOf(await send(other.origin, '/verify'))).toMatchObject({ ok: true });
    await other.close();
  });
});

describe('cleaning up changes nothing', () => {
  test('when somebody else is at work', async () => {
    const { bucket } = worker;
    const before = await keysIn(worker);
    const clock = (): Date => new Date();
    await withLease({ bucket, clock, reporter: SILENT }, async () => {
      await expect(cleanUp(worker)).rejects.toMatchObject({ code: 'locked' });
    });
    expect(await keysIn(worker)).toEqual(before);
  });

  test('when the lease is lost before the first deletion', { tags: ['long'] }, async () => {
    const other = await startTestWorker();
    for (const directory of [one, two]) await other.publish(directory);
    const before = await keysIn(other);
    let now = Date.now();
    const { bucket } = other;
    const work = withLease({ bucket, clock: () => new Date(now), reporter: SILENT }, async (confirm) => {
      // As if this machine had slept while another publisher came, finished and left.
      now += 3_600_000;
      await bucket.delete('lease');
      const later = new Date(now + 8 * DAY * 1000);
      return pruneBucket({ bucket, now: later, jobs: 8, reporter: SILENT, retention: WEEK, confirm });
    });
    await expect(work).rejects.toMatchObject({ code: 'locked' });
    expect(await keysIn(other)).toEqual(before);
    await other.close();
  });

  test('when it cannot read what a kept snapshot names', { tags: ['long'] }, async () => {
    const other = await startTestWorker();
    for (const directory of [one, two]) await other.publish(directory);
    const [leaf] = (await readContents(two))?.snapshot.leaves ?? [];
    await other.bucket.delete(blobName(leaf?.sha256 ?? ''));
    const before = await keysIn(other);
    await expect(cleanUp(other)).rejects.toMatchObject({ code: 'missing' });
    await other.bucket.delete('current');
    await expect(cleanUp(other)).rejects.toMatchObject({ code: 'unpublished' });
    expect(await keysIn(other)).toEqual(before.filter((key) => key !== 'current'));
    await other.close();
  });
});

describe('when cleaning up is cut off', () => {
  test('after the snapshots, the rest goes the next time', async () => {
    const other = await startTestWorker();
    for (const directory of directories) await other.publish(directory);
    const proxy = await startStorageProxy(other.origin, {
      refuse: (request, before) => request === 'POST ' && before.includes('POST '),
    });
    const before = await keysIn(other);
    await expect(cleanUp({ bucket: bucketAt(proxy.origin) })).rejects.toMatchObject({ code: 'refused' });
    proxy.close();
    const gone = before.filter((key) => key.startsWith('snapshots/')).slice(0, 2);
    expect(await keysIn(other)).toEqual(before.filter((key) => !gone.includes(key)));
    await cleanUp(other);
    expect(await keysIn(other)).toEqual([...(await keysOf(three)), 'current', 'probe'].sort());
    await other.close();
  });
});

describe('a snapshot that never went live', () => {
  test('is kept for the grace period, and then goes', {
    tags: ['long'],
  }, async () => {
    const other = await startTestWorker();
    await other.publish(one);
    const { bytes: live } = (await other.bucket.get(POINTER, MAX_POINTER_SIZE)) ?? expect.unreachable();
    await other.publish(two);
    // Its publisher ends before it moves the pointer.
    await other.bucket.put(POINTER, live, sha256Hex(live));
    const key = snapshotKey(await idOf(two));
    await other.publish(three);
    await cleanUp(other, WEEK, 6);
    expect(await keysIn(other)).toContain(key);
    await cleanUp(other);
    expect(await keysIn(other)).not.toContain(key);
    await other.close();
  });
});
