import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { snapshotIdOf } from '../../builder/bucket/snapshots.ts';
import { readContents, readSignedRoot } from '../../builder/directory/mirror.ts';
import { localPath } from '../../builder/directory/paths.ts';
import { signMirror } from '../../builder/sign.ts';
import { sha256Hex } from '../../format/digest.ts';
import { MirrorError } from '../../format/errors.ts';
import { blobName, snapshotKey, snapshotName } from '../../format/layout.ts';
import type { SnapshotEntry } from '../../format/snapshot/entry.ts';
import { parseRoot } from '../../format/snapshot/root.ts';
import { jsonOf, send } from '../support/http.ts';
import { OTHER_KEY, TEST_KEY } from '../support/keys.ts';

import { copyMirror, makeMirror, REQUEST } from '../support/mirror.ts';
import { signEntries } from '../support/padded-mirror.ts';
import { startR2Front } from '../support/r2-front.ts';
import { startStorageProxy } from '../support/storage-proxy.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { bucketAt, startTestWorker, type TestWorker } from '../support/worker.ts';

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

const keysIn = async ({ bucket } = worker): Promise<string[]> =>
  (await Array.fromAsync(bucket.list(''))).map((object) => object.key);

const sha256Of = async (path: string, mirror = directory): Promise<string> =>
  (await readContents(mirror))?.entries.find((entry) => entry.name === path)?.sha256 ?? '';
/** SHA-256 of everything that a mirror's snapshot names, leaves included. */
async function blobsOf(mirror: string): Promise<string[]> {
  const { snapshot, entries = [] } = (await readContents(mirror)) ?? {};
  const all = [...entries, ...(snapshot?.leaves ?? [])].map(({ sha256 }) => sha256);
  return [...new Set(all)];
}

const aLeaf = async (): Promise<string> => (await readContents(directory))?.snapshot.leaves[0]?.sha256 ?? '';

const leaseOf = (until: Date): Uint8Array =>
  new TextEncoder().encode(JSON.stringify({ holder: 'somebody@elsewhere', until: until.toISOString() }));

