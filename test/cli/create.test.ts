import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { readManifest } from '../../builder/directory/mirror.ts';
import { sha256Hex } from '../../format/digest.ts';
import { type SampleServer, startSampleServer } from '../../scripts/sample/server.ts';
import { commandLine } from '../support/command-line.ts';
import { MAIN } from '../support/programs.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder();
const environment = {
  ...{ XDG_CONFIG_HOME: join(folder, 'config'), XDG_CACHE_HOME: join(folder, 'cache') },
  MIRROR_SIGNING_KEY: '',
};
const run = (...args: string[]) => commandLine(args, environment);
let server: SampleServer;

beforeAll(async () => {
  await run('keygen');
  server = await startSampleServer(inject('upstream'), { port: 0 });
});
afterAll(() => server.close());

describe('what a package needs', () => {
  test.each([
    [
      'node@20',
      ['brotli', 'c-ares', 'ca-certificates', 'icu4c@77', 'libnghttp2', 'libuv', 'node@20', 'openssl@3'],
      ['mpdecimal', 'pkgconf', 'python@3.13', 'readline', 'sqlite', 'xz'],
    ],
    ['tree-sitter', ['tree-sitter'], ['ca-certificates', 'libssh2', 'openssl@3', 'pkgconf', 'rust']],
  ])('%s needs %j to run, and %j to be built', async (name, runtime, development) => {
    const [all, few] = [join(folder, `${name}-all`), join(folder, `${name}-few`)];
    const args = [name, '--platforms', 'arm64_sonoma', '--upstream', inject('upstream')];
    await Promise.all([run('create', all, ...args), run('create', few, '--no-dev-deps', ...args)]);
    const formulas = async (directory: string) =>
      Object.keys((await readManifest(directory)).formulas.packages);
    expect(await formulas(few)).toEqual(runtime);
    const unmet = new Set([...runtime, ...development]);
    expect((await formulas(all)).filter((one) => !unmet.delete(one))).toEqual([]);
    expect([...unmet]).toEqual([]);
  });
});

describe('two creates of one input', () => {
  test('with one SOURCE_DATE_EPOCH and key are equal, byte for byte', async () => {
    const trees = [join(folder, 'one'), join(folder, 'two')];
    for (const [index, tree] of trees.entries()) {
      const args = ['create', tree, 'git', 'gtk+3', '--cask', 'firefox,docker-desktop,google-chrome'];
      const more = ['--linux-app', 'obsidian', '--allow-unchecked', '--with-vulns', '--full-index'];
      const rest = ['--jobs', String(1 + 15 * index), '--upstream', server.origin];
      const { status, stderr } = await commandLine([...args, ...more, ...rest], {
        ...environment,
        SOURCE_DATE_EPOCH: '1795500000',
      });
      expect([status, stderr]).toEqual([0, expect.any(String)]);
    }
    const [one, two] = await Promise.all(trees.map(contentOf));
    expect(one?.size).toBeGreaterThan(40);
    expect(one).toEqual(two);
  });
});

/** Returns the SHA-256 of every file of a tree, by its path. */
async function contentOf(tree: string): Promise<Map<string, string>> {
  const files = (await readdir(tree, { recursive: true, withFileTypes: true })).filter((entry) =>
    entry.isFile(),
  );
  const paths = files.map(({ parentPath, name }) => relative(tree, join(parentPath, name))).sort();
  const digests = paths.map(async (path) => [path, sha256Hex(await readFile(join(tree, path)))] as const);
  return new Map(await Promise.all(digests));
}

describe('a create that is killed', () => {
  test('continues where it stopped when it is run again, and verifies', { tags: 'long' }, async () => {
    const mirror = join(folder, 'killed');
    const args = ['create', mirror, '--all', '--all-platforms', '--jobs', '2', '--upstream', server.origin];
    const incoming = join(mirror, '.stout-mirror', 'incoming');
    const complete = async () =>
      (await readdir(incoming).catch(() => [])).filter((name) => /^[0-9a-f]{64}$/.test(name)).length;
    const child = spawn(process.execPath, [MAIN, ...args], { env: { ...process.env, ...environment } });
    while ((await complete()) < 40 && child.exitCode === null) await sleep(2);
    child.kill('SIGKILL');
    expect(await once(child, 'exit')).toEqual([null, 'SIGKILL']);
    const before = await complete();
    const blobs = () => server.requests.filter(({ url, status }) => isDownload(url) && status === 200).length;
    server.requests.length = 0;
    const { status, stdout } = await run(...args, '--json');
    expect(status).toBe(0);
    const { downloaded, files } = JSON.parse(stdout);
    expect(blobs()).toBe(downloaded.files);
    // The two that were under way may be fetched again; nothing else is.
    const packages =
      (await readdir(join(mirror, 'bottles'))).length + (await readdir(join(mirror, 'casks'))).length;
    expect(downloaded.files).toBeGreaterThanOrEqual(packages - before - 4);
    expect(downloaded.files).toBeLessThanOrEqual(packages - before + 2);
    expect(files).toBeGreaterThan(packages);
    expect((await run('verify', mirror)).status).toBe(0);
  });
});

/** What is delivered, rather than redirected to. */
const isDownload = (url: string): boolean => url.startsWith('/downloads/') || url.includes('sig=');
