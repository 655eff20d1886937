import { chmod, cp, mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { diskError, withPath } from '../../builder/directory/disk-error.ts';
import { formatSecretKey } from '../../format/minisign/secret-key.ts';
import { writeUpstream } from '../builder/upstream.ts';
import { commandLine } from '../support/command-line.ts';
import { TEST_KEY } from '../support/keys.ts';
import { MAIN, needs, runProgram } from '../support/programs.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder();
const mirror = join(folder, 'mirror');
const upstream = join(folder, 'upstream');
const BOTTLE = 'bottles/hello-1.0.all.bottle.tar.gz';
const FROM = ['--upstream', upstream, '--platforms', 'sonoma'];
const environment = {
  MIRROR_SIGNING_KEY: await formatSecretKey(TEST_KEY),
  XDG_CACHE_HOME: join(folder, 'cache'),
};
const run = (...args: string[]) => commandLine(args, environment);
const isRoot = process.getuid?.() === 0;
let copies = 0;

async function copy(): Promise<string> {
  const directory = join(folder, `copy-${++copies}`);
  await cp(mirror, directory, { recursive: true });
  return directory;
}

beforeAll(async () => {
  await writeUpstream(upstream, { formulas: [{ name: 'hello' }] });
  expect(await run('create', mirror, 'hello', ...FROM)).toMatchObject({ status: 0 });
});

/** What nobody should read where the disk is at fault. */
const WRONG = /signed|tamper|trust|not a mirror|\n {4}at |node:internal/;

describe.each([
  ['ENOSPC', 'Disk full'],
  ['EDQUOT', 'quota'],
  ['EFBIG', 'ulimit -f'],
  ['EROFS', 'can only be read'],
  ['EACCES', 'no permission'],
  ['EPERM', 'does not permit'],
  ['EMFILE', 'ulimit -n'],
  ['ENFILE', 'Too many open files on this machine'],
  ['EISDIR', 'is a folder'],
  ['ENOTDIR', 'below a file'],
  ['ENAMETOOLONG', 'too long'],
  ['EIO', 'disk failed'],
])('%s', (code, words) => {
  test('names the path and what is wrong', () => {
    const error = Object.assign(new Error(`${code}: no words of ours, open`), { code, syscall: 'open' });
    expect(diskError(withPath(error, '/the/path'))).toMatchObject({
      ...{ code: 'disk', where: '/the/path' },
      message: expect.stringMatching(new RegExp(`(${words}.*/the/path|/the/path.*${words})`)),
    });
  });
});

test("SQLite's failures are the disk's", () => {
  const full = Object.assign(new Error('database or disk is full'), {
    code: 'ERR_SQLITE_ERROR',
    errcode: 13,
  });
  expect(diskError(withPath(full, '/x.db'))?.message).toMatch(/^Disk full: \/x.db/);
});

test.each([
  ['a folder', folder, 'is a folder'],
  ['a name that is too long', join(folder, 'x'.repeat(300)), 'too long'],
  ['a file below a file', join(mirror, 'manifest.json', 'x.db'), 'below a file'],
])('when SQLite cannot open %s, the system says why', (_what, path, words) => {
  const error = Object.assign(new Error('unable to open database file'), { errcode: 14 });
  expect(diskError(withPath(error, path))?.message).toContain(words);
});

test('when SQLite cannot open a file and the system can, no reason is made up', async () => {
  const path = join(mirror, 'manifest.json');
  const error = Object.assign(new Error('unable to open database file'), { errcode: 14 });
  expect(withPath(error, path)).toMatchObject({
    code: 'disk',
    message: `${path} cannot be opened: unable to open database file.`,
  });
});

test.each([
  ['a file in the way', ['create', '/dev/null/mirror', 'hello', ...FROM], '/dev/null'],
  ['a name that is too long', ['create', join(folder, 'x'.repeat(300)), 'hello', ...FROM], 'too long'],
  ['a system that makes no folder', ['create', '/proc/self/mirror', 'hello', ...FROM], '/proc/self/mirror'],
  ['a folder for a key', ['sign', mirror, '--key', folder], 'is a folder, where a file is needed'],
])('%s is named as what it is', async (_what, args, words) => {
  const { status, stderr } = await run(...args);
  expect([status, stderr]).toEqual([1, expect.stringContaining(words)]);
  expect(stderr).not.toMatch(/not a mirror|\n {4}at |node:internal/);
});

test('with --json, the error is in the document', async () => {
  const { stdout } = await run('sign', mirror, '--key', folder, '--json');
  expect(JSON.parse(stdout)).toMatchObject({ ok: false, error: { code: 'disk', where: folder } });
});

describe('with few open files or little room', needs('bash'), () => {
  const limited = (limit: string, ...args: string[]) =>
    runProgram(
      'bash',
      ['-c', `ulimit ${limit}; exec "$0" "$@"`, process.execPath, MAIN, ...args],
      environment,
    );

  test('a verb that may write no long file says so, and the mirror stays', async () => {
    const directory = await copy();
    const { status, stderr } = await limited(
      '-f 8',
      'create',
      directory,
      'hello',
      '--platforms',
      'ventura',
      ...FROM,
    );
    expect([status, stderr]).toEqual([1, expect.stringMatching(/ulimit -f|Disk full/)]);
    expect(stderr).not.toMatch(WRONG);
    expect((await run('verify', directory)).status).toBe(0);
  });

  test('a verb that may open no more files says so', { tags: 'long' }, async () => {
    const answers: string[] = [];
    // Node itself does not start with fewer, and how many it needs changes from release to release.
    for (let files = 18; files <= 64; files++) {
      const ended = await limited(`-n ${files}`, 'verify', mirror).catch(() => undefined);
      if (ended?.status === 0) break;
      if (ended) answers.push(ended.stdout + ended.stderr);
    }
    expect(answers.filter((answer) => answer.includes('ulimit -n'))).not.toEqual([]);
    for (const answer of answers)
      expect(answer).not.toMatch(/tamper|not a mirror|not an index|cannot be trusted/);
  });
});

describe.skipIf(isRoot)('without permission', () => {
  test.each([
    ['info', 'snapshot'],
    ['verify', 'snapshot'],
    ['sign', 'snapshot/root.json'],
    ['prune', 'index'],
    ['verify', 'manifest.json'],
    ['verify', BOTTLE],
  ])('%s names %s', async (verb, path) => {
    const directory = await copy();
    await chmod(join(directory, path), 0);
    const { status, stdout, stderr } = await run(verb, directory);
    await chmod(join(directory, path), 0o700);
    expect([status, stdout + stderr]).toEqual([1, expect.stringContaining('no permission')]);
    expect(stdout + stderr).not.toMatch(/not a mirror|tamper|cannot be trusted|\n {4}at /);
  });
});

test('after an interrupted first create, every verb says what the folder is', async () => {
  const directory = join(folder, 'interrupted');
  await mkdir(join(directory, '.stout-mirror/incoming'), { recursive: true });
  await writeFile(join(directory, '.stout-mirror/incoming/part'), 'part');
  for (const verb of ['info', 'verify', 'sign', 'prune', 'serve', 'outdated', 'why', 'diff']) {
    const { status, stderr } = await run(verb, directory, ...(['why', 'diff'].includes(verb) ? ['x'] : []));
    expect([verb, status, stderr]).toEqual([verb, 1, expect.stringContaining('create or unbundle of')]);
    expect(stderr).toContain('was interrupted: run it again');
  }
  await rename(directory, `${directory}-moved`);
  expect((await run('create', `${directory}-moved`, 'hello', ...FROM)).status).toBe(0);
});
