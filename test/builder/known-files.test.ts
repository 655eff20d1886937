import { mkdir, readdir, readFile, rename, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { digestBytes } from '../../builder/directory/hash.ts';
import { KnownFiles } from '../../builder/directory/known-files.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { sha256 } from './upstream.ts';

const LONG_AGO = new Date('2020-01-01T00:00:00Z');

const folder = await temporaryFolder();
let mirrors = 0;

const cacheOf = (directory: string): string => `${directory}-cache`;

/** A directory with one file that is known. */
async function knowing(content: string): Promise<{ directory: string; file: string; records: string }> {
  const directory = join(folder, `mirror-${++mirrors}`);
  const file = join(directory, 'a', 'file');
  const cache = cacheOf(directory);
  await mkdir(join(directory, 'a'), { recursive: true });
  await writeFile(file, content);
  await utimes(file, LONG_AGO, LONG_AGO);
  const digest = digestBytes(Buffer.from(content));
  await (await KnownFiles.load(directory, cache)).save([{ name: 'a/file', ...digest }]);
  const [records = ''] = await readdir(join(cache, 'known-files'));
  return { directory, file, records: join(cache, 'known-files', records) };
}

const digestIn = async (directory: string, path = 'a/file') =>
  (await (await KnownFiles.load(directory, cacheOf(directory))).digest(path))?.sha256;

describe('KnownFiles', () => {
  it('when a file is as it was, trusts the record', async () => {
    const { directory, records } = await knowing('before');
    const record = (await readFile(records, 'utf8')).replace(
      sha256('before'),
      sha256('what the record says'),
    );
    await writeFile(records, record);
    expect(await digestIn(directory)).toBe(sha256('what the record says'));
  });

  it('when a file was changed in place, even to the same size, reads it', async () => {
    const { directory, file } = await knowing('before');
    await writeFile(file, 'after!');
    expect(await digestIn(directory)).toBe(sha256('after!'));
  });

  it('when another file of the same size and time was put there, reads it', async () => {
    const { directory, file } = await knowing('before');
    await writeFile(`${file}.new`, 'after!');
    await utimes(`${file}.new`, LONG_AGO, LONG_AGO);
    await rename(`${file}.new`, file);
    expect(await digestIn(directory)).toBe(sha256('after!'));
  });

  it('when a file is gone, says so', async () => {
    const { directory } = await knowing('before');
    expect(await digestIn(directory, 'a/other')).toBeUndefined();
    expect(await digestIn(directory, 'a/file/below')).toBeUndefined();
  });

  it.each(['', 'not JSON', '[]', '{"a/file": {"size": "six"}}'])(
    'when the records are %j, reads the file',
    async (text) => {
      const { directory, records } = await knowing('before');
      await writeFile(records, text);
      expect(await digestIn(directory)).toBe(sha256('before'));
    },
  );
});
