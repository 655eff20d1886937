import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { filesBelow, readManifest } from '../../builder/directory/mirror.ts';
import { type SampleServer, startSampleServer } from '../../scripts/sample/server.ts';
import { commandLine } from '../support/command-line.ts';
import { type Ended, MAIN, runProgram } from '../support/programs.ts';
import { temporaryFolder } from '../support/temporary.ts';

/**
 * The lines that stout's documentation and help have for `stout mirror`, word for word, each in an empty folder. A shell
 * splits them into words as a user's does. Only two things are filled in: `new-package`, and the upstream of verbs that
 * ask one.
 */
const folder = await temporaryFolder();
const HOME = join(folder, 'home');
const WITH_UPSTREAM = ['create', 'update', 'outdated'];
const environment = {
  ...{ HOME, HOMEBREW_PREFIX: join(HOME, 'brew'), MIRROR_SIGNING_KEY: '' },
  ...{ XDG_CONFIG_HOME: '', XDG_CACHE_HOME: '', XDG_STATE_HOME: '' },
};
let server: SampleServer;
let folders = 0;

beforeAll(async () => {
  server = await startSampleServer(inject('upstream'), { port: 0 });
  await writeHome();
});
afterAll(() => server.close());

/** A home with packages that stout and Homebrew installed. */
async function writeHome(): Promise<void> {
  const keg = join(HOME, 'brew', 'Cellar', 'lz4', '1.10.0');
  await mkdir(join(HOME, '.stout', 'state'), { recursive: true });
  await mkdir(keg, { recursive: true });
  const installed =
    '[packages.jq]\nversion = "1.7.1"\nrequested = true\n[packages.oniguruma]\nversion = "6.9.10"\nrequested = false\n';
  await writeFile(join(HOME, '.stout', 'state', 'installed.toml'), installed);
  await writeFile(join(keg, 'INSTALL_RECEIPT.json'), JSON.stringify({ installed_on_request: true }));
}

interface Place {
  path: string;
  /** Runs `stout-mirror …` in the place, in this process. */
  run(line: string, more?: Record<string, string>): Promise<Ended>;
}

async function newPlace(): Promise<Place> {
  const path = join(folder, `place-${++folders}`);
  await mkdir(path);
  await writeFile(join(path, 'approved-packages.txt'), 'jq\nwget\n');
  await writeFile(join(path, 'Brewfile'), 'tap "homebrew/cask"\nbrew "jq", link: false\ncask "firefox"\n');
  const run = async (line: string, more: Record<string, string> = {}): Promise<Ended> => {
    const [verb = '', ...rest] = await wordsOf(line, path);
    const upstream = WITH_UPSTREAM.includes(verb) ? ['--upstream', server.origin] : [];
    const before = process.cwd();
    process.chdir(path);
    try {
      // What is remembered belongs to the place: mirrors that one key begins in the same second have the same id.
      const own = { ...environment, XDG_STATE_HOME: join(path, '.state') };
      return await commandLine([verb, ...rest, ...upstream], { ...own, ...more });
    } finally {
      process.chdir(before);
    }
  };
  return { path, run };
}

/** Runs a line with a pipe: as a process. */
const piped = (line: string, path: string): Promise<Ended> => {
  const script = `stout-mirror() { "${process.execPath}" "${MAIN}" "$@" --upstream "${server.origin}"; }\nstout-mirror ${line}`;
  return runProgram('bash', ['-ec', script], environment, path);
};

/** The arguments that a shell in `path` would pass on. */
async function wordsOf(line: string, path: string): Promise<string[]> {
  const script = `stout-mirror() { printf '%s\\0' "$@"; }\n${line}`;
  const { status, stdout, stderr } = await runProgram('bash', ['-ec', script], {}, path);
  expect([status, stderr]).toEqual([0, '']);
  return stdout.split('\0').slice(0, -1);
}

async function done(ended: Promise<Ended>): Promise<string> {
  const { status, stdout, stderr } = await ended;
  expect(stderr + stdout).not.toContain('    at ');
  expect([status, status === 0 ? '' : stderr]).toEqual([0, '']);
  return stdout;
}

const JQ = ['jq', 'oniguruma'];
const WGET = ['ca-certificates', 'gettext', 'libidn2', 'libunistring', 'openssl@3', 'pkgconf', 'wget'];
const CURL = ['brotli', 'ca-certificates', 'curl', 'libnghttp2', 'zstd'];

