import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readContents } from '../../builder/directory/mirror.ts';
import { blobName } from '../../format/layout.ts';
import { agrees } from '../../format/verify/evidence.ts';
import { R2Store } from '../../worker/r2-store.ts';
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

/** An inspector and the count of the storage operations that it makes. */
function inspector(maxPages: number) {
  const counted = { operations: 0 };
  const count = () => {
    counted.operations += 1;
  };
  return { inspect: store.inspector(count, maxPages), counted };
}

describe('R2Store.inspector', () => {
  it('when the bucket fits the pages, lists once for all files', async () => {
    const { inspect, counted } = inspector(1);
    const evidence = [...(await inspect(entries.slice(0, 10))), ...(await inspect(entries.slice(10)))];
    expect(entries.filter((entry, index) => !agrees(entry, evidence[index] ?? { kind: 'absent' }))).toEqual(
      [],
    );
    expect(counted.operations).toBe(1);
  });

  it('when it does not, asks for each file instead', async () => {
    const { inspect, counted } = inspector(0);
    const evidence = await inspect(entries.slice(0, 10));
    expect(evidence.map(({ kind }) => kind)).toEqual(Array(10).fill('recorded'));
    expect(counted.operations).toBe(10);
  });

  it('when a file is missing, says so; when it was mended after the listing, finds that out', async () => {
    const [entry] = entries;
    if (!entry) throw new Error('no entries');
    const key = blobName(entry.sha256);
    const bytes = await (await worker.binding.get(key))?.arrayBuffer();
    await worker.binding.delete(key);
    const { inspect, counted } = inspector(1);
    expect(await inspect([entry])).toEqual([{ kind: 'absent' }]);
    await worker.binding.put(key, bytes ?? '');
    expect(await inspect([entry])).toMatchObject([{ kind: 'recorded', size: entry.size }]);
    expect(counted.operations).toBe(3);
  });
});

describe('R2Store.signedRoot', () => {
  it('when a version is named, gives that one, live or not', async () => {
    const { version } = contents?.snapshot ?? { version: 0 };
    expect(await store.signedRoot(version)).toEqual(await store.signedRoot());
    expect(await store.signedRoot(version + 1)).toBeUndefined();
  });
});

describe('R2Store.open', () => {
  it('when a range lies beyond what is stored, gives the record, which tells what is wrong', async () => {
    const [entry] = entries;
    if (!entry) throw new Error('no entries');
    const open = await store.open(entry, { offset: entry.size + 1, length: 1 });
    expect(open?.record.size).toBe(entry.size);
    expect(await store.open({ ...entry, sha256: '0'.repeat(64) }, { offset: 1, length: 1 })).toBeUndefined();
  });
});