describe('publish', () => {
  test('when a bucket is empty, everything goes there under its SHA-256, and nothing else', async () => {
    const summary = await worker.publish(directory);
    const key = snapshotKey(snapshotIdOf(await readSignedRoot(directory)));
    const expected = (await blobsOf(directory)).map(blobName);
    expect((await keysIn()).sort()).toEqual([...expected, 'current', 'probe', key].sort());
    expect(summary).toMatchObject({ changed: true, previous: null, uploaded: { objects: expected.length } });
    expect((await send(worker.origin, '/manifest.json')).status).toBe(200);
  });

  test('when the same is published again, nothing happens', async () => {
    expect(await worker.publish(directory)).toMatchObject({ changed: false, uploaded: { objects: 0 } });
  });

  test('when a publisher holds the lease, another names the holder and changes nothing', async () => {
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
    const damaged = join(folder, 'damaged');
    await copyMirror(directory, damaged);
    await writeFile(join(damaged, 'casks', 'firefox-143.0.dmg'), 'rotten');
    await expect(other.publish(damaged)).rejects.toMatchObject({
      code: 'mismatch',
      message: expect.stringContaining('casks/firefox-143.0.dmg'),
    });
    await expect(other.publish(directory, { trusted: [] })).rejects.toMatchObject({ code: 'bad-signature' });
    expect(await keysIn(other)).toEqual([]);
    await other.close();
  });

  test('when the first upload was cut off, the next one uploads the rest', async () => {
    const other = await startTestWorker();
    const blobs = await blobsOf(directory);
    for (const sha256 of blobs.slice(0, 40)) {
      const bytes = (await worker.bucket.get(blobName(sha256), 1e9))?.bytes ?? new Uint8Array();
      await other.bucket.put(blobName(sha256), bytes, sha256);
    }
    expect((await other.publish(directory)).uploaded.objects).toBe(blobs.length - 40);
    expect(jsonOf(await send(other.origin, '/verify?deep=1')).ok).toBe(true);
    await other.close();
  });

  test('when objects of the live snapshot are damaged or gone, repair mends them and only them', {
    tags: ['long'],
  }, async () => {
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

  test('when an object has other bytes than its name says, it is reported and left alone, and repair replaces it', {
    tags: ['long'],
  }, async () => {
    const other = await startTestWorker();
    const firefox = blobName(await sha256Of('casks/firefox-143.0.dmg'));
    const junk = new TextEncoder().encode('junk');
    await other.bucket.put(firefox, junk, sha256Hex(junk));
    await expect(other.publish(directory)).rejects.toMatchObject({
      code: 'mismatch',
      message: expect.stringContaining(`${firefox} (casks/firefox-143.0.dmg)`),
    });
    expect(await other.bucket.get(firefox, 1e6)).toMatchObject({ bytes: Buffer.from(junk) });
    expect(await other.bucket.head('current')).toBeUndefined();
    expect(await other.publish(directory, { repair: true })).toMatchObject({ changed: true });
    // Among a few new blobs nothing is listed, and the upload itself finds it.
    const wget = blobName(await sha256Of('bottles/wget-1.25.0.sonoma.bottle.tar.gz', grown));
    await other.bucket.put(wget, junk, sha256Hex(junk));
    await expect(other.publish(grown)).rejects.toMatchObject({ code: 'mismatch' });
    expect(await other.publish(directory)).toMatchObject({ changed: false });
    await other.close();
  });

  test('when it is a dry run, nothing changes', async () => {
    const other = await startTestWorker();
    const { uploaded, changed } = await other.publish(directory, { dryRun: true });
    expect([changed, await keysIn(other)]).toEqual([true, []]);
    expect((await other.publish(directory)).uploaded).toEqual(uploaded);
    await other.close();
  });

  test('when a file is larger than storage takes at once, nothing is uploaded', async () => {
    const other = await startTestWorker();
    const large = join(folder, 'large');
    await copyMirror(directory, large);
    const { snapshot, entries = [] } = (await readContents(large)) ?? {};
    if (!snapshot) throw new Error('no mirror');
    const grow = (entry: SnapshotEntry) =>
      entry.name.endsWith('.dmg') ? { ...entry, size: 5e9 + 3e8 } : entry;
    await signEntries(large, snapshot, entries.map(grow));
    await expect(other.publish(large, { skipVerify: true })).rejects.toMatchObject({
      code: 'too-large',
      message: expect.stringContaining('casks/firefox-143.0.dmg'),
    });
    expect(await keysIn(other)).toEqual([]);
    await other.close();
  });

  test('when files are on demand or superseded, those that are here and still offered are uploaded', {
    tags: ['long'],
  }, async () => {
    const other = await startTestWorker();
    const front = await startR2Front(other);
    const partial = join(folder, 'partial');
    await copyMirror(directory, partial);
    const { snapshot, entries = [] } = (await readContents(partial)) ?? {};
    if (!snapshot) throw new Error('no mirror');
    const [here, absent, late] = entries.filter(({ name }) => /^(casks|bottles)\//.test(name));
    if (!here || !absent || !late) throw new Error('too few files');
    const change = (entry: SnapshotEntry): SnapshotEntry => {
      const path = entry.path ?? entry.name;
      const { size, md5, ...onDemand } = { ...entry, source: `https://example.com/${path}` };
      if (path === late.name) return { ...entry, until: 1 };
      return path === here.name || path === absent.name ? onDemand : entry;
    };
    await rm(localPath(partial, absent.name));
    const publishNext = async () => {
      await signEntries(partial, parseRoot((await readSignedRoot(partial)).root), entries.map(change));
      return other.publish(partial, { skipVerify: true, bucket: front.bucket });
    };
    await publishNext();
    const stored = await keysIn(other);
    const has = [here, absent, late].map(({ sha256 }) => stored.includes(blobName(sha256)));
    expect(has).toEqual([true, false, false]);
    // The live snapshot names the file that is here, which proves nothing of a file on demand.
    expect((await publishNext()).uploaded.objects).toBe(0);
    await other.bucket.delete(blobName(here.sha256));
    expect((await publishNext()).uploaded.objects).toBe(1);
    front.close();
    await other.close();
  });

  test('when it is stopped, the lease is given back and readers see what they saw before', {
    tags: ['long'],
  }, async () => {
    const other = await startTestWorker();
    await other.publish(directory);
    const stop = AbortSignal.abort(new MirrorError('refused', 'Stopped.'));
    await expect(other.publish(grown, { stop })).rejects.toMatchObject({ message: 'Stopped.' });
    expect(await other.publish(directory)).toMatchObject({ changed: false });
    expect(await other.bucket.head('lease')).toBeUndefined();
    await other.close();
  });

  test('when what is live has expired, or would have, it is not up to date', async () => {
    const clock = (): Date => new Date(Date.now() + 31 * 24 * 3_600_000);
    await expect(worker.publish(grown, { clock })).rejects.toMatchObject({ code: 'expired' });
    await expect(worker.publish(grown, { clock, skipVerify: true })).rejects.toMatchObject({
      code: 'expired',
    });
  });

  test('when the pointer itself cannot be read, repair puts it right', { tags: ['long'] }, async () => {
    const other = await startTestWorker();
    await other.publish(directory);
    const junk = new TextEncoder().encode('junk');
    await other.bucket.put('current', junk, sha256Hex(junk));
    await expect(other.publish(directory)).rejects.toMatchObject({ code: 'bad-input' });
    expect(await other.publish(directory, { repair: true })).toMatchObject({ changed: true });
    expect((await send(other.origin, '/manifest.json')).status).toBe(200);
    await other.close();
  });

  test('when the answers to lease, snapshot and pointer are lost, the retry knows its own work', {
    tags: 'long',
  }, async () => {
    const other = await startTestWorker();
    const name = snapshotName(snapshotIdOf(await readSignedRoot(directory)));
    const proxy = await startStorageProxy(other.origin, { lose: ['lease', name, 'current'] });
    expect(await other.publish(directory, { bucket: bucketAt(proxy.origin) })).toMatchObject({
      changed: true,
    });
    expect(await other.bucket.get('lease', 1e6)).toBeUndefined();
    expect((await send(other.origin, '/manifest.json')).status).toBe(200);
    proxy.close();
    await other.close();
  });

  test('when another key has signed the live snapshot, it is replaced only with that key in --trust, after ours', {
    tags: ['long'],
  }, async () => {
    const other = await startTestWorker();
    const foreign = join(folder, 'foreign');
    await copyMirror(directory, foreign);
    const both = [TEST_KEY.publicKey, OTHER_KEY.publicKey];
    const signing = { directory: foreign, cache: folder, trusted: both, validFor: 86_400 };
    await signMirror({ ...signing, key: OTHER_KEY, now: new Date() });
    await other.publish(foreign, { trusted: [OTHER_KEY.publicKey] });
    await signMirror({ ...signing, key: TEST_KEY, now: new Date() });
    await expect(other.publish(foreign)).rejects.toMatchObject({ code: 'refused' });
    const reversed = other.publish(foreign, { trusted: both.toReversed() });
    await expect(reversed).rejects.toMatchObject({ code: 'rolled-back', where: 'snapshot/root.json' });
    expect(await other.publish(foreign, { trusted: both })).toMatchObject({ changed: true });
    await other.close();
  });

  test('when bytes are not those of their SHA-256, storage refuses them', async () => {
    const bytes = new TextEncoder().encode('other');
    await expect(worker.bucket.put(blobName('0'.repeat(64)), bytes, '0'.repeat(64))).rejects.toMatchObject({
      code: 'refused',
    });
  });
});