/** Formulas of a mirror, its casks, its Linux apps and its bottles' file names. */
async function contentsOf(directory: string) {
  const manifest = await readManifest(directory);
  return {
    formulas: Object.keys(manifest.formulas.packages),
    casks: Object.keys(manifest.casks.packages),
    linuxApps: Object.keys(manifest.linux_apps.packages),
    tags: manifest.platforms,
    bottles: (await filesBelow(directory, 'bottles')).map((path) => basename(path)),
  };
}

const HOST = process.arch === 'arm64' ? 'arm64_linux' : 'x86_64_linux';

describe('create', () => {
  test.each<
    [
      line: string,
      expected: { has: string[]; lacks?: string[]; casks?: string[]; apps?: string[]; tags?: string[] },
    ]
  >([
    ['create ./my-mirror jq curl wget', { has: [...JQ, ...CURL, ...WGET] }],
    ['create ./my-mirror python@3.11', { has: ['python@3.11', 'openssl@3', 'readline', 'sqlite', 'xz'] }],
    [
      'create ./my-mirror \\\n git \\\n python@3.11 \\\n node@20 \\\n rust \\\n go \\\n jq \\\n curl \\\n wget \\\n vim \\\n neovim',
      { has: ['git', 'python@3.11', 'node@20', 'rust', 'go', 'jq', 'curl', 'wget', 'vim', 'neovim'] },
    ],
    ['create ./my-mirror jq curl wget git python@3.11 node@20', { has: ['icu4c@77', 'git'] }],
    ['create ./my-mirror $(cat approved-packages.txt)', { has: [...JQ, ...WGET] }],
    ['create ./my-mirror --all-installed', { has: [...JQ, 'lz4'], lacks: ['wget'] }],
    ['create ./my-mirror --from-brewfile ./Brewfile', { has: JQ, casks: ['firefox'] }],
    [
      'create ./my-mirror --cask firefox --cask visual-studio-code',
      { has: [], casks: ['firefox', 'visual-studio-code'] },
    ],
    ['create ./my-mirror --cask firefox jq', { has: JQ, casks: ['firefox'] }],
    ['create ./my-mirror --linux-app obsidian --allow-unchecked', { has: [], apps: ['obsidian'] }],
    [
      'create ./my-mirror jq --platforms arm64_sonoma,x86_64_linux',
      { has: JQ, tags: ['arm64_sonoma', 'x86_64_linux'] },
    ],
    [
      'create ./my-mirror jq --platforms=arm64_sonoma --platforms x86_64_linux',
      { has: JQ, tags: ['arm64_sonoma', 'x86_64_linux'] },
    ],
    [
      'create ./my-mirror --arch arm64 --os monterey python@3.11',
      { has: ['python@3.11'], tags: ['arm64_monterey'] },
    ],
    ['create ./my-mirror --no-dev-deps neovim', { has: ['neovim', 'luv'], lacks: ['cmake'] }],
    ['create ./my-mirror jq --no-deps', { has: ['jq'], lacks: ['oniguruma'] }],
    ['create "file://$PWD/my-mirror" jq', { has: JQ }],
  ])('stout-mirror %s', async (line, { has, lacks = [], casks = [], apps = [], tags = [HOST] }) => {
    const { path, run } = await newPlace();
    await done(run(`stout-mirror ${line}`));
    const found = await contentsOf(join(path, 'my-mirror'));
    expect(found.formulas).toEqual(expect.arrayContaining(has));
    expect(found.formulas.filter((name) => lacks.includes(name))).toEqual([]);
    expect([found.casks, found.linuxApps, found.tags]).toEqual([casks, apps, tags]);
    const wanted = has.filter((name) => !found.bottles.some((file) => file.startsWith(`${name}-`)));
    expect(wanted).toEqual([]);
    expect(await done(run('stout-mirror verify ./my-mirror'))).toContain('OK:');
  });

  test('stout-mirror create ./my-mirror jq --all-platforms', async () => {
    const { path, run } = await newPlace();
    await done(run('stout-mirror create ./my-mirror jq --all-platforms'));
    const { tags, bottles } = await contentsOf(join(path, 'my-mirror'));
    expect(tags).toEqual(expect.arrayContaining(['arm64_sonoma', 'arm64_linux', 'monterey', 'tahoe']));
    expect(bottles.filter((name) => name.startsWith('jq-')).length).toBeGreaterThan(5);
  });

  test('stout-mirror create ./my-mirror jq --dry-run', async () => {
    const { path, run } = await newPlace();
    expect(await done(run('stout-mirror create ./my-mirror jq --dry-run'))).toContain('Would fetch 2 files');
    expect(await readdir(path)).not.toContain('my-mirror');
  });

  test('a list of the approved packages, weekly: create --packages-file, then --from last month', async () => {
    const { path, run } = await newPlace();
    await done(piped('create ./mirror-2026-05 --packages-file - < approved-packages.txt', path));
    server.requests.length = 0;
    const line = 'create ./mirror-2026-06 \\\n --from ./mirror-2026-05 \\\n $(cat approved-packages.txt)';
    expect(await done(run(`stout-mirror ${line}`))).toContain('Fetched 0 files');
    expect(server.requests.filter(({ url }) => url.startsWith('/v2/'))).toEqual([]);
    await done(run('stout-mirror create ./new-mirror --from ./mirror-2026-06'));
    expect(await contentsOf(join(path, 'new-mirror'))).toEqual(
      await contentsOf(join(path, 'mirror-2026-05')),
    );
    await done(run('stout-mirror verify ./new-mirror'));
  });
});

