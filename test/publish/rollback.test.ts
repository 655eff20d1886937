import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readPointer } from '../../builder/bucket/channels.ts';
import { describeSnapshots } from '../../builder/bucket/describe.ts';
import { readStoredEntries, readStoredFile, snapshotIdOf } from '../../builder/bucket/snapshots.ts';
import { readContents, readSignedRoot } from '../../builder/directory/mirror.ts';
import { localPath } from '../../builder/directory/paths.ts';
import { previewRollback, type RollbackOptions, rollback } from '../../builder/rollback.ts';
import { parseMirrorUrl } from '../../builder/verify/mirror-url.ts';
import { textOf, utf8 } from '../../format/bytes.ts';
import { parseChanges } from '../../format/changes.ts';
import { sha256Hex } from '../../format/digest.ts';
import { blobName, type SnapshotId, snapshotKey, snapshotName } from '../../format/layout.ts';
import { filePathOf, type SnapshotEntry } from '../../format/snapshot/entry.ts';
import { encodeKept } from '../../format/snapshot/pointer.ts';
import { parseRoot } from '../../format/snapshot/root.ts';
import { jsonOf, send } from '../support/http.ts';
import { OTHER_KEY, TEST_KEY } from '../support/keys.ts';
import { copyMirror, makeMirror, REQUEST, THIRTY_DAYS } from '../support/mirror.ts';
import { signEntries } from '../support/padded-mirror.ts';
import { SILENT } from '../support/silent.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { startTestWorker, type TestWorker } from '../support/worker.ts';

const folder = await temporaryFolder();
const [first, second] = [join(folder, 'first'), join(folder, 'second')];
const LATER = new Date(Date.now() + 3_600_000);
const HELD = utf8(JSON.stringify({ holder: 'Somebody', until: new Date(Date.now() + 60_000).toISOString() }));
const SECOND = { packages: ['jq', 'wget'], casks: [], tags: ['arm64_sonoma', 'sonoma'] };
let worker: TestWorker;

beforeAll(async () => {
  await makeMirror(first, { now: new Date(Date.now() - 3_600_000) });
  await copyMirror(first, second);
  await makeMirror(second, { request: { ...REQUEST, ...SECOND } });
  worker = await startTestWorker();
  await worker.publish(first);
  await worker.publish(second);
});
afterAll(() => worker.close());

const idOf = async (directory: string): Promise<SnapshotId> => snapshotIdOf(await readSignedRoot(directory));

const versionOf = async (directory: string): Promise<number> =>
  (await readContents(directory))?.snapshot.version ?? 0;

const roll = (changes: Partial<RollbackOptions> = {}) =>
  rollback({
    ...{ bucket: worker.bucket, jobs: 8, reporter: SILENT, clock: () => new Date() },
    ...{ key: TEST_KEY, trusted: [], now: LATER, validFor: THIRTY_DAYS },
    ...changes,
  });

/** The live tree as a fresh edge serves it. */
async function served(path: string) {
  return jsonOf(await send(worker.origin, path));
}

