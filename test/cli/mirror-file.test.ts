import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { type Manifest, parseManifest } from '../../format/manifest.ts';
import { formatPublicKey } from '../../format/minisign/public-key.ts';
import { formatSecretKey } from '../../format/minisign/secret-key.ts';
import { commandLine } from '../support/command-line.ts';
import { OTHER_KEY, TEST_KEY } from '../support/keys.ts';
import { type Ended, MAIN, runProgram } from '../support/programs.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder();
const environment = {
  ...{ HOME: folder, XDG_CONFIG_HOME: '', XDG_CACHE_HOME: '', XDG_STATE_HOME: '' },
  MIRROR_SIGNING_KEY: await formatSecretKey(TEST_KEY),
};
const file = join(folder, 'mirror.toml');
const mirror = join(folder, 'mirror');
const HEAD = `directory = "mirror"\nupstream = "${inject('upstream')}"\n`;

/** Runs a verb with the file, in this process. */
const withFile = (text: string, ...args: string[]): Promise<Ended> => withFileAt(file, HEAD + text, ...args);

async function withFileAt(path: string, text: string, ...args: string[]): Promise<Ended> {
  await writeFile(path, text);
  return commandLine([...args, '--config', path], environment);
}

/** Runs a verb in the folder of the file, as a process. */
const inFolder = (...args: string[]): Promise<Ended> =>
  runProgram(process.execPath, [MAIN, ...args], environment, folder);

const requestOf = async (): Promise<Manifest['request']> =>
  parseManifest(await readFile(join(mirror, 'manifest.json'))).request;

const ONE = 'packages = ["jq"]\nplatforms = ["x86_64_linux"]\ndev-dependencies = false\n';

beforeAll(async () => {
  const { status, stderr } = await withFile(ONE, 'create');
  expect(status, stderr).toBe(0);
});

