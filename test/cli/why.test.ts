import { writeFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, inject, test } from 'vitest';
import { publicKeyLine } from '../../format/minisign/public-key.ts';
import { formatSecretKey } from '../../format/minisign/secret-key.ts';
import type { Decision } from '../../format/policy.ts';
import { SAMPLE_KEY_FILE } from '../../scripts/sample/homebrew/api.ts';
import { writeUpstream } from '../builder/upstream.ts';
import { commandLine } from '../support/command-line.ts';
import { OTHER_KEY, TEST_KEY } from '../support/keys.ts';
import { copyMirror, makeMirror, REQUEST } from '../support/mirror.ts';
import { resignWith } from '../support/resign.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder();
const [upstream, mirror] = [join(folder, 'upstream'), join(folder, 'mirror')];
const environment = { MIRROR_SIGNING_KEY: await formatSecretKey(TEST_KEY), XDG_CACHE_HOME: folder };
const NOTHING = {
  ...REQUEST,
  ...{ packages: [], casks: [], tags: ['sonoma'], vulnerabilities: false },
};

const why = (name: string, directory = mirror) => commandLine(['why', directory, name], environment);

/** The lines about a package, without the headline. */
async function linesOf(name: string, directory = mirror): Promise<string[]> {
  const { status, stdout } = await why(name, directory);
  expect(status).toBe(0);
  return stdout
    .trimEnd()
    .split('\n')
    .slice(1)
    .map((line) => line.trim());
}

beforeAll(async () => {
  await writeUpstream(upstream, {
    formulas: [
      { name: 'app', runtime: ['lib'], build: ['cmake'], test: ['checker'] },
      { name: 'other', runtime: ['lib', 'deep'] },
      { name: 'lib', recommended: ['ssl'] },
      { name: 'openssl@3', aliases: ['ssl'] },
      { name: 'deep', runtime: ['openssl@3'] },
      { name: 'tool', version: '2.0' },
      { name: 'gone', version: '1.1' },
      ...['cmake', 'checker'].map((name) => ({ name })),
    ],
    casks: [{ token: 'viewer', json: { depends_on: { formula: ['app'] } } }, { token: 'tool' }],
  });
  await makeMirror(mirror, {
    upstream,
    request: {
      ...NOTHING,
      packages: ['app', 'other', 'ssl', 'tool', 'vanished', 'gone'],
      casks: ['viewer', 'tool'],
      places: { 'formula app': 'approved.txt:3', 'cask viewer': 'Brewfile:12' },
    },
    named: { formula: [], cask: [], 'linux-app': [] },
  });
  expect(await commandLine(['withdraw', mirror, 'gone'], environment)).toMatchObject({ status: 0 });
});

test.each([
  ['app', ['it was asked for at approved.txt:3', '1 package in the mirror needs it']],
  ['other', ['it was asked for on the command line']],
  [
    'lib',
    [
      'app was asked for at approved.txt:3',
      'app needs lib to run',
      '1 other package in the mirror needs it too',
    ],
  ],
  ['cmake', ['app was asked for at approved.txt:3', 'app needs cmake to be built']],
  ['checker', ['app was asked for at approved.txt:3', 'app needs checker to be tested']],
  ['deep', ['other was asked for on the command line', 'other needs deep to run']],
  [
    'homebrew/core/OpenSSL@3',
    ['it was asked for as ssl on the command line', '2 packages in the mirror need it'],
  ],
])('why %s says who asked for it or needs it', async (name, lines) => {
  expect(await linesOf(name)).toEqual(lines);
});

test('a name of two kinds is answered for both', async () => {
  expect((await why('tool')).stdout).toBe(
    [
      ...['tool 2.0 is in the mirror:', '  it was asked for on the command line'],
      ...['tool (cask) 1.0 is in the mirror:', '  it was asked for on the command line', ''],
    ].join('\n'),
  );
});

test('a cask requires what it needs', async () => {
  const directory = join(folder, 'cask');
  await makeMirror(directory, {
    ...{ upstream, request: { ...NOTHING, casks: ['viewer'], places: { 'cask viewer': 'Brewfile:12' } } },
  });
  expect(await linesOf('openssl@3', directory)).toEqual([
    ...['viewer (cask) was asked for at Brewfile:12', 'viewer (cask) requires app'],
    ...['app needs lib to run', 'lib recommends openssl@3'],
  ]);
});

test('with --all, everything was asked for with it', async () => {
  const directory = join(folder, 'all');
  await makeMirror(directory, { upstream, request: { ...NOTHING, all: true } });
  expect(await linesOf('deep', directory)).toEqual([
    'it was asked for with --all',
    '1 package in the mirror needs it',
  ]);
  const places = { all: 'mirror.toml:2' };
  await makeMirror(directory, { upstream, request: { ...NOTHING, all: true, places } });
  expect(await linesOf('deep', directory)).toContain('it was asked for at mirror.toml:2');
});