describe('before anything was rolled back', () => {
  test('the snapshots are listed, newest first, with what they hold', async () => {
    const [live, kept, ...others] = await describeSnapshots(worker.bucket, new Date());
    expect(others).toEqual([]);
    expect(live).toMatchObject({ ...(await idOf(second)), state: 'live', channels: ['current'] });
    const { snapshot, manifest } = (await readContents(first)) ?? {};
    expect(kept).toEqual({
      ...{ ...(await idOf(first)), state: 'kept', expired: false },
      ...{ channels: [], pinned: false, pinned_until: null },
      ...{ created_at: snapshot?.created_at, expires_at: snapshot?.expires_at, ...snapshot?.totals },
      packages: (manifest?.formulas.count ?? 0) + (manifest?.casks.count ?? 0),
    });
  });

  test.each<[string, Partial<RollbackOptions>, string]>([
    ['a snapshot that is not kept', { to: '7' }, 'not-found'],
    ['with a key that signed nothing here', { key: OTHER_KEY }, 'refused'],
  ])('rolling back to %s changes nothing', async (_name, changes, code) => {
    await expect(roll(changes)).rejects.toMatchObject({ code });
    const { version, signer } = await idOf(second);
    for (const to of [String(version), snapshotName({ version, signer })]) {
      await expect(roll({ to })).rejects.toMatchObject({ code: 'usage' });
    }
    expect((await worker.bucket.head('lease'))?.etag).toBeUndefined();
    const [live] = await describeSnapshots(worker.bucket, new Date());
    expect(live).toMatchObject({ version: await versionOf(second), state: 'live' });
  });

  test('a preview says what would change, and writes nothing, not even a lease', async () => {
    const state = async () => Array.fromAsync(worker.bucket.list(''));
    const before = await state();
    const options = { bucket: worker.bucket, jobs: 8, trusted: [TEST_KEY.publicKey] };
    const preview = await previewRollback(options);
    expect(preview).toMatchObject({
      ...{ dry_run: true, content_of: await versionOf(first), previous: await versionOf(second) },
      changes: expect.arrayContaining([
        { kind: 'cask', name: 'firefox', to: '143.0' },
        { kind: 'formula', name: 'wget', from: '1.25.0' },
      ]),
    });
    const same = { kind: 'formula', name: 'jq', from: '1.7.1', to: '1.7.1' };
    expect(preview.changes).toContainEqual({ ...same, tags: { added: ['x86_64_linux'], removed: [] } });
    await expect(previewRollback({ ...options, to: '7' })).rejects.toMatchObject({ code: 'not-found' });
    await worker.bucket.put('lease', HELD, sha256Hex(HELD));
    expect(await previewRollback(options)).toEqual(preview);
    await expect(roll()).rejects.toMatchObject({ code: 'locked' });
    await worker.bucket.delete('lease');
    expect(await state()).toEqual(before);
  });

  test('a snapshot stored under the name of another is refused', async () => {
    const { version, signer } = await idOf(first);
    const signed = encodeKept(await readSignedRoot(first));
    const wrong = [
      { version: 7, signer },
      { version, signer: '0123456789ABCDEF' },
    ];
    const other = await startTestWorker();
    for (const id of wrong) await other.bucket.put(snapshotKey(id), signed, sha256Hex(signed));
    await other.publish(second);
    for (const id of wrong) {
      const answer = roll({ bucket: other.bucket, to: snapshotName(id) });
      await expect(answer).rejects.toMatchObject({ code: 'mismatch', where: snapshotKey(id) });
    }
    await other.close();
  });

  test('a file that the bucket lost is found before readers are switched', async () => {
    const { entries = [] } = (await readContents(first)) ?? {};
    const path = 'casks/firefox-143.0.dmg';
    const sha256 = entries.find(({ name }) => name === path)?.sha256 ?? '';
    const bytes = (await worker.bucket.get(blobName(sha256), 1e9))?.bytes ?? new Uint8Array();
    await worker.bucket.delete(blobName(sha256));
    await expect(roll()).rejects.toMatchObject({ code: 'missing', where: path });
    await worker.bucket.put(blobName(sha256), bytes, sha256);
  });
});

