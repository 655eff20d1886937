import { createHash, randomBytes } from 'node:crypto';
import { mkdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { DirectoryStore } from '../../builder/directory/store.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder();
const store = new DirectoryStore(folder);
await mkdir(join(folder, 'bottles'));

const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

async function put(name: string, bytes: Uint8Array) {
  await writeFile(join(folder, name), bytes);
  return { name, size: bytes.length, sha256: sha256Of(bytes), md5: '', modified: 0 };
}

async function read(...question: Parameters<DirectoryStore['open']>): Promise<Buffer | undefined> {
  const file = await store.open(...question);
  return file && Buffer.from(await new Response(file.body).arrayBuffer());
}

const large = randomBytes(1_000_000);

test('a large file comes whole, or any range of it', async () => {
  const entry = await put('bottles/large', large);
  expect((await store.open(entry))?.record).toEqual({ size: large.length, sha256: sha256Of(large) });
  expect(large.equals((await read(entry)) ?? Buffer.of())).toBe(true);
  for (const [offset, length] of [
    [0, 1],
    [262_143, 2],
    [100, 999_900],
    [999_999, 1],
  ] as const) {
    expect(await read(entry, { offset, length })).toEqual(large.subarray(offset, offset + length));
  }
});

test('a large file that is cut while it is read is an error, not a shorter file', async () => {
  const entry = await put('bottles/cut', large);
  const file = await store.open(entry);
  await truncate(join(folder, entry.name), 300_000);
  await expect(new Response(file?.body).arrayBuffer()).rejects.toThrow(
    'The file ends after 300000 of 1000000',
  );
});

test('a small file that was read stays what was signed, and the one that takes its place is read', async () => {
  const entry = await put('bottles/small', Buffer.from('before'));
  expect(String(await read(entry))).toBe('before');
  const later = await put('bottles/small', Buffer.from('after!'));
  expect(String(await read(entry, { offset: 2, length: 3 }))).toBe('for');
  expect((await store.head(entry))?.sha256).toBe(later.sha256);
  expect(String(await read(later))).toBe('after!');
});

test('a small file that is not as signed has the record of what it is', async () => {
  const entry = await put('bottles/altered', Buffer.from('signed'));
  await put('bottles/altered', Buffer.from('forged'));
  expect((await store.open(entry))?.record.sha256).toBe(sha256Of(Buffer.from('forged')));
  expect(await read({ ...entry, name: 'bottles/none' })).toBeUndefined();
});
