import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { formatPublicKey, keyIdText } from '../../format/minisign/public-key.ts';
import { formatSecretKey } from '../../format/minisign/secret-key.ts';
import { writeUpstream } from '../builder/upstream.ts';
import { commandLine } from '../support/command-line.ts';
import { OTHER_KEY, TEST_KEY } from '../support/keys.ts';
import { copyMirror, makeMirror, REQUEST } from '../support/mirror.ts';
import type { Ended } from '../support/programs.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder();
const mirror = join(folder, 'mirror');
const ours = {
  XDG_CONFIG_HOME: join(folder, 'ours'),
  HOME: folder,
  MIRROR_SIGNING_KEY: await formatSecretKey(OTHER_KEY),
};
const upstream = ['--upstream', inject('upstream')];
const oldKey = formatPublicKey(TEST_KEY.publicKey).split('\n')[1] ?? '';
const root = (directory: string) => readFile(join(directory, 'snapshot/root.json'), 'utf8');

/** Runs a command line with another key than that of the mirror. */
const run = (...args: string[]): Promise<Ended> => commandLine(args, ours);

beforeAll(() =>
  makeMirror(mirror, { request: { ...REQUEST, packages: ['jq'], casks: [], vulnerabilities: false } }),
);

describe('a mirror that another key signed', () => {
  test.each([
    ['create', ['jq', ...upstream]],
    ['create', ['jq', '--dry-run', ...upstream]],
    ['create', ['--update', 'lz4', ...upstream]],
    ['create', ['--force', 'jq', ...upstream]],
    ['update', upstream],
    ['update', ['jq', '--dry-run', ...upstream]],
    ['outdated', upstream],
    ['diff', [mirror]],
    ['why', ['jq']],
    ['sign', []],
    ['prune', []],
    ['prune', ['--dry-run']],
  ])(
    'is refused by %s %j, which names both keys and what to pass, and leaves it as it is',
    async (verb, args) => {
      const before = await root(mirror);
      const { status, stdout, stderr } = await run(verb, mirror, ...args);
      expect([status, stdout]).toEqual([1, '']);
      expect(stderr).toContain('name its public key with --trust');
      expect(stderr).toContain(`expected: key ${keyIdText(OTHER_KEY.keyId)}`);
      expect(stderr).toContain(`found:    key ${keyIdText(TEST_KEY.keyId)}`);
      expect(await root(mirror)).toBe(before);
    },
  );

  test('is continued as soon as its key is named', async () => {
    const copy = join(folder, 'copy');
    await copyMirror(mirror, copy);
    const { status, stderr } = await run('create', copy, 'jq', '--trust', oldKey, ...upstream);
    expect([status, stderr]).toEqual([0, expect.not.stringContaining('from scratch')]);
    expect(JSON.parse(await root(copy)).mirror).toBe(JSON.parse(await root(mirror)).mirror);
  });

  test('gives its files to another mirror, but not its list', async () => {
    const named = await run('create', join(folder, 'linked'), 'jq', '--from', mirror, ...upstream);
    expect(named).toMatchObject({ status: 0, stderr: expect.stringContaining('Only files are taken from') });
    expect(named.stdout).toContain('linked');
    const list = await run('create', join(folder, 'listed'), '--from', mirror, ...upstream);
    expect(list).toMatchObject({ status: 1, stderr: expect.stringContaining('--trust') });
  });
});

describe('without a key', () => {
  const none = { XDG_CONFIG_HOME: join(folder, 'none'), HOME: folder, MIRROR_SIGNING_KEY: '' };

  test.each([
    ['config', ['https://mirror.example.com'], '--trust'],
    ['verify', [mirror], '--trust'],
    ['outdated', [mirror, ...upstream], '--trust'],
    ['diff', [mirror, mirror], '--trust'],
    ['why', [mirror, 'jq'], '--trust'],
    ['prune', [mirror], '--trust'],
    ['sign', [mirror], '--key'],
    ['update', [mirror, ...upstream], '--key'],
  ])('%s %j asks for %s and proposes no new key', async (verb, args, option) => {
    const { status, stderr } = await commandLine([verb, ...args.slice(0)], none);
    expect([status, stderr]).toEqual([1, expect.stringContaining(option)]);
    expect(stderr).not.toContain('keygen');
  });

  test('a key file that is named and absent is where keygen can make one', async () => {
    const path = join(folder, 'absent.key');
    const { stderr } = await commandLine(
      ['create', join(folder, 'x'), 'jq', '--key', path, ...upstream],
      none,
    );
    expect(stderr).toContain(`stout-mirror keygen --key ${path}`);
  });
});

describe('--keep-going with a name that the upstream does not have', () => {
  const none = {
    XDG_CONFIG_HOME: join(folder, 'keep'),
    HOME: folder,
    MIRROR_SIGNING_KEY: ours.MIRROR_SIGNING_KEY,
  };
  const args = ['--keep-going', '--no-deps', ...upstream];

  test('leaves it out, names it with near names, and ends with 1', async () => {
    const directory = join(folder, 'kept-going');
    const made = await commandLine(['create', directory, 'jqq', 'jq', '--cask', 'fierfox', ...args], none);
    expect([made.status, made.stdout]).toEqual([1, expect.stringContaining('1 formula')]);
    expect(made.stderr).toMatch(/^FAILED jqq: The upstream has no formula named "jqq"\. Did you mean jq\?$/m);
    expect(made.stderr).toMatch(/^FAILED fierfox: .* Did you mean firefox\?$/m);
    expect(made.stderr).not.toContain('Skipped');
    const again = await commandLine(
      ['update', directory, 'nothing-like-it', '--dry-run', '--json', ...upstream, '--keep-going'],
      none,
    );
    expect([again.status, JSON.parse(again.stdout).failed]).toEqual([
      1,
      [{ name: 'nothing-like-it', reason: expect.stringContaining('no formula named') }],
    ]);
  });

  test('is refused when nothing else is asked for', async () => {
    const directory = join(folder, 'nothing');
    const { status, stderr } = await commandLine(['create', directory, 'jqq', ...args], none);
    expect([status, stderr]).toEqual([2, expect.stringContaining('Did you mean jq?')]);
  });
});

test('outdated prints the update that works, with the folder that the mirror came from', async () => {
  const [from, directory] = [join(folder, 'the upstream'), join(folder, 'outdated')];
  await writeUpstream(from, { formulas: [{ name: 'tool' }] });
  await commandLine(['create', directory, 'tool', '--upstream', from], ours);
  await writeUpstream(from, { formulas: [{ name: 'tool', version: '2.0' }] });
  const { stdout } = await commandLine(['outdated', directory, '--upstream', from], ours);
  const [, words = ''] = /would change: stout-mirror (.*)$/m.exec(stdout) ?? [];
  expect(words).toContain(`--upstream '${from}'`);
  const args = execFileSync('sh', ['-c', `printf '%s\\n' ${words}`], { encoding: 'utf8' })
    .trim()
    .split('\n');
  expect(await commandLine(args, ours)).toMatchObject({ status: 0 });
  expect((await commandLine(['info', directory], ours)).stdout).toMatch(/tool +2\.0/);
});
