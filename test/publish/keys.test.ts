import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeSnapshots } from '../../builder/bucket/describe.ts';
import { snapshotIdOf } from '../../builder/bucket/snapshots.ts';
import { readContents, readSignedRoot } from '../../builder/directory/mirror.ts';
import { localPath } from '../../builder/directory/paths.ts';
import { type RollbackOptions, rollback } from '../../builder/rollback.ts';
import { signMirror } from '../../builder/sign.ts';
import { ROOT, signaturePath, snapshotKey, snapshotName } from '../../format/layout.ts';
import { keyIdText, publicKeyLine } from '../../format/minisign/public-key.ts';
import type { SecretKey } from '../../format/minisign/secret-key.ts';
import { LAST_VERSION, parseRoot, signRoot } from '../../format/snapshot/root.ts';
import { jsonOf, send } from '../support/http.ts';
import { OTHER_KEY, TEST_KEY } from '../support/keys.ts';
import { copyMirror, makeMirror, REQUEST, THIRTY_DAYS } from '../support/mirror.ts';
import { SILENT } from '../support/silent.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { startTestWorker, type TestWorker } from '../support/worker.ts';

const [OLD, NEW] = [TEST_KEY, OTHER_KEY];
const NEW_FIRST = [NEW.publicKey, OLD.publicKey];
const OLD_FIRST = [OLD.publicKey, NEW.publicKey];
const SMALL = { ...REQUEST, packages: ['jq'], casks: [], vulnerabilities: false };

const folder = await temporaryFolder();
const mirror = join(folder, 'mirror');
await makeMirror(mirror, { request: SMALL, now: new Date(Date.now() - 3_600_000) });

const idOf = async (directory: string) => snapshotIdOf(await readSignedRoot(directory));
const mirrorOf = async (directory: string) => (await readContents(directory))?.snapshot.mirror;

/** A copy of a mirror. */
async function copyOf(directory: string, name: string): Promise<string> {
  const copy = join(folder, name);
  await copyMirror(directory, copy);
  return copy;
}

const sign = (directory: string, key: SecretKey, now = new Date()) =>
  signMirror({ directory, cache: folder, key, trusted: OLD_FIRST, now, validFor: THIRTY_DAYS });

describe('snapshots of one version by two keys', () => {
  let worker: TestWorker;
  const now = new Date(Date.now() - 60_000);
  const TRUSTED_KEYS = NEW_FIRST.map(publicKeyLine).join(' ');
  const roll = (to?: string, changes: Partial<RollbackOptions> = {}) =>
    rollback({
      ...{ bucket: worker.bucket, jobs: 8, reporter: SILENT, clock: () => new Date(), to },
      ...{ key: NEW, trusted: [OLD.publicKey], now: new Date(), validFor: THIRTY_DAYS },
      ...changes,
    });

  beforeAll(async () => {
    worker = await startTestWorker({ TRUSTED_KEYS });
  });
  afterAll(() => worker.close());

  test('are both kept, and the later one is live', async () => {
    const [before, after] = [await copyOf(mirror, 'before'), await copyOf(mirror, 'after')];
    await sign(before, OLD, now);
    await sign(after, NEW, now);
    await worker.publish(before);
    expect(await worker.publish(after, { trusted: NEW_FIRST })).toMatchObject({ changed: true });
    const [live, kept] = [await idOf(after), await idOf(before)];
    expect(live.version).toBe(kept.version);
    expect(await describeSnapshots(worker.bucket, new Date())).toMatchObject([
      { ...live, state: 'live' },
      { ...kept, state: 'kept' },
    ]);
    expect(jsonOf(await send(worker.origin, '/verify?deep=1'))).toMatchObject({ ok: true });
  });

  test('are told apart by name when one is chosen to roll back to', async () => {
    const [live, kept] = (await describeSnapshots(worker.bucket, new Date())).map(snapshotName);
    await expect(roll(live)).rejects.toMatchObject({ code: 'usage' });
    await expect(roll(kept, { trusted: [] })).rejects.toMatchObject({ code: 'refused' });
    expect(await roll(kept)).toMatchObject({ previous: Number(live?.split('-')[0]) });
    // Now both are earlier.
    const version = live?.split('-')[0];
    await expect(roll(version)).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining(`${live}, ${kept}`),
    });
    expect(jsonOf(await send(worker.origin, '/verify'))).toMatchObject({ ok: true });
  });
});

