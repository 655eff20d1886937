import { open, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { digestBytes, digestFile, hashFile, hashFiles } from '../../builder/directory/hash.ts';
import { SPECIAL_FILES } from '../support/faults/special-files.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { failing } from './failing.ts';

const folder = await temporaryFolder();
const path = join(folder, 'file');
const BYTES = new TextEncoder().encode('some bytes');
await writeFile(path, BYTES);

test('many files at once have their digests each', async () => {
  const files = Array.from({ length: 50 }, (_, index) => join(folder, `${index}`));
  const contents = files.map((_, index) => new Uint8Array(index * 1000).fill(index));
  await Promise.all(files.map((file, index) => writeFile(file, contents[index] ?? '')));
  expect(await Promise.all(files.map((file) => digestFile(file)))).toEqual(contents.map(digestBytes));
});

test('of several files that one thread hashes, each has its own result or error', async () => {
  const gone = join(folder, 'gone');
  const [first, second, third] = await hashFiles([{ file: path }, { file: gone }, { file: path, limit: 3 }]);
  const { size, sha256 } = digestBytes(BYTES);
  expect(first).toEqual({ size, sha256 });
  expect(second).toMatchObject({ code: 'ENOENT', path: gone });
  expect(third).toEqual({ size, sha256: '' });
});

test('an open descriptor is hashed from its beginning, and stays open', async () => {
  const file = await open(path, 'r');
  await file.read(Buffer.alloc(4), 0, 4);
  const { size, hash } = await hashFile(file.fd, 'sha256');
  expect([size, hash.toString('hex')]).toEqual([BYTES.length, digestBytes(BYTES).sha256]);
  await file.close();
});

test('when a file is absent, throws the error of the file system', async () => {
  const error = { code: 'ENOENT', syscall: 'open', path: join(folder, 'gone') };
  await expect(digestFile(join(folder, 'gone'))).rejects.toMatchObject(error);
});

test('when a file is longer than the limit, returns its size and no digest; a sparse one of 8 TB at once', async () => {
  expect(await digestFile(path, BYTES.length)).toEqual(digestBytes(BYTES));
  const tooLong = { size: BYTES.length, sha256: '', md5: '' };
  expect(await digestFile(path, BYTES.length - 1)).toEqual(tooLong);
  const sparse = join(folder, 'sparse');
  await writeFile(sparse, '');
  await truncate(sparse, 8e12);
  expect(await digestFile(sparse)).toMatchObject({ size: 8e12, sha256: '' });
});

test.each(SPECIAL_FILES)(
  'when a file is %s, refuses it and does not wait',
  { timeout: 5_000 },
  async (what, make) => {
    const local = join(folder, what.replaceAll(/\W/g, '-'));
    await make(local);
    await expect(digestFile(local)).rejects.toEqual(failing('refused', { where: local }));
  },
);
