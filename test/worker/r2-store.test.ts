import { join } from 'node:path';
import type { R2Bucket } from '@cloudflare/workers-types';
import { afterAll, describe, expect, it } from 'vitest';
import { readContents } from '../../builder/directory/mirror.ts';
import { utf8 } from '../../format/bytes.ts';
import { blobName, channelKey, fetchedKey, POINTER } from '../../format/layout.ts';
import { keyIdText } from '../../format/minisign/public-key.ts';
import type { SnapshotEntry } from '../../format/snapshot/entry.ts';
import { agrees } from '../../format/verify/evidence.ts';
import { Findings } from '../../worker/findings.ts';
import { R2Store } from '../../worker/r2-store.ts';
import { StoreSource } from '../../worker/store-source.ts';
import { hexOf } from '../format/support.ts';
import { TEST_KEY } from '../support/keys.ts';
import { makeMirror } from '../support/mirror.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { startTestWorker } from '../support/worker.ts';

const directory = join(await temporaryFolder(), 'mirror');
await makeMirror(directory);
const contents = await readContents(directory);
const entries = (contents?.entries ?? []).filter((entry) => entry.path === undefined);
const worker = await startTestWorker();
await worker.publish(directory);
const store = new R2Store(worker.binding);
afterAll(() => worker.close());

/** A quick look at files: with what storage lists in at most `maxPages` operations, or by each file's own record. */
async function looking(maxPages: number) {
  const used = { operations: 0, bytes: 0, leaves: 0 };
  const records = store.records(maxPages, used);
  await records;
  const source = new StoreSource(store, { records, used, findings: new Findings(() => new Date()) });
  return { used, inspect: (some: readonly SnapshotEntry[]) => source.inspect(some, 'quick') };
}

describe('R2Store.records', () => {
  it('when the bucket fits the operations, one listing serves all files', async () => {
    const { inspect, used } = await looking(2);
    const evidence = [...(await inspect(entries.slice(0, 10))), ...(await inspect(entries.slice(10)))];
    expect(entries.filter((entry, index) => !agrees(entry, evidence[index] ?? { kind: 'absent' }))).toEqual(
      [],
    );
    expect(used.operations).toBe(2);
  });

  it('when it does not, each file is asked for instead', async () => {
    const { inspect, used } = await looking(0);
    const evidence = await inspect(entries.slice(0, 10));
    expect(evidence.map(({ kind }) => kind)).toEqual(Array(10).fill('recorded'));
    expect(used.operations).toBe(10);
  });

  it('when a file is missing, the evidence says so; when it was mended after the listing, that is found', async () => {
    const [entry] = entries;
    if (!entry) throw new Error('no entries');
    const key = blobName(entry.sha256);
    const bytes = await (await worker.binding.get(key))?.arrayBuffer();
    await worker.binding.delete(key);
    const { inspect, used } = await looking(2);
    expect(await inspect([entry])).toEqual([{ kind: 'absent' }]);
    await worker.binding.put(key, bytes ?? '');
    expect(await inspect([entry])).toMatchObject([{ kind: 'recorded', size: entry.size }]);
    expect(used.operations).toBe(4);
  });
});

describe('R2Store.signedRoot', () => {
  it('when a snapshot is named, gives that one, live or not', async () => {
    const id = { version: contents?.snapshot.version ?? 0, signer: keyIdText(TEST_KEY.keyId) };
    const live = { ...(await store.signedRoot(id)), moved_at: expect.any(Number), history: [] };
    expect(await store.signedRoot()).toEqual(live);
    expect(await store.signedRoot({ ...id, version: id.version + 1 })).toBeUndefined();
    expect(await store.signedRoot({ ...id, signer: '0'.repeat(16) })).toBeUndefined();
    expect(await store.snapshots()).toEqual([id]);
  });

  it('when the snapshots are too many to list, gives no part of them', async () => {
    const list = async () => ({ objects: [], truncated: true, cursor: 'more' });
    expect(await new R2Store({ list } as unknown as R2Bucket).snapshots()).toBeUndefined();
  });

  it('when what nobody signed is damaged, gives the root without it', async () => {
    const read = await worker.binding.get(POINTER);
    const pointer = (await read?.json()) as object;
    for (const damaged of [
      { moved_at: -1, history: 7 },
      { moved_at: '1', history: [{ snapshot: 'x', moved_at: 1 }] },
    ]) {
      await worker.binding.put(channelKey('canary'), JSON.stringify({ ...pointer, ...damaged }));
      const { root, moved_at, history } = (await store.signedRoot({ channel: 'canary' })) ?? {};
      expect(root).toEqual((await store.signedRoot())?.root);
      expect([moved_at, history]).toEqual([undefined, undefined]);
    }
  });
});

describe('R2Store.open', () => {
  it('when a file is shorter than listed and a range lies beyond it, returns the record', async () => {
    const entry = entries.find(({ size = 0 }) => size > 0) ?? expect.unreachable();
    const longer = { ...entry, size: (entry.size ?? 0) + 2, md5: entry.md5 ?? '', source: undefined };
    const open = await store.open(longer, { offset: longer.size - 1, length: 1 });
    expect(open?.record.size).toBe(entry.size);
    expect(await store.open({ ...entry, sha256: '0'.repeat(64) }, { offset: 1, length: 1 })).toBeUndefined();
  });
});

describe('R2Store, files on demand', () => {
  const bytes = new Uint8Array(utf8('fetched'));
  const sha256 = hexOf('sha256', bytes);
  const wanted = { name: 'casks/x-1.dmg', sha256, modified: 1, source: 'https://files.example/x' };

  it('when neither place has the bytes, there is no record and nothing to open', async () => {
    expect(await store.head(wanted)).toBeUndefined();
    expect(await store.open(wanted)).toBeUndefined();
  });

  it('when a server has fetched them, they are found', async () => {
    await worker.binding.put(fetchedKey(sha256), bytes, { sha256 });
    expect(await store.head(wanted)).toMatchObject({ size: bytes.length, sha256 });
    expect((await store.open(wanted, { offset: 1, length: 2 }))?.record.size).toBe(bytes.length);
  });

  it('when a file is not on demand, what a server fetched is not looked at', async () => {
    const { source: _, ...stored } = { ...wanted, size: bytes.length, md5: hexOf('md5', bytes) };
    expect(await store.head(stored)).toBeUndefined();
  });

  it('when what was fetched is listed, no file costs an operation, whether it is here or not', async () => {
    const { inspect, used } = await looking(2);
    const dropped = { ...wanted, sha256: hexOf('sha256', utf8('dropped')) };
    expect(await inspect([wanted, dropped])).toMatchObject([
      { kind: 'recorded', sha256 },
      { kind: 'absent' },
    ]);
    expect(used.operations).toBe(2);
  });

  it('when storage has other bytes under a name, that is found by their own record', async () => {
    const other = { ...wanted, sha256: hexOf('sha256', utf8('replaced')) };
    await worker.binding.put(fetchedKey(other.sha256), bytes, { sha256 });
    const { inspect } = await looking(2);
    expect(await inspect([other])).toMatchObject([{ kind: 'recorded', sha256 }]);
    // What a publisher put elsewhere is not what is sent.
    await worker.binding.put(blobName(other.sha256), utf8('replaced'), { sha256: other.sha256 });
    const both = await looking(2);
    expect(await both.inspect([other])).toMatchObject([{ kind: 'recorded', sha256 }]);
    expect((await store.head(other))?.sha256).toBe(sha256);
  });
});