test('what the index only lists is not in the mirror', async () => {
  const directory = join(folder, 'full');
  await makeMirror(directory, { upstream, request: { ...NOTHING, packages: ['lib'], full_index: true } });
  expect(await why('cmake', directory)).toMatchObject({
    status: 1,
    stdout:
      'cmake is not in the mirror, although its index lists it:\n  nobody asked for it, and nothing in the mirror needs it\n',
  });
});

test.each([
  [
    'vanished',
    'vanished is not in the mirror:\n  it was asked for on the command line\n  update --dry-run says why',
  ],
  ['gone', 'gone is not in the mirror:\n  version 1.1 was withdrawn'],
  ['liv', 'This mirror has no package "liv", and nobody asked for it. Did you mean lib?\n'],
  ['__proto__', 'This mirror has no package "__proto__", and nobody asked for it.\n'],
  ['constructor', 'no package'],
  ['', 'no package'],
  ['a\nb\x1b[2J', 'no package "a\\nb\\u001b[2J"'],
])('why %j, which is not there, ends with 1', async (name, text) => {
  expect(await why(name)).toMatchObject({ status: 1, stdout: expect.stringContaining(text), stderr: '' });
});

const DECISIONS: Decision[] = [
  {
    ...{ kind: 'formula', name: 'tool', version: '3.0', rule: 'min-age', outcome: 'held' },
    ...{ reason: 'built 2 days ago', until: 1_798_675_200 },
  },
  {
    ...{ kind: 'formula', name: 'banned', version: '1.0', rule: 'deny', outcome: 'denied' },
    ...{ reason: 'it needs worse: it is denied', needs: 'worse' },
  },
  {
    ...{ kind: 'formula', name: 'lib', version: '1.0', rule: 'vulnerabilities', outcome: 'waived' },
    reason: 'not reachable\n  lib needs nothing',
  },
];

test('what the policy decided is said, with the rule, the reason and until when', async () => {
  const directory = join(folder, 'decided');
  await copyMirror(mirror, directory);
  await resignWith(directory, TEST_KEY, 'policy.json', (local) =>
    writeFileSync(local, JSON.stringify({ decisions: DECISIONS })),
  );
  // The signature beside it is no file of a mirror.
  await rm(join(directory, 'policy.json.sig'));
  expect((await why('tool', directory)).stdout).toContain(
    '  Held back: tool 3.0 (min-age, until 2026-12-31T00:00:00Z): built 2 days ago.\n',
  );
  expect(await why('banned', directory)).toMatchObject({
    status: 1,
    stdout: 'banned is not in the mirror:\n  Left out: banned 1.0 (deny): it needs worse: it is denied.\n',
  });
  expect((await why('lib', directory)).stdout).toContain(
    '  Let in by a waiver: lib 1.0 (vulnerabilities): not reachable\ufffd  lib needs nothing.\n',
  );
  const { stdout } = await commandLine(['why', directory, 'tool', '--json'], environment);
  expect(JSON.parse(stdout)).toMatchObject({
    ...{ exit_code: 0, in_mirror: true, near: [] },
    packages: [{ kind: 'formula', version: '2.0', decisions: [DECISIONS[0]] }, { kind: 'cask' }],
  });
});

test('what another key signed, or is not as it was signed, is refused', async () => {
  const other = await commandLine(['why', mirror, 'lib', '--trust', publicKeyLine(OTHER_KEY.publicKey)]);
  expect(other).toMatchObject({ status: 1, stdout: '', stderr: expect.stringContaining('--trust') });
  for (const path of ['policy.json', 'index/formulas.db', 'manifest.json']) {
    const directory = join(folder, 'damaged');
    await copyMirror(mirror, directory);
    await writeFile(join(directory, path), '{"decisions":[]} ');
    const { status, stderr } = await why('lib', directory);
    expect([path, status, stderr]).toEqual([path, 1, expect.stringContaining(path)]);
    await rm(directory, { recursive: true });
  }
});

test('for brew, Homebrew’s API in the mirror says what the index does not', async () => {
  const directory = join(folder, 'brew');
  const sample = inject('upstream');
  const key = ['--homebrew', sample, '--homebrew-key', join(sample, SAMPLE_KEY_FILE)];
  const made = await commandLine(
    [
      ...['create', directory, 'jq', '--cask', 'docker', '--platforms', 'arm64_sonoma'],
      ...['--clients', 'brew', '--upstream', sample, ...key],
    ],
    environment,
  );
  expect(made.status, made.stderr).toBe(0);
  expect(await linesOf('portable-ruby', directory)).toEqual(['brew runs on it']);
  expect(await linesOf('docker-desktop', directory)).toEqual([
    'it was asked for as docker on the command line',
  ]);
});
