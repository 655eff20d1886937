import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { SAMPLE_KEY_FILE } from '../../scripts/sample/homebrew/api.ts';
import { commandLine } from '../support/command-line.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder();
const environment = {
  ...{ XDG_CONFIG_HOME: join(folder, 'config'), XDG_CACHE_HOME: join(folder, 'cache') },
  MIRROR_SIGNING_KEY: '',
};
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
  expect(JSON.parse(stdout)).toMatchObject({ downloaded: { files: 0 }, reused: 2 });
  const preview = await run('update', mirror, '--upstream', upstream, ...homebrew, '--dry-run', '--json');
  expect(JSON.parse(preview.stdout)).toMatchObject({ keep: { files: 2 }, fetch: { files: 0 } });
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
  [['--clients', 'stout,apt'], 'It must be brew or stout.'],
  [['--clients', 'brew', ...key], "Homebrew's API is signed with Homebrew's key, and no other is accepted."],
  [['--upstream', 'homebrew', '--homebrew-key', '/nowhere.pem'], 'There is no file /nowhere.pem.'],
])('create with %j says what is wrong, and makes nothing', async (options, message) => {
  const directory = join(folder, 'nothing');
  const { status, stderr } = await run('create', directory, 'jq', '--upstream', upstream, ...options);
  expect([status, stderr]).toEqual([2, expect.stringContaining(message)]);
  expect(existsSync(directory)).toBe(false);
});

test('config --client brew prints a brew.env, with the token of a private mirror where it is in the address', async () => {
  const open = await run('config', 'https://mirror.example', '--client', 'brew');
  expect(open.stdout).toContain('\nHOMEBREW_API_DOMAIN=https://mirror.example/api\n');
  const secret = await run('config', 'https://ci:s3cret@mirror.example', '--client', 'brew');
  expect(secret.stdout).toContain('\nHOMEBREW_DOCKER_REGISTRY_TOKEN=s3cret\n');
});
