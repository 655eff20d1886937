import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { type SampleServer, startSampleServer } from '../../scripts/sample/server.ts';
import { type TestFormula, writeUpstream } from '../builder/upstream.ts';
import { commandLine } from '../support/command-line.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder();
const upstream = join(folder, 'upstream');
const first = join(folder, 'a');
const environment = { HOME: folder, XDG_CONFIG_HOME: '', XDG_CACHE_HOME: '', XDG_STATE_HOME: '' };
const formulas: TestFormula[] = [{ name: 'app', runtime: ['lib'] }, { name: 'lib' }, { name: 'tool' }];
let server: SampleServer;

beforeAll(async () => {
  await writeUpstream(upstream, { formulas });
  server = await startSampleServer(upstream, { port: 0 });
  await run('create', first, 'app', 'tool', '--upstream', server.origin);
});
afterAll(() => server.close());

async function run(...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await commandLine(args, environment);
  expect([status, status === 0 ? '' : stdout + stderr]).toEqual([0, '']);
  return stdout;
}

const bottlesOf = (mirror: string): Promise<string[]> => readdir(join(mirror, 'bottles'));
const inode = async (mirror: string, bottle: string): Promise<number> =>
  (await stat(join(mirror, 'bottles', bottle))).ino;
const fetched = (): string[] =>
  server.requests.map(({ url }) => url).filter((url) => url.startsWith('/bottles/'));

test('create --from of an unchanged upstream fetches no bottle, shares inodes, and verifies', async () => {
  const second = join(folder, 'b');
  server.requests.length = 0;
  await run('create', second, '--from', first);
  expect(fetched()).toEqual([]);
  expect(await bottlesOf(second)).toEqual(await bottlesOf(first));
  for (const bottle of await bottlesOf(first)) {
    expect(await inode(second, bottle)).toBe(await inode(first, bottle));
  }
  expect(await run('verify', second)).toContain('OK');
});

test('with one package changed upstream, fetches that alone', async () => {
  const changed = { name: 'tool', version: '2.0', bottle: 'a new tool' };
  await writeUpstream(upstream, { formulas: [...formulas.slice(0, 2), changed] });
  onTestFinished(() => writeUpstream(upstream, { formulas }));
  const third = join(folder, 'c');
  server.requests.length = 0;
  await run('create', third, '--from', first);
  expect(fetched()).toHaveLength(1);
  expect(await bottlesOf(third)).toContain('tool-2.0.all.bottle.tar.gz');
  expect(await inode(third, 'lib-1.0.all.bottle.tar.gz')).toBe(
    await inode(first, 'lib-1.0.all.bottle.tar.gz'),
  );
  expect(await run('verify', third)).toContain('OK');
  // It goes on from there, so what it goes on from is older.
  expect((await commandLine(['verify', first], environment)).stdout).toContain('rolled-back');
  expect(await run('verify', first, '--allow-older')).toContain('OK');
});

const own = (await stat(folder)).dev;
const devices = ['/dev/shm', '/tmp', '/var/tmp'].map(async (path) => {
  const { dev } = await stat(path).catch(() => ({ dev: own }));
  return { path, dev };
});
const elsewhere = (await Promise.all(devices)).find(({ dev }) => dev !== own)?.path;

test.skipIf(elsewhere === undefined)('across file systems, copies', async () => {
  const place = await mkdtemp(join(elsewhere ?? '', 'stout-mirror-test-'));
  onTestFinished(() => rm(place, { recursive: true, force: true }));
  const copy = join(place, 'mirror');
  server.requests.length = 0;
  await run('create', copy, '--from', first);
  expect(fetched()).toEqual([]);
  for (const bottle of await bottlesOf(copy)) {
    expect((await stat(join(copy, 'bottles', bottle))).nlink).toBe(1);
  }
  expect(await run('verify', copy)).toContain('OK');
});

test('with --keep-going, a package that cannot be had is left out, and create ends with 1', async () => {
  await writeUpstream(upstream, { formulas: [{ name: 'tool' }, { name: 'torn', served: 'other bytes' }] });
  onTestFinished(() => writeUpstream(upstream, { formulas }));
  const partial = join(folder, 'partial');
  const args = ['create', partial, 'tool', 'torn', '--keep-going', '--upstream', server.origin];
  const { status, stderr, stdout } = await commandLine(args, environment);
  expect([status, stderr + stdout]).toEqual([1, expect.stringContaining('torn')]);
  expect(await bottlesOf(partial)).toEqual(['tool-1.0.all.bottle.tar.gz']);
  // A reader of its own: mirrors that one key began in the same second have the same id.
  const reader = { ...environment, XDG_STATE_HOME: join(folder, 'state') };
  expect((await commandLine(['verify', partial], reader)).stdout).toContain('OK');
});
