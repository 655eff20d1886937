import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeSnapshots } from '../../builder/bucket/describe.ts';
import { pruneBucket } from '../../builder/bucket/prune.ts';
import { readSnapshot } from '../../builder/bucket/snapshots.ts';
import { readContents } from '../../builder/directory/mirror.ts';
import { rollback } from '../../builder/rollback.ts';
import { withdraw } from '../../builder/withdraw/withdraw.ts';
import { utf8 } from '../../format/bytes.ts';
import { sha256Hex } from '../../format/digest.ts';
import { blobName } from '../../format/layout.ts';
import { encodeChannel } from '../../format/snapshot/pointer.ts';
import { failing } from '../builder/failing.ts';
import { RUNTIMES } from '../support/directory-runtimes.ts';
import { TEST_KEY } from '../support/keys.ts';
import { makeMirror, REQUEST, THIRTY_DAYS } from '../support/mirror.ts';
import { SILENT } from '../support/silent.ts';
import { sharedFolder, temporaryFolder } from '../support/temporary.ts';
import { startTestWorker, type TestWorker } from '../support/worker.ts';

const DAY = 24 * 60 * 60 * 1000;
const JQ = { ...REQUEST, packages: ['jq'], casks: [], tags: ['arm64_sonoma'], vulnerabilities: false };
const XZ_TOO = { ...JQ, packages: ['jq', 'xz'] };
const XZ = 'bottles/xz-5.8.1_1.arm64_sonoma.bottle.tar.gz';
const folder = await temporaryFolder();
const cache = await sharedFolder();
const daysAgo = (days: number): Date => new Date(Date.now() - days * DAY);

/** Every way to ask for a file: by its name and by its content. */
async function waysTo(directory: string, path: string): Promise<string[]> {
  const entry = (await readContents(directory))?.entries.find(({ name }) => name === path);
  return [`/${path}`, `/${blobName(entry?.sha256 ?? expect.unreachable())}/xz.tar.gz`];
}

const statusesOf = (origin: string, ways: readonly string[]): Promise<number[]> =>
  Promise.all(ways.map(async (way) => (await fetch(origin + way)).status));

describe.each(RUNTIMES)('%s', { tags: 'long' }, (_name, start) => {
  test.each([
    ['before the end of its grace period', 6.9, 200],
    ['after it', 7.1, 404],
  ])('offers what was dropped %s: after %d days it answers %d', async (_when, days, status) => {
    const directory = join(await sharedFolder(), 'mirror');
    await makeMirror(directory, { now: daysAgo(days + 1), request: XZ_TOO });
    await makeMirror(directory, { now: daysAgo(days), request: JQ });
    const ways = await waysTo(directory, XZ);
    const { origin, close } = await start(directory);
    try {
      expect(await statusesOf(origin, ways)).toEqual([status, status]);
      const kept = (await fetch(origin + (ways[1] ?? ''))).headers.get('cache-control') ?? '';
      const seconds = Number(/max-age=(\d+)/.exec(kept)?.[1] ?? 0);
      expect(seconds).toBeLessThanOrEqual(Math.max(0, (7 - days) * 24 * 60 * 60));
    } finally {
      await close();
    }
  });
});

describe('what was withdrawn', { tags: 'long' }, () => {
  const directory = join(folder, 'mirror');
  let worker: TestWorker;
  let ways: string[];
  const leasing = { jobs: 4, clock: () => new Date(), reporter: SILENT, trusted: [TEST_KEY.publicKey] };

  beforeAll(async () => {
    worker = await startTestWorker();
    await makeMirror(directory, { now: daysAgo(2), request: JQ });
    await worker.publish(directory);
    await makeMirror(directory, { now: daysAgo(1), request: XZ_TOO });
    await worker.publish(directory);
    ways = await waysTo(directory, XZ);
    const signing = { key: TEST_KEY, trusted: [], validFor: THIRTY_DAYS, now: new Date() };
    await withdraw({ directory, packages: [{ name: 'xz' }], force: false, cache, ...signing });
    await worker.publish(directory);
  });
  afterAll(() => worker.close());

  const signing = (now: Date) => ({
    ...{ ...leasing, bucket: worker.bucket, key: TEST_KEY, validFor: THIRTY_DAYS, now },
  });

  test('is not served any more from a bucket that still has its bytes', async () => {
    expect(await statusesOf(worker.origin, ways)).toEqual([404, 404]);
    const [, key = ''] = /^\/(blobs\/sha256\/[0-9a-f]+)/.exec(ways[1] ?? '') ?? [];
    expect(await worker.bucket.head(key)).toBeDefined();
  });

  test('does not come back by a rollback', async () => {
    const options = signing(new Date());
    await expect(rollback(options)).rejects.toEqual(failing('refused', { found: 'xz 5.8.1_1' }));
    const [, , first] = await describeSnapshots(worker.bucket, new Date());
    await rollback({ ...options, now: new Date(Date.now() + 2000), to: String(first?.version) });
    expect(await statusesOf(worker.origin, ways)).toEqual([404, 404]);
  });

  test('does not come back by a second rollback either', async () => {
    const [, , second] = await describeSnapshots(worker.bucket, new Date());
    const to = { ...signing(new Date(Date.now() + 4000)), to: String(second?.version) };
    await expect(rollback(to)).rejects.toEqual(failing('refused', { found: 'xz 5.8.1_1' }));
    expect(await statusesOf(worker.origin, ways)).toEqual([404, 404]);
  });

  test('does not come back in another channel either, whose own snapshots know nothing of it', async () => {
    const [withXz, first] = (await describeSnapshots(worker.bucket, new Date())).slice(-2);
    if (!withXz || !first) expect.unreachable();
    const live = await readSnapshot(worker.bucket, first);
    const { version, signer } = withXz;
    const history = [{ snapshot: { version, signer }, moved_at: 1 }];
    const pointer = encodeChannel({ ...live, moved_at: 2, history });
    await worker.bucket.put('channels/canary', pointer, sha256Hex(pointer));
    const back = rollback({ ...signing(new Date(Date.now() + 6000)), channel: 'canary' });
    await expect(back).rejects.toEqual(failing('refused', { found: 'xz 5.8.1_1' }));
    const unreadable = encodeChannel({ root: utf8('{}'), signature: 'x', moved_at: 1, history: [] });
    await worker.bucket.put('channels/canary', unreadable, sha256Hex(unreadable));
    await expect(rollback(signing(new Date()))).rejects.toEqual(
      failing('bad-input', {
        message: expect.stringMatching(/channel canary .* channels --remove canary, or/),
      }),
    );
    await worker.bucket.delete('channels/canary');
  });

  test('is gone from the bucket after prune-bucket without grace', async () => {
    const [, key = ''] = /^\/(blobs\/sha256\/[0-9a-f]+)/.exec(ways[1] ?? '') ?? [];
    const now = new Date(Date.now() + 1000);
    const retention = { keep: 1, grace: 0 };
    const confirm = async (): Promise<void> => undefined;
    await pruneBucket({ bucket: worker.bucket, now, jobs: 4, reporter: SILENT, retention, confirm });
    expect(await worker.bucket.head(key)).toBeUndefined();
  });
});
