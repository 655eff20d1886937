import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readContents } from '../../builder/directory/mirror.ts';
import { serveDirectory } from '../../builder/serve.ts';
import { blobName } from '../../format/layout.ts';
import { formatSecretKey } from '../../format/minisign/secret-key.ts';
import { commandLine } from '../support/command-line.ts';
import { TEST_KEY } from '../support/keys.ts';
import { copyMirror, makeMirror, REQUEST } from '../support/mirror.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { makeBrewMirror } from './homebrew/sample.ts';
import { sha256, type TestFormula, writeUpstream } from './upstream.ts';

const folder = await temporaryFolder();
const environment = {
  MIRROR_SIGNING_KEY: await formatSecretKey(TEST_KEY),
  XDG_CACHE_HOME: join(folder, 'cache'),
};
const trusted = [TEST_KEY.publicKey];
let made = 0;

const run = (...args: string[]) => commandLine(args, environment);

/** Runs a verb that must succeed. */
async function done(...args: string[]) {
  const ended = await run(...args);
  expect(ended, `${args.join(' ')}\n${ended.stderr}`).toMatchObject({ status: 0 });
  return ended;
}

const BAD: TestFormula = { name: 'bad', version: '2.0', bottle: 'bad 2.0', aliases: ['wicked'] };
const GOOD: TestFormula = { name: 'good', bottle: 'good' };
/** Its name begins with that of the bad one. */
const LONGER: TestFormula = { name: 'bad-not', version: '9', bottle: 'not bad' };
const NEEDY: TestFormula = { name: 'needy', runtime: ['wicked'], bottle: 'needy' };

/** A mirror of these formulas, in which `bad` had an earlier version, and its upstream. */
async function world(...formulas: TestFormula[]) {
  const place = join(folder, String(++made));
  const [directory, upstream] = [join(place, 'mirror'), join(place, 'upstream')];
  const from = ['--upstream', upstream];
  const publish = async (...now: TestFormula[]): Promise<void> => {
    await rm(upstream, { recursive: true, force: true });
    await writeUpstream(upstream, { formulas: now });
  };
  const names = formulas.map(({ name }) => name);
  await publish({ ...BAD, version: '1.0', bottle: 'bad 1.0' }, ...formulas.filter((item) => item !== BAD));
  await done('create', directory, ...names, ...from, '--platforms', 'sonoma');
  await publish(...formulas);
  await done('update', directory, ...from);
  return { directory, from, publish };
}

const bottle = (name: string, version: string): string => `bottles/${name}-${version}.all.bottle.tar.gz`;

async function packagesIn(directory: string): Promise<string[]> {
  const { stdout } = await done('info', directory, '--json');
  return JSON.parse(stdout).packages.map(({ name, version }: Record<string, string>) => `${name} ${version}`);
}