describe('a mirror that exists', () => {
  test('create --update, create --force, info, outdated, update, prune, verify', async () => {
    const { path, run } = await newPlace();
    const mirror = join(path, 'my-mirror');
    await done(run('stout-mirror create ./my-mirror jq'));
    await done(run('stout-mirror create ./my-mirror --update lz4'));
    expect((await contentsOf(mirror)).formulas).toEqual(['jq', 'lz4', 'oniguruma']);
    expect(await done(run('stout-mirror create ./my-mirror --force jq'))).toContain('Fetched 1 file ');
    const info = await done(run('stout-mirror info ./my-mirror'));
    expect(info).toMatch(/Created +20\d\d-/);
    expect(info).toMatch(/\n +jq +1\.7\.1\n/);
    expect(JSON.parse(await done(run('stout-mirror info ./my-mirror --json')))).toMatchObject({
      files: expect.any(Number),
    });
    expect(await done(run('stout-mirror outdated ./my-mirror'))).toContain('newest version');
    expect(JSON.parse(await done(run('stout-mirror outdated ./my-mirror --json')))).toMatchObject({
      changes: [],
    });
    await done(run('stout-mirror update ./my-mirror'));
    await done(run('stout-mirror update ./my-mirror jq wget'));
    await done(run('stout-mirror update ./my-mirror --from-brewfile Brewfile'));
    await done(run('stout-mirror update ./my-mirror --dry-run'));
    expect(await contentsOf(mirror)).toMatchObject({
      formulas: [...new Set([...JQ, ...WGET, 'lz4'])].sort(),
      casks: ['firefox'],
    });
    expect(await done(run('stout-mirror prune ./my-mirror'))).toContain('Removed 0 files');
    expect(await done(run('stout-mirror prune ./my-mirror --keep=2'))).toContain('Removed 0 files');
    expect(await done(run('stout-mirror prune ./my-mirror --dry-run'))).toContain('Would remove');
    await done(run('stout-mirror verify ./my-mirror'));
    await cp(mirror, join(path, 'usb'), { recursive: true });
    await done(run('stout-mirror verify ./usb'));
  });

  test('a damaged bottle is found by verify and mended by create --force', async () => {
    const { path, run } = await newPlace();
    await done(run('stout-mirror create ./my-mirror jq'));
    const bottle = join(path, 'my-mirror', 'bottles', `jq-1.7.1.${HOST}.bottle.tar.gz`);
    await writeFile(bottle, 'rotten');
    const { status, stdout } = await run('stout-mirror verify ./my-mirror');
    expect([status, stdout]).toEqual([1, expect.stringContaining(`jq-1.7.1.${HOST}.bottle.tar.gz`)]);
    await done(run('stout-mirror create ./my-mirror --force jq'));
    await done(run('stout-mirror verify ./my-mirror'));
    expect((await readFile(bottle)).length).toBeGreaterThan(1000);
  });

  test('an expired signature is renewed without a network', async () => {
    const { run } = await newPlace();
    const yesterday = String(Math.floor(Date.now() / 1000) - 86_400);
    const line = 'stout-mirror create ./my-mirror jq --valid-for 1h';
    await done(run(line, { SOURCE_DATE_EPOCH: yesterday }));
    const expired = await run('stout-mirror verify ./my-mirror');
    expect([expired.status, expired.stdout]).toEqual([3, expect.stringContaining('expired')]);
    server.requests.length = 0;
    await done(run('stout-mirror sign ./my-mirror --valid-for 30d'));
    await done(run('stout-mirror verify ./my-mirror'));
    expect(server.requests).toEqual([]);
  });
});
