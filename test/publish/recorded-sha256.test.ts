import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inspectBlob } from '../../builder/bucket/blobs.ts';
import { readContents } from '../../builder/directory/mirror.ts';
import { localPath } from '../../builder/directory/paths.ts';
import { rollback } from '../../builder/rollback.ts';
import { signMirror } from '../../builder/sign.ts';
import { blobName } from '../../format/layout.ts';
import { jsonOf, send } from '../support/http.ts';
import { TEST_KEY } from '../support/keys.ts';
import { copyMirror, makeMirror, REQUEST, THIRTY_DAYS } from '../support/mirror.ts';
import { type R2Front, startR2Front } from '../support/r2-front.ts';
import { SILENT } from '../support/silent.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { startTestWorker, type TestWorker } from '../support/worker.ts';

const folder = await temporaryFolder();
const directory = join(folder, 'mirror');
const grown = join(folder, 'grown');
const BOTTLE = 'bottles/jq-1.7.1.sonoma.bottle.tar.gz';
const request = { ...REQUEST, packages: ['jq'], casks: [], tags: ['sonoma'], vulnerabilities: false };
let worker: TestWorker;
let front: R2Front;
let bottle: { sha256: string; bytes: Uint8Array };

beforeAll(async () => {
  await makeMirror(directory, { request, now: new Date(Date.now() - 60_000) });
  await copyMirror(directory, grown);
  await makeMirror(grown, { request: { ...request, packages: ['jq', 'lz4'] } });
  bottle = await fileOf(directory, BOTTLE);
  worker = await startTestWorker();
  front = await startR2Front(worker);
});
afterAll(async () => {
  front.close();
  await worker.close();
});

const publish = (from: string, repair = false) => worker.publish(from, { bucket: front.bucket, repair });
const report = async () => jsonOf(await send(worker.origin, '/verify'));
const fileOf = async (mirror: string, start: string): Promise<{ sha256: string; bytes: Uint8Array }> => {
  const { entries = [] } = (await readContents(mirror)) ?? {};
  const { name, sha256 } = entries.find((entry) => entry.name.startsWith(start)) ?? expect.unreachable();
  return { sha256, bytes: await readFile(localPath(mirror, name)) };
};
const isProven = async ({ binding }: TestWorker, sha256: string): Promise<boolean> =>
  (await binding.head(blobName(sha256)))?.checksums.sha256 !== undefined;
/** Puts an object as other tools do: without a SHA-256 on record. */
const putUnproven = (sha256: string, bytes: Uint8Array) => worker.binding.put(blobName(sha256), bytes);

describe('publishing to a store that records SHA-256, as R2 does', () => {
  test('gives the edge proof of every file, also of one that something else had put there without', async () => {
    await publish(directory);
    const lz4 = await fileOf(grown, 'bottles/lz4');
    await putUnproven(lz4.sha256, lz4.bytes);
    await publish(grown);
    expect(await isProven(worker, lz4.sha256)).toBe(true);
    const { files, ok } = (await report()) as { ok: boolean; files: Record<string, number> };
    expect(ok).toBe(true);
    expect(files).toMatchObject({ verified: files.total, consistent: 0 });
    expect((await send(worker.origin, `/${BOTTLE}`)).headers['repr-digest']).toContain('sha-256=');
  });

  test('waits for no key: none is written to twice within a second', async () => {
    const limited = await startR2Front(worker, { limitsWrites: true });
    const signing = { directory: grown, cache: folder, key: TEST_KEY, trusted: [], validFor: THIRTY_DAYS };
    await signMirror({ ...signing, now: new Date() });
    expect(await worker.publish(grown, { bucket: limited.bucket })).toMatchObject({ changed: true });
    expect(limited.tooMany).toEqual([]);
    limited.close();
  });

  test('repairs an object that has its size and MD5, but no SHA-256 on record', async () => {
    await putUnproven(bottle.sha256, bottle.bytes);
    expect(await publish(grown, true)).toMatchObject({ changed: false, uploaded: { objects: 1 } });
    expect(await isProven(worker, bottle.sha256)).toBe(true);
    expect(await publish(grown, true)).toMatchObject({ changed: false, uploaded: { objects: 0 } });
  });

  test('does not take other bytes of that size and MD5 for the file', async () => {
    // An object with a recorded SHA-256 under another name looks as a collision of MD5 would.
    const sha256 = '0'.repeat(64);
    await worker.binding.put(blobName(sha256), bottle.bytes, { sha256: bottle.sha256 });
    const md5 = createHash('md5').update(bottle.bytes).digest('hex');
    const blob = { path: BOTTLE, sha256, md5, size: bottle.bytes.length };
    expect(await inspectBlob(front.bucket, blob, true)).toMatchObject({ likeness: 'other' });
    await worker.binding.delete(blobName(sha256));
  });

  test('rolls back with proof of what it signs again', async () => {
    await rollback({
      ...{ bucket: front.bucket, jobs: 8, reporter: SILENT, clock: () => new Date(), key: TEST_KEY },
      ...{ trusted: [], now: new Date(Date.now() + 1000), validFor: THIRTY_DAYS },
    });
    expect(await report()).toMatchObject({ ok: true, files: { consistent: 0 } });
  });

  test('reports bytes that do not have the announced SHA-256', async () => {
    const bytes = new TextEncoder().encode('other');
    await expect(front.bucket.put('key', bytes, '0'.repeat(64))).rejects.toMatchObject({
      ...{ code: 'refused', found: 'BadDigest' },
    });
  });
});
