import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readSignedRoot } from '../../builder/directory/mirror.ts';
import { readMirrorFile } from '../../builder/directory/read.ts';
import { sha256Hex } from '../../format/digest.ts';
import { blobName, leafPath } from '../../format/layout.ts';
import { encodeChannel } from '../../format/snapshot/pointer.ts';
import { parseRoot } from '../../format/snapshot/root.ts';
import { makeMirror } from '../support/mirror.ts';
import { padMirror } from '../support/padded-mirror.ts';
import { type StorageProxy, startStorageProxy } from '../support/storage-proxy.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { bucketAt, startTestWorker, type TestWorker } from '../support/worker.ts';

const OBJECTS = 10_000;
const directory = join(await temporaryFolder(), 'mirror');
let worker: TestWorker;
let proxy: StorageProxy;

beforeAll(async () => {
  await makeMirror(directory);
  await padMirror(directory, OBJECTS);
  worker = await startTestWorker();
  proxy = await startStorageProxy(worker.origin);
  // What is live and its leaves name all objects; whether those are really there, a publisher does not ask.
  const signed = await readSignedRoot(directory);
  const pointer = encodeChannel({ ...signed, moved_at: 0, history: [] });
  await worker.bucket.put('current', pointer, sha256Hex(pointer));
  for (const { sha256, size } of parseRoot(signed.root).leaves)
    await worker.bucket.put(
      blobName(sha256),
      await readMirrorFile(directory, leafPath(sha256), size),
      sha256,
    );
});
afterAll(async () => {
  proxy.close();
  await worker.close();
});

/** Publishes the mirror and returns the requests that storage received. */
async function requestsOf(changes: Parameters<TestWorker['publish']>[1] = {}): Promise<string[]> {
  proxy.requests.length = 0;
  await worker.publish(directory, { bucket: bucketAt(proxy.origin), skipVerify: true, ...changes });
  return [...proxy.requests].sort();
}

describe(`a mirror of ${OBJECTS} objects that is live`, () => {
  test('costs one read when it is published again, also when the directory is to be verified', async () => {
    expect(await requestsOf()).toEqual(['GET current']);
    expect(await requestsOf({ skipVerify: false })).toEqual(['GET current']);
  });

  test('costs its new blobs, their leaves, the snapshot and the pointer when one package has changed', {
    tags: ['long'],
  }, async () => {
    await padMirror(directory, OBJECTS, new Set([4711]));
    const asked = await requestsOf({ dryRun: true });
    expect(asked.filter((request) => !request.startsWith('GET '))).toEqual([]);
    const requests = await requestsOf();
    const blob = expect.stringMatching(/^\w+ blobs\/sha256\/[0-9a-f]{64}$/);
    const snapshot = expect.stringMatching(/^\w+ snapshots\/\d+-[0-9A-F]{16}$/);
    const by = (method: string) => requests.filter((request) => request.startsWith(`${method} `));
    expect(by('PUT')).toEqual([
      ...[blob, blob, 'PUT current', 'PUT lease'],
      // What storage can do, each at another key; the first time in a bucket, the first of them twice.
      ...['PUT probe', 'PUT probe', 'PUT probe-if-match', 'PUT probe-sha256', snapshot],
    ]);
    // Whether what was uploaded is there, by another way than it went.
    expect(by('HEAD')).toEqual([blob, blob]);
    // What was left unfinished; and what is there of lease, snapshot and pointer.
    expect(by('LIST')).toEqual([
      ...['LIST current', 'LIST lease'],
      ...['LIST snapshots/', expect.stringMatching(/^LIST snapshots\/\d+-[0-9A-F]{16}$/)],
    ]);
    // The leaf that changed.
    expect(by('GET')).toEqual([
      ...[blob, ...Array(3).fill('GET current'), ...Array(3).fill('GET lease'), snapshot],
    ]);
    expect(by('DELETE')).toEqual(['DELETE lease']);
    expect(await requestsOf()).toEqual(['GET current']);
  });
});