describe('a mirror.toml', () => {
  test('says to doctor where packages come from', async () => {
    const { status, stdout } = await withFile(ONE, 'doctor');
    expect([status, stdout]).toEqual([0, expect.stringContaining(' upstream, index: file://')]);
  });

  test('says what create makes, and where each package is named', async () => {
    await mkdir(join(folder, 'lists'), { recursive: true });
    await writeFile(join(folder, 'lists', 'approved.txt'), '# reviewed\njq wget # tools\nLZ4\n');
    await writeFile(join(folder, 'Brewfile'), 'tap "homebrew/core"\nbrew "lz4"\ncask "firefox" if OS.mac?\n');
    const { status, stderr } = await withFile(
      [
        ...['packages = [', '  "HOMEBREW/core/jq",', ']'],
        ...['package-files = ["lists/approved.txt"]', `brewfiles = ["${join(folder, 'Brewfile')}"]`],
        ...['platforms = ["x86_64_linux", "arm64_sonoma"]', 'with-vulns = true', 'valid-for = "12h"'],
        ...['public-url = "https://files.example.com/m"', 'dev-dependencies = false'],
        ...['[policy]', 'hold = ["jq"]', 'licenses.allow = ["MIT"]'],
        ...[
          '[[policy.waiver]]',
          'package = "jq"',
          'rule = "licenses"',
          'until = 2026-12-31',
          'reason = "tests"',
        ],
      ].join('\n'),
      'create',
    );
    expect(status, stderr).toBe(0);
    const waiver = { package: 'jq', rule: 'licenses', until: 1_798_761_599, reason: 'tests' };
    expect(await requestOf()).toMatchObject({
      ...{ packages: ['jq', 'lz4', 'wget'], casks: ['firefox'], tags: ['arm64_sonoma', 'x86_64_linux'] },
      ...{ vulnerabilities: true, dev_dependencies: false, valid_for: 43_200 },
      public_url: 'https://files.example.com/m',
      policy: { hold: ['jq'], licenses: { allow: ['MIT'] }, waivers: [waiver] },
      // A mirror is public: of an absolute path, only the name is written.
      places: {
        'formula jq': 'mirror.toml:4',
        'formula wget': 'lists/approved.txt:2',
        'formula lz4': 'lists/approved.txt:3',
        'cask firefox': 'Brewfile:3',
      },
    });
  });

  test('is complete: a key that it leaves out has its default, and flags hold for one run', async () => {
    expect((await withFile(ONE, 'create', '--with-vulns', '--valid-for', '5d')).status).toBe(0);
    expect(await requestOf()).toMatchObject({ vulnerabilities: true, valid_for: 432_000 });
    const { status, stderr } = await withFile(ONE, 'create');
    expect([status, stderr]).toEqual([
      0,
      expect.stringContaining('No longer set: with-vulns, valid-for 5d\n'),
    ]);
    expect(await requestOf()).toMatchObject({ vulnerabilities: false, packages: ['jq'] });
    expect(await requestOf()).not.toHaveProperty('valid_for');
  });

  test('packages of the command line replace its lists for one run', async () => {
    const { stdout } = await withFile(
      `${ONE}casks = ["firefox"]\n`,
      'create',
      mirror,
      'lz4',
      '--dry-run',
      '--json',
    );
    const { changes, dropped } = JSON.parse(stdout);
    expect(changes).toContainEqual({ kind: 'formula', name: 'lz4', to: expect.any(String) });
    expect(JSON.stringify(changes)).not.toContain('firefox');
    expect(dropped).toContainEqual({ what: 'formula', name: 'jq' });
  });

  test('update adds what it names and drops nothing; outdated says so before', async () => {
    const more = ONE.replace('"jq"', '"lz4"');
    const { stdout } = await withFile(more, 'outdated');
    // With a file, the list is that of create.
    expect(stdout).toContain(`would change: stout-mirror create ${mirror} --config ${file}\n`);
    expect(stdout).toMatch(/^- jq[\s\S]*^\+ lz4/m);
    const { status, stderr } = await withFile(more, 'update');
    expect([status, stderr]).toEqual([0, expect.not.stringContaining('No longer')]);
    expect((await requestOf()).packages).toEqual(['jq', 'lz4']);
    const after = await withFile(ONE, 'create');
    expect(after.stderr).toContain('- lz4 ');
  });

  test('names the key that signs and those to trust', async () => {
    await writeFile(join(folder, 'other.key'), await formatSecretKey(OTHER_KEY), { mode: 0o600 });
    await writeFile(join(folder, 'other.pub'), formatPublicKey(OTHER_KEY.publicKey));
    await writeFile(join(folder, 'test.pub'), formatPublicKey(TEST_KEY.publicKey));
    const keys = `${ONE}key = "other.key"\ntrust = ["other.pub", "test.pub"]\n`;
    expect((await withFile(keys, 'sign')).status).toBe(0);
    const { stdout, stderr } = await withFile(keys, 'verify');
    expect([stdout, stderr]).toEqual([
      expect.stringContaining('OK'),
      // A stranger's folder may have a file that vouches for it.
      expect.stringContaining(`The keys to trust are those of ${file}.\n`),
    ]);
    expect((await withFile(ONE, 'verify')).status).not.toBe(0);
    expect((await withFile(`${ONE}trust = ["other.pub"]\n`, 'create')).status).toBe(0);
  });

  test('says in which folder why, sbom and bundle look', async () => {
    await withFile(ONE, 'create');
    const output = join(folder, 'mirror.tar');
    for (const [words, expected] of [
      [['why', 'jq'], 'asked for at mirror.toml:3'],
      [['sbom'], 'pkg:brew/jq@'],
      [['bundle', '-o', output], `${output}: `],
      // No package is a bucket, and no bucket of the file is meant.
      [['fill', mirror, 'jq'], 'Fetched 0 files'],
    ] as const) {
      const { status, stdout, stderr } = await withFile(`${ONE}[publish]\nbucket = "b"\n`, ...words);
      expect([status, stdout], stderr).toEqual([0, expect.stringContaining(expected)]);
    }
  });

  test('an error in it has file, line and column, also in --json, and leaves the mirror alone', async () => {
    const { status, stdout, stderr } = await withFile('platfroms = []', 'create', '--json');
    const message = `${file}:3:1: There is no key platfroms. Did you mean platforms?`;
    expect([status, stderr]).toEqual([1, `stout-mirror: ${message}\n`]);
    expect(JSON.parse(stdout).error).toEqual({ code: 'bad-input', message, where: file });
  });

  test('an unknown package has the place where it is written', async () => {
    const { status, stderr } = await withFile('packages = [\n  "jqq",\n]', 'create');
    expect([status, stderr]).toEqual([
      2,
      expect.stringContaining('no formula named "jqq" (mirror.toml:4). Did you mean jq?'),
    ]);
  });

  test.each(['absent.toml', '.'])('%s in its place is named', async (name) => {
    const { status, stderr } = await commandLine(['info', '--config', join(folder, name)], environment);
    expect([status, stderr]).toEqual([1, expect.stringContaining(join(folder, name))]);
  });
});

