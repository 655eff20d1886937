import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { parseManifest } from '../../format/manifest.ts';
import { formatSecretKey } from '../../format/minisign/secret-key.ts';
import { commandLine } from '../support/command-line.ts';
import { TEST_KEY } from '../support/keys.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder();
const mirror = join(folder, 'mirror');
const environment = {
  ...{ HOME: folder, XDG_CONFIG_HOME: '', XDG_CACHE_HOME: '' },
  MIRROR_SIGNING_KEY: await formatSecretKey(TEST_KEY),
};

async function run(...args: string[]) {
  const { status, stdout, stderr } = await commandLine(
    [...args, '--upstream', inject('upstream')],
    environment,
  );
  expect(status, stderr).toBe(0);
  return {
    stdout,
    stderr,
    lost: stderr.split('\n').filter((line) => /^(?:No longer|Replaced)|leave the index\.$/.test(line)),
  };
}
const request = async () => parseManifest(await readFile(join(mirror, 'manifest.json'))).request;

const MADE = [
  ...['--platforms', 'arm64_sonoma,x86_64_linux', '--with-vulns', '--full-index', '--allow-unchecked'],
  ...['--no-dev-deps', '--public-url', 'https://m.example.com', '--valid-for', '12h'],
];
/** What those options make of the request. */
const KEPT = {
  ...{ tags: ['arm64_sonoma', 'x86_64_linux'], vulnerabilities: true, full_index: true, unchecked: true },
  ...{ dev_dependencies: false, public_url: 'https://m.example.com', valid_for: 43_200 },
};

beforeAll(() => run('create', mirror, 'jq', 'lz4', ...MADE));

describe('create on an existing mirror', () => {
  test('keeps what it was made with', async () => {
    const { lost } = await run('create', mirror, 'jq', 'lz4');
    expect([lost, await request()]).toEqual([[], expect.objectContaining(KEPT)]);
  });

  test('names the packages and files that it drops, in a dry run and for real, in --json too', async () => {
    const line = expect.stringMatching(/^- lz4 /m);
    const preview = await run('create', mirror, 'jq', '--dry-run');
    expect([preview.stderr, preview.lost]).toEqual([line, []]);
    expect(preview.stdout).toMatch(/^and take 2 files \(.*\) out of the index/m);
    const json = JSON.parse((await run('create', mirror, 'jq', '--dry-run', '--json')).stdout);
    expect(json).toMatchObject({ dropped: [{ what: 'formula', name: 'lz4' }], remove: { files: 2 } });
    const { stderr, lost } = await run('create', mirror, 'jq');
    expect([stderr, lost]).toEqual([line, [expect.stringMatching(/^2 files \(.*\) leave the index\.$/)]]);
    await run('update', mirror, 'lz4');
    const made = JSON.parse((await run('create', mirror, 'jq', '--json')).stdout);
    expect(made).toMatchObject({ dropped: json.dropped, remove: json.remove });
    await run('update', mirror, 'lz4');
  });

  test.each([
    [
      ['--platforms', 'x86_64_linux'],
      'No longer in this mirror, platform: arm64_sonoma',
      { tags: ['x86_64_linux'] },
    ],
    [['--no-with-vulns'], 'No longer set: with-vulns', { vulnerabilities: false }],
    [['--no-full-index'], 'No longer set: full-index', { full_index: false }],
    [['--no-allow-unchecked'], 'No longer set: allow-unchecked', { unchecked: false }],
    [['--no-public-url'], 'No longer set: public-url https://m.example.com', { public_url: null }],
    [
      ['--public-url', 'https://n.example.com'],
      'Replaced: public-url https://m.example.com → https://n.example.com',
      { public_url: 'https://n.example.com' },
    ],
    [['--valid-for', '5d'], 'Replaced: valid-for 12h → 5d', { valid_for: 432_000 }],
    [['--no-deps'], 'No longer set: dependencies', { dependencies: false }],
  ])('%s is printed and taken', async (flags, line, change) => {
    const { lost } = await run('create', mirror, 'jq', 'lz4', ...flags);
    expect(lost[0]).toBe(line);
    expect(await request()).toMatchObject({ ...KEPT, ...change });
    await run('create', mirror, 'jq', 'lz4', '--deps', ...MADE);
  });

  test('--dev-deps takes --no-dev-deps back, and nothing is lost', async () => {
    const { lost } = await run('create', mirror, 'jq', 'lz4', '--dev-deps');
    expect([lost, await request()]).toEqual([
      [],
      expect.objectContaining({ ...KEPT, dev_dependencies: true }),
    ]);
  });

  test('a new mirror that links its files has no settings of the other, and lost nothing', async () => {
    const other = join(folder, 'other');
    const { lost } = await run('create', other, 'jq', '--from', mirror);
    const { request: made } = parseManifest(await readFile(join(other, 'manifest.json')));
    expect([lost, made]).toEqual([[], expect.objectContaining({ vulnerabilities: false, public_url: null })]);
  });
});
