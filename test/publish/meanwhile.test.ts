import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { snapshotIdOf } from '../../builder/bucket/snapshots.ts';
import { readSignedRoot } from '../../builder/directory/mirror.ts';
import { sha256Hex } from '../../format/digest.ts';
import { snapshotKey } from '../../format/layout.ts';
import { encodeKept } from '../../format/snapshot/pointer.ts';
import { startContentEdge } from '../support/content-edge.ts';
import { copyMirror, makeMirror, REQUEST } from '../support/mirror.ts';
import { startStorageProxy } from '../support/storage-proxy.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { bucketAt, startTestWorker, type TestWorker } from '../support/worker.ts';

const folder = await temporaryFolder();
const directory = join(folder, 'mirror');
const newer = join(folder, 'newer');
const request = { ...REQUEST, packages: ['jq'], casks: [], vulnerabilities: false };
await makeMirror(directory, { request });
await copyMirror(directory, newer);
await makeMirror(newer, { request: { ...request, packages: ['jq', 'lz4'] } });
const id = snapshotIdOf(await readSignedRoot(directory));
/** What somebody else may have written: another snapshot. */
const theirs = encodeKept(await readSignedRoot(newer));

let worker: TestWorker;
beforeEach(async () => {
  worker = await startTestWorker();
});
afterEach(() => worker.close());
const put = (key: string) => worker.bucket.put(key, theirs, sha256Hex(theirs));

describe('while a mirror is published', () => {
  test('and is remade, what was verified is not what would go live, and nothing does', async () => {
    const remade = join(folder, 'remade');
    await copyMirror(directory, remade);
    const proxy = await startStorageProxy(worker.origin, {
      refuse: (asked) => {
        if (asked === 'GET current') cpSync(newer, remade, { recursive: true });
        return false;
      },
    });
    await expect(worker.publish(remade, { bucket: bucketAt(proxy.origin) })).rejects.toMatchObject({
      code: 'mismatch',
      message: expect.stringContaining('changed while it was verified'),
    });
    expect(await worker.bucket.head('current')).toBeUndefined();
    proxy.close();
  });

  test('and somebody has written another snapshot of its version, that stays, and readers where they are', {
    tags: ['long'],
  }, async () => {
    await put(snapshotKey(id));
    await expect(worker.publish(directory)).rejects.toMatchObject({
      code: 'refused',
      where: snapshotKey(id),
    });
    expect(await worker.bucket.get(snapshotKey(id), 1e6)).toMatchObject({ bytes: Buffer.from(theirs) });
    expect(await worker.bucket.head('current')).toBeUndefined();
  });

  test('and somebody has moved the pointer without a lease, theirs stays', async () => {
    const edge = await startContentEdge(id, () => put('current'));
    await expect(worker.publish(directory, { edge })).rejects.toMatchObject({ code: 'locked' });
    expect(await worker.bucket.get('current', 1e6)).toMatchObject({ bytes: Buffer.from(theirs) });
  });

  test('and somebody has taken over the lease, the pointer stays', { tags: ['long'] }, async () => {
    let now = Date.now();
    const edge = await startContentEdge(id, () => {
      // As if this machine had slept while another publisher came, finished and left.
      now += 3_600_000;
      return worker.bucket.delete('lease');
    });
    const clock = (): Date => new Date(now);
    await expect(worker.publish(directory, { edge, clock })).rejects.toMatchObject({ code: 'locked' });
    expect(await worker.bucket.head('current')).toBeUndefined();
  });
});
