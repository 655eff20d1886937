import { existsSync } from 'node:fs';
import { chmod, open, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { publicKeyLine } from '../../format/minisign/public-key.ts';
import { SAMPLE_KEY_FILE } from '../../scripts/sample/homebrew/api.ts';
import { commandLine } from '../support/command-line.ts';
import { TEST_KEY } from '../support/keys.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder();
const environment = {
  ...{ XDG_CONFIG_HOME: join(folder, 'config'), XDG_CACHE_HOME: join(folder, 'cache') },
  MIRROR_SIGNING_KEY: '',
};
const KEY = publicKeyLine(TEST_KEY.publicKey);
const run = (...args: string[]) => commandLine(args, environment);
const mirror = join(folder, 'mirror');
const upstream = inject('upstream');
const key = ['--homebrew-key', join(upstream, SAMPLE_KEY_FILE)];
const homebrew = ['--homebrew', upstream, ...key];

test('create --clients stout,brew makes a mirror for both, and every verb prints the age of the API', async () => {
  const made = await run(
    ...['create', mirror, 'jq', '--clients', 'stout,brew', '--platforms', 'x86_64_linux', '--no-dev-deps'],
    ...['--upstream', upstream, ...homebrew],
  );
  expect([made.status, made.stdout]).toEqual([0, expect.stringContaining('2 formulas')]);
  expect(existsSync(join(mirror, 'api/internal/packages.x86_64_linux.jws.json'))).toBe(true);
  expect((await run('info', mirror)).stdout).toMatch(/^Homebrew +API of .+ ago \(2026-11-01T00:00:00Z\)$/m);
  expect((await run('verify', mirror)).stdout).toContain("from Homebrew's API of 2026-11-01T00:00:00Z");
});

test('update keeps both clients, and says which option must be given again', async () => {
  const silent = await run('update', mirror, '--upstream', upstream);
  expect([silent.status, silent.stderr]).toEqual([2, expect.stringContaining('name it with --homebrew')]);
  const { stdout } = await run('update', mirror, '--upstream', upstream, ...homebrew, '--json');
  expect(JSON.parse(stdout)).toMatchObject({ downloaded: { files: 0 }, reused: 3 });
  // The key is remembered with the place that it belongs to.
  const again = ['--upstream', upstream, '--homebrew', upstream];
  expect(await run('update', mirror, ...again)).toMatchObject({ status: 0 });
  expect(await run('outdated', mirror, ...again)).toMatchObject({ status: 0 });
  const elsewhere = await run(
    'update',
    mirror,
    '--upstream',
    upstream,
    '--homebrew',
    join(folder, 'nowhere'),
  );
  expect([elsewhere.status, elsewhere.stderr]).toEqual([1, expect.stringContaining('nowhere')]);
  const preview = await run('update', mirror, ...again, '--dry-run', '--json');
  expect(JSON.parse(preview.stdout)).toMatchObject({ keep: { files: 3 }, fetch: { files: 0 } });
});

test('--upstream homebrew needs no stout-index, and outdated compares with it', async () => {
  const directory = join(folder, 'from-homebrew');
  const made = await run(
    ...['create', directory, 'wget', '--cask', 'firefox', '--platforms', 'arm64_sonoma'],
    ...['--upstream', 'homebrew', ...homebrew],
  );
  expect(made.status).toBe(0);
  expect(existsSync(join(directory, 'bottles/wget-1.25.0.arm64_sonoma.bottle.1.tar.gz'))).toBe(true);
  expect(existsSync(join(directory, 'api'))).toBe(false);
  expect(await run('outdated', directory, ...homebrew)).toMatchObject({
    status: 0,
    stdout: 'Everything is at its newest version.\n',
  });
});

test.each([
  [['--clients', 'stout,apt'], 2, 'It must be brew or stout.'],
  [
    ['--clients', 'brew', ...key],
    ...[2, "Homebrew's API is signed with Homebrew's key, and no other is accepted."],
  ],
  [['--upstream', 'homebrew', '--homebrew-key', '/nowhere.pem'], 1, 'There is no file /nowhere.pem.'],
  [['--upstream', 'homebrew', '--homebrew-key', '/'], 1, '/ cannot be read: EISDIR'],
  [['--clients', 'brew', '--portable-ruby', '3.4.8,newest'], 2, 'It must be a version'],
] as [string[], number, string][])(
  'create with %j says what is wrong, and makes nothing',
  async (options, code, message) => {
    const directory = join(folder, 'nothing');
    const { status, stderr } = await run('create', directory, 'jq', '--upstream', upstream, ...options);
    expect([status, stderr]).toEqual([code, expect.stringContaining(message)]);
    expect(existsSync(directory)).toBe(false);
  },
);

test('config --client brew prints a brew.env, with the token of a private mirror where it is in the address', async () => {
  const open = await run('config', 'https://mirror.example', '--client', 'brew');
  expect(open.stdout).toContain('\nHOMEBREW_API_DOMAIN=https://mirror.example/api\n');
  const secret = await run('config', 'https://ci:s3cret@mirror.example', '--client', 'brew');
  expect(secret.stdout).toContain('\nHOMEBREW_DOCKER_REGISTRY_TOKEN=s3cret\n');
});

const PRIVATE = 'https://ci:s3cret@mirror.example';
const modeOf = async (path: string): Promise<string> => ((await stat(path)).mode & 0o777).toString(8);

test.each([
  ['stout', 's3cret@mirror.example'],
  ['brew', 'HOMEBREW_DOCKER_REGISTRY_TOKEN=s3cret'],
])('config -o writes what %s needs, with a token readable by its owner only', async (client, content) => {
  const file = join(folder, 'made', `${client}.conf`);
  const write = (url: string) => run('config', url, '--client', client, '--trust', KEY, '-o', file);
  expect(await write(PRIVATE)).toMatchObject({ status: 0, stdout: '' });
  expect([await modeOf(file), await readFile(file, 'utf8')]).toEqual([
    '600',
    expect.stringContaining(content),
  ]);
  // One that was there before, and that others may have open.
  await chmod(file, 0o666);
  const before = await open(file);
  await write(PRIVATE);
  expect([await modeOf(file), (await before.stat()).nlink]).toEqual(['600', 0]);
  await before.close();
  // Without a token it is as it was, or as files usually are.
  await write('https://mirror.example');
  expect(await modeOf(file)).toBe('600');
  await rm(file);
  await write('https://mirror.example');
  expect(await modeOf(file)).toBe('644');
  expect(await readdir(dirname(file))).not.toContainEqual(expect.stringMatching(/tmp$/));
});

test('config -o touches nothing but a file', async () => {
  const [target, link] = [join(folder, 'target'), join(folder, 'link')];
  await writeFile(target, 'mine');
  await symlink(target, link);
  for (const path of [link, folder]) {
    expect(await run('config', PRIVATE, '--client', 'brew', '-o', path)).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('is not a file'),
    });
  }
  expect(await readFile(target, 'utf8')).toBe('mine');
});

test.each([
  ['http://ci:s3cret@mirror.example', true],
  ['http://ci:s3cret@127.0.0.1:9000', false],
  ['http://mirror.example', false],
  [PRIVATE, false],
])('config of %s warns of a token that everybody can read: %s', async (url, warns) => {
  const { stderr } = await run('config', url, '--client', 'brew');
  expect(stderr.includes('can read the token')).toBe(warns);
  expect(stderr).not.toContain('s3cret');
});