describe('a stolen key that signed the highest version', () => {
  test('is answered by a new key, as docs/keys.md describes', { tags: ['long'] }, async () => {
    // The Worker trusts the new key alone, as it should from the moment of the theft.
    const worker = await startTestWorker({ TRUSTED_KEYS: publicKeyLine(NEW.publicKey) });
    const [ours, theirs] = [await copyOf(mirror, 'ours'), await copyOf(mirror, 'theirs')];
    await worker.publish(ours);
    const stolen = parseRoot((await readSignedRoot(theirs)).root);
    const { root, signature } = signRoot({ ...stolen, version: LAST_VERSION }, OLD);
    await writeFile(localPath(theirs, ROOT), root);
    await writeFile(localPath(theirs, signaturePath(ROOT)), signature);
    expect(await worker.publish(theirs)).toMatchObject({ version: LAST_VERSION, changed: true });
    expect((await send(worker.origin, '/manifest.json')).status).toBe(503);

    // With the old key there is no way on, neither from our folder nor from theirs.
    await sign(ours, OLD, new Date(Date.now() - 60_000));
    await expect(worker.publish(ours)).rejects.toMatchObject({ code: 'rolled-back' });
    await expect(sign(theirs, NEW)).rejects.toMatchObject({ code: 'refused' });

    await sign(ours, NEW, new Date(Date.now() - 30_000));
    const trusting = (trusted: typeof NEW_FIRST) => worker.publish(ours, { trusted });
    await expect(trusting([NEW.publicKey])).rejects.toMatchObject({ code: 'refused' });
    await expect(trusting(OLD_FIRST)).rejects.toMatchObject({ code: 'rolled-back' });
    expect(await trusting(NEW_FIRST)).toMatchObject({ changed: true, previous: LAST_VERSION });
    // A refusal is remembered for a second.
    const report = async () => jsonOf(await send(worker.origin, '/verify?deep=1'));
    const expected = { ok: true, snapshot: { mirror: await mirrorOf(mirror) } };
    await expect.poll(report, { timeout: 5000, interval: 250 }).toMatchObject(expected);

    // Who trusts the new key first does not go back, and who trusts it alone goes on.
    await expect(worker.publish(theirs, { trusted: NEW_FIRST })).rejects.toMatchObject({
      code: 'rolled-back',
    });
    await sign(ours, NEW);
    expect(await trusting([NEW.publicKey])).toMatchObject({ changed: true });
    const states = (await describeSnapshots(worker.bucket, new Date())).map(({ signer, state }) => [
      signer,
      state,
    ]);
    const [byNew, byOld] = [keyIdText(NEW.keyId), keyIdText(OLD.keyId)];
    expect(states).toEqual([
      [byNew, 'live'],
      [byNew, 'kept'],
      [byOld, 'kept'],
      [byOld, 'kept'],
    ]);
    await worker.close();
  });
});

describe('a bucket that has another mirror', () => {
  test('is not published to, unless with repair', async () => {
    const worker = await startTestWorker();
    const other = join(folder, 'other');
    await makeMirror(other, { request: SMALL, now: new Date(Date.now() - 60_000) });
    await worker.publish(mirror);
    const [expected, found] = [await mirrorOf(other), await mirrorOf(mirror)];
    await expect(worker.publish(other)).rejects.toMatchObject({ code: 'refused', expected, found });
    expect(await worker.publish(mirror)).toMatchObject({ changed: false });
    expect(await worker.publish(other, { repair: true })).toMatchObject({ changed: true, previous: null });
    expect(await worker.bucket.head(snapshotKey(await idOf(mirror)))).toBeDefined();
    await worker.close();
  });
});
