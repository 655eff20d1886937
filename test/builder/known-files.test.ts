import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { digestBytes } from '../../builder/directory/hash.ts';
import { KnownFiles } from '../../builder/directory/known-files.ts';
import { formatSecretKey } from '../../format/minisign/secret-key.ts';
import { commandLine } from '../support/command-line.ts';
import { TEST_KEY } from '../support/keys.ts';
import { runProgram } from '../support/programs.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { failing } from './failing.ts';
import { sha256, writeUpstream } from './upstream.ts';

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
  await (await KnownFiles.load(directory, cache)).save([{ name: 'a/file', ...digest }], new Set(['a/file']));
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

  it('when its time was set back after a change in place, reads it', async () => {
    const { directory, file } = await knowing('before');
    await writeFile(file, 'after!');
    await utimes(file, LONG_AGO, LONG_AGO);
    expect(await digestIn(directory)).toBe(sha256('after!'));
  });

  it('saves no digest of a file that was only listed', async () => {
    const { directory, file } = await knowing('before');
    await writeFile(file, 'after!');
    const known = await KnownFiles.load(directory, cacheOf(directory));
    await known.save([{ name: 'a/file', ...digestBytes(Buffer.from('before')) }], new Set());
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
  });

  it('when a folder on the way is a file, refuses', async () => {
    const { directory, file } = await knowing('before');
    await expect(digestIn(directory, 'a/file/below')).rejects.toEqual(failing('refused', { where: file }));
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

/** Changes bytes of a file in place, and sets its time back. */
async function alter(path: string, change: () => Promise<unknown>): Promise<void> {
  const { size } = await stat(path);
  const reference = `${path}.time`;
  // Node sets times less exactly than file systems keep them.
  await runProgram('touch', ['-r', path, reference]);
  await change();
  await runProgram('touch', ['-r', reference, path]);
  await rm(reference);
  expect((await stat(path)).size).toBe(size);
}

it('when a database was altered in place, no verb signs it or takes a row of it', async () => {
  const [directory, upstream] = [join(folder, 'altered'), join(folder, 'upstream')];
  const environment = {
    MIRROR_SIGNING_KEY: await formatSecretKey(TEST_KEY),
    XDG_CACHE_HOME: join(folder, 'cache'),
  };
  const run = (...args: string[]) => commandLine(args, environment);
  const formulas = ['jq', 'more', 'xz'].map((name) => ({ name, bottle: name }));
  await writeUpstream(upstream, { formulas });
  const from = ['--upstream', upstream];
  expect(await run('create', directory, 'jq', 'xz', ...from, '--platforms', 'sonoma')).toMatchObject({
    status: 0,
  });
  const path = join(directory, 'index/formulas.db');
  const before = await readFile(`${path}.sig`, 'utf8');
  await alter(path, async () => {
    const database = new DatabaseSync(path);
    database.exec("UPDATE formulas SET version = '6.6'");
    database.close();
  });
  for (const args of [
    ['sign', directory],
    ['withdraw', directory, 'xz'],
  ]) {
    const { status, stderr } = await run(...args);
    expect([status, stderr]).toEqual([1, expect.stringContaining('formulas.db is not as it was signed')]);
    expect(await readFile(`${path}.sig`, 'utf8')).toBe(before);
  }
  expect(await run('update', directory, 'more', ...from)).toMatchObject({ status: 0 });
  const { stdout } = await run('info', directory, '--json');
  const database = new DatabaseSync(path, { readOnly: true });
  const rows = database.prepare('SELECT version FROM formulas').all();
  database.close();
  expect([rows.length, JSON.stringify(rows) + stdout]).toEqual([3, expect.not.stringContaining('6.6')]);
});
