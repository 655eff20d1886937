import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readMirrorFile, readSignedRoot } from '../../builder/directory/mirror.ts';
import { sha256Hex } from '../../format/digest.ts';
import { blobName, leafPath } from '../../format/layout.ts';
import { encodePointer } from '../../format/snapshot/pointer.ts';
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
  const pointer = encodePointer(signed);
  await worker.bucket.put('current', pointer, sha256Hex(pointer));
  for (const { sha256 } of parseRoot(signed.root).leaves)
    await worker.bucket.put(blobName(sha256), await readMirrorFile(directory, leafPath(sha256)), sha256);
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

  test('costs its new blobs, their leaves, the snapshot and the pointer when one package has changed', async () => {
    await padMirror(directory, OBJECTS, new Set([4711]));
    const asked = await requestsOf({ dryRun: true });
    expect(asked.filter((request) => !request.startsWith('GET '))).toEqual([]);
    const requests = await requestsOf();
    const puts = requests.filter((request) => request.startsWith('PUT ') && request !== 'PUT lease');
    expect(puts).toEqual([
      expect.stringMatching(/^PUT blobs\/sha256\/[0-9a-f]{64}$/),
      expect.stringMatching(/^PUT blobs\/sha256\/[0-9a-f]{64}$/),
      'PUT current',
      expect.stringMatching(/^PUT snapshots\/\d+-[0-9A-F]{16}$/),
    ]);
    // The lease, and the three probes over it; the leaf that changed; and what was left unfinished.
    const rest = requests.filter((request) => !puts.includes(request));
    expect(rest).toEqual([
      'DELETE lease',
      expect.stringMatching(/^GET blobs\/sha256\/[0-9a-f]{64}$/),
      ...['GET current', 'GET current', 'GET lease', 'GET lease', 'LIST snapshots/'],
      ...Array(4).fill('PUT lease'),
    ]);
    expect(await requestsOf()).toEqual(['GET current']);
  });
});
