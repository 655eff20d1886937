import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readContents } from '../../builder/directory/mirror.ts';
import { sha256Hex } from '../../format/digest.ts';
import { blobName } from '../../format/layout.ts';
import { jsonOf, send } from '../support/http.ts';
import { copyMirror, makeMirror, REQUEST } from '../support/mirror.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { startTestWorker, type TestWorker } from '../support/worker.ts';

const folder = await temporaryFolder();
const directory = join(folder, 'mirror');
const grown = join(folder, 'grown');
let worker: TestWorker;

beforeAll(async () => {
  await makeMirror(directory);
  await copyMirror(directory, grown);
  await makeMirror(grown, { request: { ...REQUEST, packages: [...REQUEST.packages, 'wget'] } });
  worker = await startTestWorker();
});
afterAll(() => worker.close());

const keysIn = async (): Promise<string[]> =>
  (await Array.fromAsync(worker.bucket.list(''))).map((object) => object.key);

const sha256Of = async (path: string): Promise<string> =>
  (await readContents(directory))?.entries.find((entry) => entry.name === path)?.sha256 ?? '';
const aLeaf = async (): Promise<string> => (await readContents(directory))?.snapshot.leaves[0]?.sha256 ?? '';

const leaseOf = (until: Date): Uint8Array =>
  new TextEncoder().encode(JSON.stringify({ holder: 'somebody@elsewhere', until: until.toISOString() }));

describe('publish', () => {
  test('when a bucket is empty, everything goes there under its SHA-256, and nothing else', async () => {
    const summary = await worker.publish(directory);
    const { snapshot, entries = [] } = (await readContents(directory)) ?? {};
    const blobs = [
      ...entries.map((entry) => entry.sha256),
      ...(snapshot?.leaves ?? []).map((leaf) => leaf.sha256),
    ];
    const expected = [...new Set(blobs)].map(blobName);
    expect((await keysIn()).sort()).toEqual(
      [...expected, 'current', `snapshots/${snapshot?.version}`].sort(),
    );
    expect(summary).toMatchObject({ changed: true, previous: null, uploaded: { objects: expected.length } });
    expect((await send(worker.origin, '/manifest.json')).status).toBe(200);
  });

  test('when the same is published again, nothing happens', async () => {
    expect(await worker.publish(directory)).toMatchObject({ changed: false, uploaded: { objects: 0 } });
  });

  test('when a publisher holds the lease, another says who and changes nothing', async () => {
    const lease = leaseOf(new Date(Date.now() + 60_000));
    await worker.bucket.put('lease', lease, sha256Hex(lease));
    const before = await keysIn();
    await expect(worker.publish(grown)).rejects.toMatchObject({
      code: 'locked',
      found: 'somebody@elsewhere',
    });
    expect(await keysIn()).toEqual(before);
  });

  test("when a dead publisher's lease has run out, it is taken over; only what is new is uploaded", async () => {
    const lease = leaseOf(new Date(Date.now() - 1));
    await worker.bucket.put('lease', lease, sha256Hex(lease));
    const before = new Set(await keysIn());
    const { uploaded } = await worker.publish(grown);
    const added = (await keysIn()).filter((key) => !before.has(key) && key.startsWith('blobs/'));
    expect(uploaded.objects).toBe(added.length);
    expect(await keysIn()).not.toContain('lease');
  });

  test('when an older snapshot is published, it is refused', async () => {
    await expect(worker.publish(directory)).rejects.toMatchObject({ code: 'rolled-back' });
  });

  test('when a mirror does not verify, it is not published', async () => {
    const other = await startTestWorker();
    await expect(other.publish(directory, { trusted: [] })).rejects.toMatchObject({ code: 'mismatch' });
    expect(await other.bucket.get('current', 1e6)).toBeUndefined();
    await other.close();
  });

  test('when the first upload was cut off, the next one uploads the rest', async () => {
    const other = await startTestWorker();
    for (const { sha256 } of ((await readContents(directory))?.entries ?? []).slice(0, 40)) {
      const bytes = (await worker.bucket.get(blobName(sha256), 1e9))?.bytes ?? new Uint8Array();
      await other.bucket.put(blobName(sha256), bytes, sha256);
    }
    expect((await other.publish(directory)).changed).toBe(true);
    expect(jsonOf(await send(other.origin, '/verify?deep=1')).ok).toBe(true);
    await other.close();
  });

  test('when objects of the live snapshot are damaged or gone, repair mends them and only them', async () => {
    const other = await startTestWorker();
    await other.publish(directory);
    const [gone, damaged, leaf] = [
      await sha256Of('manifest.json'),
      await sha256Of('casks/firefox-143.0.dmg'),
      await aLeaf(),
    ];
    await other.bucket.delete(blobName(gone));
    for (const sha256 of [damaged, leaf]) {
      const junk = new TextEncoder().encode('junk');
      await other.bucket.put(blobName(sha256), junk, sha256Hex(junk));
    }
    expect(await other.publish(directory)).toMatchObject({ changed: false, uploaded: { objects: 0 } });
    expect(await other.publish(directory, { repair: true })).toMatchObject({
      changed: false,
      uploaded: { objects: 3 },
    });
    expect(jsonOf(await send(other.origin, '/verify?deep=1'))).toMatchObject({ ok: true });
    await other.close();
  });

  test('when the pointer itself cannot be read, repair puts it right', async () => {
    const other = await startTestWorker();
    await other.publish(directory);
    const junk = new TextEncoder().encode('junk');
    await other.bucket.put('current', junk, sha256Hex(junk));
    await expect(other.publish(directory)).rejects.toMatchObject({ code: 'bad-input' });
    expect(await other.publish(directory, { repair: true })).toMatchObject({ changed: true });
    expect((await send(other.origin, '/manifest.json')).status).toBe(200);
    await other.close();
  });

  test('when bytes are not those of their SHA-256, storage refuses them', async () => {
    const bytes = new TextEncoder().encode('other');
    await expect(worker.bucket.put(blobName('0'.repeat(64)), bytes, '0'.repeat(64))).rejects.toMatchObject({
      code: 'refused',
    });
  });
});
