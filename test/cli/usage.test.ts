import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, inject, test } from 'vitest';
import { commandLine } from '../support/command-line.ts';
import { MAIN } from '../support/programs.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder();
const environment = {
  XDG_CONFIG_HOME: join(folder, 'config'),
  MIRROR_SIGNING_KEY: '',
  AWS_ACCESS_KEY_ID: '',
};
const run = (...args: string[]) => commandLine(args, environment);
const mirror = join(folder, 'mirror');
const create = ['create', mirror];
const upstream = ['--upstream', inject('upstream')];
const verbs = [...(await run('--help')).stdout.matchAll(/^ {2}([a-z][a-z-]+) /gm)].map(
  ([, verb = '']) => verb,
);

/** Their help leaves rare options to --help-all. */
const FOLDED = ['create', 'update'];

describe('help', () => {
  test('names the verbs of the documentation', () => {
    expect(verbs).toEqual(
      expect.arrayContaining(['create', 'update', 'outdated', 'verify', 'info', 'prune', 'serve', 'publish']),
    );
  });

  test.each(['', ...verbs])('of "%s" fits 80 columns', async (verb) => {
    const { status, stdout, stderr } = await run(...(verb ? [verb] : []), '--help');
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout.length).toBeGreaterThan(100);
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });

  test.each(verbs)('of %s has examples, whose options exist', async (verb) => {
    const { stdout } = await run(verb, ...(FOLDED.includes(verb) ? ['--help-all'] : ['--help']));
    const [help = '', shown = ''] = stdout.split(/\nExamples?:\n/);
    const examples = shown
      .trim()
      .split('\n')
      .map((line) => line.trim());
    expect(examples.length).toBeGreaterThan(0);
    for (const example of examples) {
      expect(example.startsWith(`stout-mirror ${verb}`), example).toBe(true);
      for (const [option] of example.matchAll(/(?<= )--?[a-z-]+/g))
        expect(help).toMatch(new RegExp(`\\s${option}\\b`));
    }
  });

  test.each(FOLDED)('of %s fits a screen, and --help-all has the rest', async (verb) => {
    const { stdout } = await run(verb, '--help');
    const all = await run(verb, '--help-all');
    expect(stdout.trimEnd().split('\n').length).toBeLessThanOrEqual(40);
    expect([stdout, all.status]).toEqual([expect.not.stringContaining('--portable-ruby'), 0]);
    for (const option of ['--portable-ruby', '--keep-going', '--upstream', '--update'].slice(
      0,
      verb === 'create' ? 4 : 3,
    ))
      expect(all.stdout).toContain(option);
    expect(all.stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });

  test('--version prints the version alone', async () => {
    expect(await run('--version')).toEqual({ status: 0, stdout: '0.1.0\n', stderr: '' });
  });
});

describe('when the command line is wrong', () => {
  test('no key pair is made for it', async () => {
    const config = join(folder, 'no-key');
    const args = [...create, 'jq', '--upstream', 's3://example/x'];
    const { status } = await commandLine(args, { ...environment, XDG_CONFIG_HOME: config });
    expect([status, existsSync(config)]).toEqual([2, false]);
  });

  test.each([
    [[], 'Usage: stout-mirror'],
    [['nothing'], 'unknown command'],
    [['info', 'a', 'b'], 'too many arguments'],
    [['info', 'https://ci:secret@mirror.example.com'], 'To check a served mirror, use verify'],
    [['create', 'HTTP://mirror.example.com/', 'jq', ...upstream], 'takes the folder of a mirror'],
    [['sign', 'https://mirror.example.com', '--key', MAIN], 'takes the folder of a mirror'],
    [['serve', 'http://localhost:9000'], 'takes the folder of a mirror'],
    [['info', 'file://elsewhere/mirror'], 'not the address of a folder here'],
    [[...create, ...upstream], 'Name at least one package'],
    [[...create, 'jqq', '--platforms', 'x86_64_linux', ...upstream], 'Did you mean jq?'],
    [[...create, 'jq', '--bogus'], 'unknown option'],
    [[...create, 'jq', '--os', 'windows', ...upstream], 'is not a platform'],
    [[...create, 'jq', '--platforms', 'amiga', ...upstream], 'amiga'],
    [[...create, 'jq', '--valid-for', 'ever'], 'ever'],
    [[...create, 'jq', '--jobs', '0'], 'whole number'],
    [[...create, 'jq', '--upstream', 'http://example.com'], 'An upstream is https'],
    [[...create, 'jq', '--upstream', 's3://example/x'], 'An upstream is https'],
    [['publish', mirror, '--bucket', 'b', '--account', 'a'.repeat(32)], 'AWS_ACCESS_KEY_ID'],
    [['publish', mirror, '--bucket', 'b', '--account', 'example'], 'not a Cloudflare account id'],
    [['publish', mirror, '--bucket', 'b', '--url', 'https://mirror.example.com/folder'], 'without a path'],
    [['config', 'https://ci:50%@mirror.example.com'], 'in a token % is written %25'],
    [['verify', 'https://ci:50%@mirror.example.com'], 'in a token % is written %25'],
  ])('%j ends with 2 and says why on standard error', async (args, reason) => {
    const { status, stdout, stderr } = await run(...args);
    expect([status, stdout, stderr]).toEqual([2, '', expect.stringContaining(reason)]);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(existsSync(mirror)).toBe(false);
  });

  test('with --json, standard output has the error too', async () => {
    const { status, stdout } = await run(...create, 'jqq', '--json', ...upstream);
    const { ok, error } = JSON.parse(stdout);
    expect([status, ok, error.code]).toEqual([2, false, 'unknown-package']);
  });
});

describe('when something is in the way', () => {
  test('of the folder, create says so in a line', async () => {
    await writeFile(join(folder, 'file'), '');
    const { status, stderr } = await run('create', join(folder, 'file', 'mirror'), 'jq', ...upstream);
    expect([status, stderr]).toEqual([
      1,
      expect.stringMatching(/^stout-mirror: .*file\/mirror.* file is in its way/m),
    ]);
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  test.each(['verify', 'info'])('%s says that a folder is not a mirror', async (verb) => {
    await mkdir(join(folder, 'empty'), { recursive: true });
    const { status, stderr } = await run(verb, join(folder, 'empty'));
    expect([status, stderr]).toEqual([1, expect.stringContaining('is not a mirror')]);
  });
});
