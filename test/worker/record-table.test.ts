import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { R2Bucket } from '@cloudflare/workers-types';
import { describe, expect, test } from 'vitest';
import { blobName } from '../../format/layout.ts';
import type { StoredRecord } from '../../format/store.ts';
import { R2Store } from '../../worker/r2-store.ts';
import { RecordTable } from '../../worker/record-table.ts';
import { hexOf } from '../format/support.ts';

const MEGABYTE = 1024 * 1024;
const digestOf = (index: number): string => hexOf('sha256', Buffer.from(String(index)));
const md5Of = (index: number): string => hexOf('md5', Buffer.from(String(index)));

/** What storage may record of an object: everything, no SHA-256, or nothing. */
function recordOf(name: string, index: number): StoredRecord {
  const size = index % 7 === 0 ? Number.MAX_SAFE_INTEGER - index : index;
  if (index % 3 === 0) return { size, sha256: name, md5: md5Of(index) };
  return { size, sha256: undefined, md5: index % 3 === 1 ? md5Of(index) : undefined };
}

/** Objects in the order in which storage lists them. */
const OBJECTS = Array.from({ length: 500 }, (_, index) => {
  const name = digestOf(index);
  return [name, recordOf(name, index)] as const;
}).sort(([a], [b]) => (a < b ? -1 : 1));

describe('a table of records', () => {
  test.each([1, 7, 500])(
    'when pages of %d are added, each object is found as it was listed, and no other',
    (size) => {
      const table = new RecordTable();
      for (let at = 0; at < OBJECTS.length; at += size) table.add(OBJECTS.slice(at, at + size));
      for (const [name, record] of OBJECTS) expect(table.get(name)).toEqual(record);
      for (let index = 500; index < 600; index++) expect(table.get(digestOf(index))).toBeUndefined();
      expect(table.get('0'.repeat(64))).toBeUndefined();
      expect(table.get('f'.repeat(64))).toBeUndefined();
      expect(table.byteLength).toBe(57 * OBJECTS.length);
    },
  );

  test('when nothing was added, nothing is found', () => {
    const table = new RecordTable();
    table.add([]);
    expect(table.get(digestOf(1))).toBeUndefined();
  });

  test('when a name is not a SHA-256, or storage recorded another one, the object counts as not listed', () => {
    const [good, other] = [digestOf(1), digestOf(2)];
    const table = new RecordTable();
    const names = [other, good].sort();
    table.add([
      ...names.map((name) => [name, { size: 1, sha256: good }] as const),
      ['x', { size: 1 }],
      [good.toUpperCase(), { size: 1 }],
    ]);
    expect(table.get(good)).toMatchObject({ size: 1, sha256: good });
    expect(table.get(other)).toBeUndefined();
  });

  test('when storage does not list in order, a record may be missed but is never that of another object', () => {
    const table = new RecordTable();
    table.add(OBJECTS.toReversed());
    for (const [name, record] of OBJECTS) expect([undefined, record]).toContainEqual(table.get(name));
  });
});

/** A bucket of so many files, listed a thousand at a time. */
function bucketOf(count: number): R2Bucket {
  const nameOf = (index: number): string => {
    const place = Math.floor((index * 0x1_0000_0000) / count);
    return place.toString(16).padStart(8, '0') + digestOf(index).slice(8);
  };
  const checksums = (name: string, index: number) => ({
    ...(index % 2 === 0 ? { sha256: Buffer.from(name, 'hex') } : {}),
    md5: Buffer.from(md5Of(index), 'hex'),
  });
  const objectAt = (index: number) => {
    const name = nameOf(index);
    return { key: blobName(name), size: index, checksums: checksums(name, index), uploaded: new Date() };
  };
  return {
    list: async ({ prefix, cursor = '0' }: { prefix: string; cursor?: string }) => {
      if (prefix !== blobName('')) return { objects: [], truncated: false };
      const from = Number(cursor);
      const to = Math.min(from + 1000, count);
      const objects = Array.from({ length: to - from }, (_, index) => objectAt(from + index));
      return { objects, truncated: to < count, cursor: String(to) };
    },
  } as unknown as R2Bucket;
}

/** Bytes in use after everything that can be collected was collected. */
function bytesInUse(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

async function megabytesFor(count: number): Promise<number> {
  const usage = { operations: 0 };
  const before = bytesInUse();
  const records = await new R2Store(bucketOf(count)).records(301, usage);
  const used = (bytesInUse() - before) / MEGABYTE;
  expect(usage.operations).toBe(count / 1000 + 1);
  expect(records?.get({ sha256: '0'.repeat(64) })).toBeUndefined();
  return used;
}

test('when a bucket has 20,000 files, what is kept of its listing takes less than 3 MB', async () => {
  expect(await megabytesFor(20_000)).toBeLessThan(3);
});

test('when it has 300,000, that takes less than 32 MB', { tags: 'long' }, async () => {
  const megabytes = await megabytesFor(300_000);
  process.stdout.write(`  the records of 300,000 objects: ${megabytes.toFixed(1)} MB\n`);
  expect(megabytes).toBeLessThan(32);
});