describe('withdraw', () => {
  test('drops the names and the content of all versions at once, and nothing else', async () => {
    const { directory } = await world(BAD, GOOD, LONGER);
    // What grace and prune have left of a version before that.
    await writeFile(join(directory, bottle('bad', '0.9')), 'bad 0.9');
    const before = await readContents(directory);
    const { stdout } = await done('withdraw', directory, 'bad');
    expect(stdout).toContain('Withdrew bad 2.0');
    expect((await readdir(join(directory, 'bottles'))).sort()).toEqual(
      [bottle('bad-not', '9'), bottle('good', '1.0')].map((path) => path.slice('bottles/'.length)),
    );
    expect(await packagesIn(directory)).toEqual(['bad-not 9', 'good 1.0']);
    const after = await readContents(directory);
    const names = after?.entries.map(({ name, path }) => `${name} ${path}`).join('\n') ?? '';
    for (const content of ['bad 1.0', 'bad 2.0']) expect(names).not.toContain(sha256(content));
    expect(names).not.toMatch(/\/bad(-[\d.]|\.json)/);
    const staying = before?.entries.filter(({ name }) => /bottles\/(good|bad-not)/.test(name));
    expect(after?.entries).toEqual(expect.arrayContaining(staying ?? []));
    await done('verify', directory);
    const { snapshot } = after ?? expect.unreachable();
    expect((await done('withdraw', directory, 'bad')).stdout).toContain('Nothing to do');
    expect((await readContents(directory))?.snapshot.version).toBe(snapshot.version);
  });

  test('when it is interrupted in its commit, the same command finishes it', async () => {
    const { directory } = await world(BAD, GOOD);
    const path = join(directory, bottle('bad', '2.0'));
    await rm(path);
    await mkdir(join(path, 'in-the-way'), { recursive: true });
    expect((await run('withdraw', directory, 'bad')).status).toBe(1);
    await rm(path, { recursive: true });
    await done('withdraw', directory, 'bad');
    expect(await packagesIn(directory)).toEqual(['good 1.0']);
    await done('verify', directory);
  });

  test('serve answers 404 for every name of it, the moment that the verb ends', async () => {
    const { directory } = await world(BAD, GOOD);
    const server = await serveDirectory({
      ...{ directory, trusted, host: '127.0.0.1', port: 0, clock: () => new Date() },
    });
    const statuses = (paths: string[]): Promise<number[]> =>
      Promise.all(paths.map(async (path) => (await fetch(`${server.origin}/${path}`)).status));
    const gone = [
      ...[bottle('bad', '2.0'), bottle('bad', '1.0'), 'index/formulas/data/b/bad.json.zst'],
      ...[`${blobName(sha256('bad 2.0'))}/x`, `${blobName(sha256('bad 1.0'))}/x`, 'api/v1/packages/bad'],
    ];
    const stays = [
      bottle('good', '1.0'),
      `${blobName(sha256('good'))}/x`,
      'index/formulas/data/g/good.json.zst',
    ];
    try {
      expect(await statuses([...gone, ...stays])).toEqual([...gone, ...stays].map(() => 200));
      await done('withdraw', directory, 'bad');
      expect(await statuses(gone)).toEqual(gone.map(() => 404));
      expect(await statuses(stays)).toEqual(stays.map(() => 200));
    } finally {
      await server.close();
    }
  });

  test('what was withdrawn does not come back by itself; its next version does', async () => {
    const { directory, from, publish } = await world(BAD, GOOD, NEEDY);
    await done('withdraw', directory, 'wicked', '--force');
    for (const again of [
      ['update', directory],
      ['update', directory, 'needy'],
      ['create', directory, 'bad', 'good', 'needy', '--platforms', 'sonoma'],
      ['create', directory, '--force'],
      ['create', directory, '--all', '--platforms', 'sonoma'],
    ]) {
      const { stderr } = await done(...again, ...from);
      expect(stderr).toContain('bad: this version was withdrawn');
      expect(await packagesIn(directory)).toEqual(['good 1.0', 'needy 1.0']);
    }
    const fixed = { ...BAD, version: '2.1', bottle: 'bad 2.1' };
    await publish(fixed, GOOD, NEEDY);
    await done('update', directory, ...from);
    expect(await packagesIn(directory)).toEqual(['bad 2.1', 'good 1.0', 'needy 1.0']);
    // A version that was withdrawn stays so after a later one has come.
    await publish(BAD, GOOD, NEEDY);
    await done('create', directory, 'bad', 'good', '--platforms', 'sonoma', ...from);
    expect(await packagesIn(directory)).not.toContain('bad 2.0');
    await done('create', directory, '--force', 'bad', ...from);
    expect(await packagesIn(directory)).toContain('bad 2.0');
    await done('create', directory, 'bad', ...from, '--platforms', 'sonoma');
    expect(await packagesIn(directory)).toEqual(['bad 2.0']);
  });

  test('a name of two kinds means the formula, and the cask only if --cask says so', async () => {
    const [directory, upstream] = [join(folder, 'twins'), join(folder, 'twins-upstream')];
    await writeUpstream(upstream, { formulas: [BAD, GOOD], casks: [{ token: 'bad' }] });
    const from = ['--upstream', upstream, '--platforms', 'sonoma'];
    await done('create', directory, 'bad', 'good', '--cask', 'bad', ...from);
    // The second time it finds the formula gone, and must not turn to the cask.
    for (const words of ['Withdrew bad 2.0', 'Nothing to do']) {
      const { stdout, stderr } = await done('withdraw', directory, 'bad');
      expect([stdout, stderr]).toEqual([
        expect.stringContaining(words),
        expect.stringContaining('The cask bad stays: name it with --cask bad to withdraw it.'),
      ]);
      expect(stdout.includes('signed until')).toBe(words.startsWith('Withdrew'));
    }
    expect(await packagesIn(directory)).toEqual(['bad 1.0', 'good 1.0']);
    expect((await run('withdraw', directory)).status).toBe(2);
    expect((await run('withdraw', directory, '--cask', 'good')).status).toBe(2);
    await done('withdraw', directory, '--cask', 'bad');
    expect(await packagesIn(directory)).toEqual(['good 1.0']);
    await done('verify', directory);
  });

  test('when other packages need it, refuses and names them; with --force, they stay', async () => {
    const { directory } = await world(BAD, GOOD, NEEDY);
    const refused = await run('withdraw', directory, 'bad');
    expect([refused.status, refused.stderr]).toEqual([1, expect.stringMatching(/needy cannot be installed/)]);
    expect(await packagesIn(directory)).toContain('bad 2.0');
    const { stderr } = await done('withdraw', directory, 'bad', '--force');
    expect(stderr).toContain('cannot be installed from here: needy');
    await done('verify', directory);
  });

  test('when casks need it, a formula or a cask, refuses and names them', async () => {
    const directory = join(folder, 'casks');
    await makeMirror(directory, {
      request: { ...REQUEST, packages: [], casks: ['neovide-app', 'veracrypt'] },
    });
    for (const [name, needy] of [
      ['neovim', 'neovide-app'],
      ['macfuse', 'veracrypt'],
    ] as const) {
      const { status, stderr } = await run('withdraw', directory, name);
      expect([status, stderr]).toEqual([1, expect.stringContaining(`${needy} cannot be installed`)]);
    }
  });

  test('together with what needs it, or as the only package, it goes without --force', async () => {
    const { directory } = await world(BAD, NEEDY);
    await done('withdraw', directory, 'bad', 'needy');
    expect(await packagesIn(directory)).toEqual([]);
    await done('verify', directory);
  });

  test('a file of another package whose name only begins alike stays, though nothing lists it', async () => {
    const { directory, from } = await world(BAD, GOOD, LONGER);
    await done('create', directory, 'bad', 'good', '--platforms', 'sonoma', ...from);
    await done('withdraw', directory, 'bad');
    const left = [bottle('bad-not', '9'), bottle('good', '1.0')].map((path) => path.slice('bottles/'.length));
    expect((await readdir(join(directory, 'bottles'))).sort()).toEqual(left);
    await done('verify', directory);
  });

  test('what was dropped from the mirror before, and is in its grace period, can be withdrawn too', async () => {
    const { directory, from } = await world(BAD, GOOD);
    await done('create', directory, 'good', '--platforms', 'sonoma', ...from);
    expect(await readdir(join(directory, 'bottles'))).toHaveLength(3);
    await done('withdraw', directory, 'bad');
    expect(await readdir(join(directory, 'bottles'))).toHaveLength(1);
    await done('verify', directory);
    const { stderr } = await done('create', directory, '--all', '--platforms', 'sonoma', ...from);
    expect(stderr).toContain('bad: this version was withdrawn');
  });

  test('a name that the mirror does not have is an error, with near names, and changes nothing', async () => {
    const { directory } = await world(BAD, GOOD);
    const { status, stderr } = await run('withdraw', directory, 'god');
    expect([status, stderr]).toEqual([2, expect.stringMatching(/no package "god".*good/)]);
  });

  test('a damaged file of another package is no obstacle', async () => {
    const { directory } = await world(BAD, GOOD);
    await writeFile(join(directory, bottle('good', '1.0')), 'rotten');
    await done('withdraw', directory, 'bad');
    expect((await run('verify', directory)).stdout).toContain('good-1.0');
  });
});

