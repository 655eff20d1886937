import { join } from 'node:path';
import { expect, test } from 'vitest';
import { withLease } from '../../builder/bucket/lease.ts';
import { pruneBucket } from '../../builder/bucket/prune.ts';
import { MirrorError } from '../../format/errors.ts';
import { makeMirror } from '../support/mirror.ts';
import { padMirror } from '../support/padded-mirror.ts';
import { SILENT } from '../support/silent.ts';
import { startStorageProxy } from '../support/storage-proxy.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { bucketAt, startTestWorker } from '../support/worker.ts';

/** As the program has it when the user asks to stop. */
const ENOUGH = new MirrorError('refused', 'enough');
const OBJECTS = Number(process.env.OBJECTS ?? 50_000);
const directory = join(await temporaryFolder(), 'mirror');

test(`a mirror of ${OBJECTS} objects is published, resumed, published again and cleaned up`, async () => {
  await makeMirror(directory);
  await padMirror(directory, OBJECTS);
  const worker = await startTestWorker();
  const proxy = await startStorageProxy(worker.origin);
  const options = { bucket: bucketAt(proxy.origin), skipVerify: true, jobs: 16 };
  const requests = async (work: Promise<unknown>): Promise<string[]> => {
    proxy.requests.length = 0;
    await work;
    return [...proxy.requests].sort();
  };

  const stop = new AbortController();
  const watch = setInterval(() => {
    if (proxy.requests.length > OBJECTS / 4) stop.abort(ENOUGH);
  }, 20);
  await expect(worker.publish(directory, { ...options, stop: stop.signal })).rejects.toBe(ENOUGH);
  clearInterval(watch);
  const before = (await Array.fromAsync(worker.bucket.list('blobs/'))).length;
  expect(before).toBeGreaterThan(0);
  const { uploaded } = await worker.publish(directory, options);
  const after = (await Array.fromAsync(worker.bucket.list('blobs/'))).length;
  expect(uploaded.objects).toBe(after - before);
  expect(after).toBeGreaterThan(OBJECTS);

  expect(await requests(worker.publish(directory, options))).toEqual(['GET current']);
  await padMirror(directory, OBJECTS, new Set([OBJECTS >> 1]));
  const changed = await requests(worker.publish(directory, options));
  expect(changed.filter((request) => request.startsWith('PUT blobs/'))).toHaveLength(2);
  // Single keys are listed to read back what was written, never all objects.
  expect(changed.filter((request) => request.startsWith('LIST '))).toEqual([
    ...['LIST current', 'LIST lease'],
    ...['LIST snapshots/', expect.stringMatching(/^LIST snapshots\/\d+-[0-9A-F]{16}$/)],
  ]);

  const { bucket } = worker;
  const now = new Date(Date.now() + 8 * 86_400_000);
  const retention = { keep: 1, grace: 7 * 86_400 };
  const collected = await withLease({ bucket, clock: () => new Date(), reporter: SILENT }, (confirm) =>
    pruneBucket({ bucket, now, jobs: 16, reporter: SILENT, retention, confirm }),
  );
  expect(collected).toMatchObject({ snapshots: [expect.any(String)], objects: 2 });
  expect((await Array.fromAsync(bucket.list('blobs/'))).length).toBe(after);
  proxy.close();
  await worker.close();
});
