import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { digestBytes, digestFile, hashFile } from '../../builder/directory/hash.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder();
const path = join(folder, 'file');
const BYTES = new TextEncoder().encode('some bytes');
await writeFile(path, BYTES);

test('many files at once have their digests each', async () => {
  const files = Array.from({ length: 50 }, (_, index) => join(folder, `${index}`));
  const contents = files.map((_, index) => new Uint8Array(index * 1000).fill(index));
  await Promise.all(files.map((file, index) => writeFile(file, contents[index] ?? '')));
  expect(await Promise.all(files.map(digestFile))).toEqual(contents.map(digestBytes));
});

test('an open descriptor is hashed from its beginning, and stays open', async () => {
  const file = await open(path, 'r');
  await file.read(Buffer.alloc(4), 0, 4);
  const { size, hash } = await hashFile(file.fd, 'sha256');
  expect([size, hash.toString('hex')]).toEqual([BYTES.length, digestBytes(BYTES).sha256]);
  await file.close();
});

test.each([
  ['absent', 'gone', { code: 'ENOENT', syscall: 'open', path: join(folder, 'gone') }],
  ['a folder', '', { code: 'EISDIR', syscall: 'read' }],
])('when a file is %s, throws the error of the file system', async (_what, name, error) => {
  await expect(digestFile(join(folder, name))).rejects.toMatchObject(error);
});