describe('the mirror.toml in the current folder', () => {
  // Without a folder: test/docs/github-workflow.test.ts.
  test('is read when its own folder is named', async () => {
    await writeFile(file, HEAD + ONE);
    expect((await inFolder('create', './mirror/', '--dry-run')).stdout).toContain('nothing was written');
  });

  test('is not read for another folder, and a note says so; its mistakes do not count there', async () => {
    await writeFile(file, `${HEAD}platfroms = []`);
    const { status, stderr } = await inFolder('create', 'jq');
    expect([status, stderr]).toEqual([
      2,
      expect.stringContaining('mirror.toml is not used: it is about mirror.'),
    ]);
    expect(stderr).toContain('Name at least one package');
  });

  test('is not read for an address', async () => {
    await writeFile(file, 'nonsense');
    const { status, stderr } = await inFolder(
      'diff',
      'http://127.0.0.1/',
      'upstream',
      '--json',
      '--markdown',
    );
    expect([status, stderr]).toEqual([2, expect.stringContaining('exclude each other')]);
  });
});

test('a folder called mirror.toml is not read', async () => {
  const place = join(folder, 'folder');
  await mkdir(join(place, 'mirror.toml'), { recursive: true });
  const ended = await runProgram(process.execPath, [MAIN, 'info'], environment, place);
  expect([ended.status, ended.stderr]).toEqual([2, expect.stringContaining('Name the folder of the mirror')]);
});

describe('without a folder and a file', () => {
  test.each([
    ...['create', 'update', 'outdated', 'verify', 'info', 'serve', 'sign', 'prune', 'withdraw'],
    ...['publish --bucket b', 'config'],
  ])('%s says what to write', async (verb) => {
    const { status, stderr } = await commandLine(verb.split(' '), environment);
    expect([status, stderr]).toEqual([
      2,
      expect.stringMatching(/^stout-mirror: Name the (?:folder|address) of the mirror/),
    ]);
  });

  test.each(['rollback', 'snapshots', 'prune-bucket', 'publish x'])(
    '%s asks for the bucket',
    async (verb) => {
      const { status, stderr } = await commandLine(verb.split(' '), environment);
      const also = verb === 'snapshots' ? ', or name the folder of a mirror' : '';
      expect([status, stderr]).toEqual([
        2,
        `stout-mirror: Name the bucket with --bucket, or in [publish] of mirror.toml${also}.\n`,
      ]);
    },
  );
});

describe('[publish]', () => {
  // An endpoint must not contain the bucket: the error shows both, before any request.
  const HOST = 'https://s3.example.com/from-file';
  const publish = (more = ''): string =>
    `${ONE}[publish]\nbucket = "from-file"\nendpoint = "${HOST}"\n${more}`;

  test('names the bucket for the verbs that need one', async () => {
    const { status, stderr } = await withFile(publish(), 'snapshots');
    expect([status, stderr]).toEqual([2, expect.stringContaining('use https://s3.example.com instead')]);
  });

  test('is not about another bucket', async () => {
    const { status, stderr } = await withFile(publish(), 'snapshots', '--bucket', 'another');
    expect([status, stderr]).toEqual([2, expect.stringContaining('Say where the bucket is')]);
  });

  test('gives way to an endpoint of the command line', async () => {
    const account = `${ONE}[publish]\nbucket = "b"\naccount = "${'0'.repeat(32)}"\n`;
    const { stderr } = await withFile(account, 'snapshots', '--endpoint', 'nonsense');
    expect(stderr).toContain('nonsense is not an S3 endpoint');
  });

  test('gives doctor a bucket to look at, without whose keys it warns', async () => {
    const ask = (...named: string[]) => withFile(publish(), 'doctor', mirror, ...named);
    expect(await ask()).toMatchObject({
      ...{
        status: 0,
        stdout: expect.stringContaining('! bucket: The bucket of mirror.toml was not looked at.'),
      },
    });
    expect(await ask('--bucket', 'from-file')).toMatchObject({ status: 2 });
  });

  test('makes no folder a snapshot: diff takes one from a bucket that the command line names', async () => {
    const compare = (...named: string[]) => withFile(publish(), 'diff', mirror, '5', ...named);
    expect((await compare()).stderr).toContain('5 is not a mirror');
    expect((await compare('--bucket', 'from-file')).stderr).toContain('use https://s3.example.com instead');
  });

  test.each([['publish'], ['fill', '--bucket', 'from-file', 'jq']])(
    'says where the bucket of %j is',
    async (...words) => {
      const { status, stderr } = await withFile(publish(), ...words);
      expect([status, stderr]).toEqual([2, expect.stringContaining('use https://s3.example.com instead')]);
    },
  );

  test('has the address for config', async () => {
    const { stdout } = await withFile(
      publish('url = "https://m.example.com"\n'),
      'config',
      '--client',
      'brew',
    );
    expect(stdout).toContain('https://m.example.com');
  });
});