describe('rolling back', () => {
  test('brings back the content of the snapshot before, signed again as the newest, and uploads signatures alone', async () => {
    const summary = await roll();
    const previous = await versionOf(second);
    expect(summary).toMatchObject({
      ...{ content_of: await versionOf(first), previous },
      version: Math.floor(LATER.getTime() / 1000),
    });
    // Index manifest, manifest, changes, three databases' signatures, and at most two leaves.
    expect(summary.uploaded.objects).toBeGreaterThanOrEqual(7);
    expect(summary.uploaded.objects).toBeLessThanOrEqual(8);
    const [live] = await describeSnapshots(worker.bucket, new Date());
    expect(live).toMatchObject({ version: summary.version, state: 'live', expires_at: summary.expires_at });
    const { snapshots } = parseChanges((await send(worker.origin, '/changes.json')).body);
    expect(snapshots.map(({ version }) => version)).toEqual([
      ...[summary.version, previous, await versionOf(first)],
    ]);
    const [back, before] = snapshots;
    expect(back).toMatchObject({ created_at: summary.version, counts: { removed: before?.counts.added } });
    expect(back?.packages).toContainEqual({ kind: 'formula', name: 'wget', from: '1.25.0' });
    expect(back?.packages).toContainEqual({ kind: 'cask', name: 'firefox', to: '143.0' });
  });

  test.each(['changes.json', 'index/packages.tsv'])(
    'works where the bucket has lost %s of the live snapshot, and remembers nothing then',
    { tags: ['long'] },
    async (path) => {
      const other = await startTestWorker();
      await other.publish(first);
      await other.publish(second);
      const { entries = [] } = (await readContents(second)) ?? {};
      await other.bucket.delete(blobName(entries.find(({ name }) => name === path)?.sha256 ?? ''));
      await roll({ bucket: other.bucket });
      expect(parseChanges((await send(other.origin, '/changes.json')).body).snapshots).toEqual([]);
      expect(jsonOf(await send(other.origin, '/verify?deep=1'))).toMatchObject({ ok: true });
      await other.close();
    },
  );

  test('is verified by an edge that has never seen anything else, and by one that has', async () => {
    const other = await startTestWorker();
    for (const object of await Array.fromAsync(worker.bucket.list(''))) {
      const { bytes } = (await worker.bucket.get(object.key, 1e9)) ?? { bytes: new Uint8Array() };
      await other.binding.put(object.key, bytes);
    }
    const report = jsonOf(await send(other.origin, '/verify?deep=1'));
    expect(report).toMatchObject({ ok: true, failures: [] });
    expect(jsonOf(await send(other.origin, '/manifest.json')).casks.count).toBe(2);
    const signedAt = jsonOf(await send(other.origin, '/index/manifest.json')).signed_at;
    expect(signedAt).toBe(Math.floor(LATER.getTime() / 1000));
    await other.close();
    expect(await served('/verify?deep=1')).toMatchObject({ ok: true });
  });

  test('keeps what clients of the snapshot in between may ask for, by name and by content, for the grace period', {
    tags: ['long'],
  }, async () => {
    const { entries = [] } = (await readContents(second)) ?? {};
    const wget = entries.find(({ name }) => name === 'bottles/wget-1.25.0.sonoma.bottle.tar.gz');
    expect(wget?.sha256).toMatch(/^[0-9a-f]{64}$/);
    const other = await startTestWorker();
    await other.publish(first);
    await other.publish(second);
    await roll({ bucket: other.bucket });
    const answer = await send(other.origin, `/blobs/sha256/${wget?.sha256}/wget.tar.gz`);
    expect(answer.status).toBe(200);
    expect((await send(other.origin, `/${wget?.name}`)).status).toBe(200);
    expect((await send(other.origin, '/index/packages.tsv')).body.toString()).not.toMatch(/^wget\t/m);
    await other.close();
  });

  test('with an edge, has it verify the snapshot, and returns once it serves that', {
    tags: 'long',
  }, async () => {
    const other = await startTestWorker();
    await other.publish(first);
    await other.publish(second);
    await send(other.origin, '/snapshot/root.json');
    const { version } = await roll({ bucket: other.bucket, edge: parseMirrorUrl(other.origin) });
    expect(jsonOf(await send(other.origin, '/snapshot/root.json')).version).toBe(version);
    await other.close();
  });

  test('keeps a file on demand, whose bytes need not be there', { tags: ['long'] }, async () => {
    const lazy = join(folder, 'lazy');
    await copyMirror(first, lazy);
    const { entries = [] } = (await readContents(lazy)) ?? {};
    const path = 'casks/firefox-143.0.dmg';
    const source = `https://example.com/${path}`;
    const onDemand = ({ size, md5, ...entry }: SnapshotEntry): SnapshotEntry => ({ ...entry, source });
    const changed = entries.map((entry) => (filePathOf(entry) === path ? onDemand(entry) : entry));
    await rm(localPath(lazy, path));
    const other = await startTestWorker();
    for (let round = 0; round < 2; round++) {
      await signEntries(lazy, parseRoot((await readSignedRoot(lazy)).root), changed);
      await other.publish(lazy, { skipVerify: true });
    }
    await roll({ bucket: other.bucket });
    const { live } = (await readPointer(other.bucket)) ?? {};
    const listed = live ? await readStoredEntries(other.bucket, parseRoot(live.root), 8) : [];
    const found = listed.find(({ name }) => name === path);
    expect(found).toMatchObject({ source });
    expect(found?.size).toBeUndefined();
    await other.close();
  });

  test('again goes forward again, and a newer mirror can be published after it', async () => {
    const now = new Date(LATER.getTime() + 1000);
    const { signer } = await idOf(second);
    const seconds = Math.floor(now.getTime() / 1000);
    // As if another channel had this version already.
    const taken = snapshotKey({ version: seconds, signer });
    const signed = encodeKept(await readSignedRoot(second));
    await worker.bucket.put(taken, signed, sha256Hex(signed));
    const summary = await roll({ now, to: String(await versionOf(second)) });
    await worker.bucket.delete(taken);
    expect(summary).toMatchObject({ content_of: await versionOf(second), version: seconds + 1 });
    const { live } = (await readPointer(worker.bucket)) ?? {};
    const listed = live ? await readStoredEntries(worker.bucket, parseRoot(live.root), 8) : [];
    const { sha256 = '', size = 0 } = listed.find(({ name }) => name === 'changes.json') ?? {};
    const changes = await readStoredFile(worker.bucket, { sha256, size }, 'changes.json');
    expect(parseChanges(changes).snapshots[0]?.version).toBe(summary.version);
    await expect(worker.publish(second)).rejects.toMatchObject({ code: 'rolled-back' });
    await makeMirror(second, { now: new Date(LATER.getTime() + 5000) });
    expect(await worker.publish(second)).toMatchObject({ changed: true, previous: summary.version });
  });

  test('gives an old index a new version, so that stout looks at its signature', async () => {
    // In the minute in which the live index was made, and got its own version.
    const now = new Date(LATER.getTime() + 5000);
    const { index_version: ofLive } = (await readContents(second))?.manifest ?? {};
    await roll({ now, validFor: 3600, to: String(await versionOf(first)) });
    const { live } = (await readPointer(worker.bucket)) ?? {};
    const listed = live ? await readStoredEntries(worker.bucket, parseRoot(live.root), 8) : [];
    const read = async (path: string) => {
      const { sha256 = '', size = 0 } = listed.find(({ name }) => name === path) ?? {};
      return JSON.parse(textOf(await readStoredFile(worker.bucket, { sha256, size }, path), path));
    };
    const { version, created_at } = await read('index/manifest.json');
    expect(created_at).toBe(now.toISOString());
    expect(version).toBe(`${ofLive}.1`);
    expect((await read('index/summary.json')).version).toBe(version);
  });
});