describe('withdraw, of the sample', () => {
  test('a cask, a Linux app and a formula with advisories go, each with all of its files', async () => {
    const directory = join(folder, 'kinds');
    const request = { ...REQUEST, packages: ['jq', 'xz'], linux_apps: ['obsidian'], unchecked: true };
    await makeMirror(directory, { request });
    await done('withdraw', directory, 'firefox', 'jq', 'obsidian');
    const { stdout } = await done('info', directory, '--json');
    const names = JSON.parse(stdout).packages.map(({ name }: { name: string }) => name);
    expect(names).toEqual(expect.arrayContaining(['visual-studio-code', 'xz']));
    expect(names.filter((name: string) => ['jq', 'firefox', 'obsidian'].includes(name))).toEqual([]);
    const left = [
      ...(await readdir(join(directory, 'casks'))),
      ...(await readdir(join(directory, 'linux-apps'))),
    ];
    expect(left.filter((name) => !name.startsWith('visual-studio-code'))).toEqual([]);
    expect(await readdir(join(directory, 'index'))).not.toContain('linux-apps.db');
    await done('verify', directory);
  });

  test('what brew asks for goes as well, and the verb says what brew then does', async () => {
    const original = join(folder, 'brew-original');
    const directory = join(folder, 'brew');
    await makeBrewMirror(original);
    await copyMirror(original, directory);
    const { stderr } = await done('withdraw', directory, 'jq');
    expect(stderr).toContain('ghcr.io');
    const names = (await readContents(directory))?.entries.map(({ name }) => name) ?? [];
    expect(names.filter((name) => /^bottles\/jq[-/]/.test(name))).toEqual([]);
    expect(names.some((name) => name.startsWith('bottles/wget/manifests/'))).toBe(true);
    await done('verify', directory);
    await makeBrewMirror(directory);
    const later = (await readContents(directory))?.entries.map(({ name }) => name) ?? [];
    expect(later.filter((name) => /^bottles\/jq[-/]/.test(name))).toEqual([]);
    await done('verify', directory);
  });
});
