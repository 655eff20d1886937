import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { basename, delimiter, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { linksOf } from '../docs/pages/markdown.ts';
import { type Ended, needs, runProgram } from '../support/programs.ts';
import { temporaryFolder } from '../support/temporary.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
/** Bytes of JavaScript that a start without a verb may read. Libraries belong to the verbs that need them. */
const MOST = 300_000;

const folder = await temporaryFolder();
const home = join(folder, 'home');
const installed = join(folder, 'installed', 'node_modules', 'stout-mirror');

/** Runs a program as a user with Node 24, npm, and nothing of ours. */
function run(file: string, args: readonly string[], cwd: string): Promise<Ended> {
  const path = `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ''}`;
  return runProgram(
    file,
    args,
    {
      ...{ PATH: path, HOME: home, npm_config_cache: join(folder, 'npm-cache'), npm_config_offline: 'true' },
      ...{ XDG_CONFIG_HOME: '', XDG_CACHE_HOME: '', XDG_STATE_HOME: '', MIRROR_SIGNING_KEY: '' },
    },
    cwd,
  );
}

const stoutMirror = (...args: string[]): Promise<Ended> =>
  run(join(folder, 'installed', 'node_modules', '.bin', 'stout-mirror'), args, folder);

async function done(ended: Promise<Ended>): Promise<string> {
  const { status, stdout, stderr } = await ended;
  expect([status, status === 0 ? '' : stderr]).toEqual([0, '']);
  return stdout;
}

/** Packing writes dist/, so it happens in a copy of the source tree. */
async function copyOfProject(): Promise<string> {
  const copy = join(folder, 'project');
  const left = ['node_modules', '.git', 'dist', '.wrangler'];
  await cp(PROJECT, copy, { recursive: true, filter: (path) => !left.includes(basename(path)) });
  await symlink(join(PROJECT, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}

describe('the package that npm pack makes', needs('npm'), () => {
  let files: string[] = [];

  beforeAll(async () => {
    const target = join(folder, 'installed');
    await mkdir(target);
    const packed = await done(
      run('npm', ['pack', '--silent', '--pack-destination', folder], await copyOfProject()),
    );
    const tarball = join(folder, packed.trim().split('\n').at(-1) ?? '');
    await done(run('npm', ['install', '--no-audit', '--no-fund', tarball], target));
    files = await readdir(installed, { recursive: true });
  });

  test('installs without a registry, alone, with no source and with the licences of what is in it', async () => {
    expect(await readdir(dirname(installed))).toEqual(['.bin', '.package-lock.json', 'stout-mirror']);
    expect(files.filter((name) => name.endsWith('.ts'))).toEqual([]);
    expect(files).toEqual(expect.arrayContaining(['README.md', 'LICENSE', 'CHANGELOG.md', 'SECURITY.md']));
    const licenses = await readFile(join(installed, 'dist', 'THIRD-PARTY-LICENSES.txt'), 'utf8');
    for (const name of ['commander', '@noble/ed25519', 'hono', 'undici']) {
      expect(licenses).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\(MIT\\)$`, 'm'));
    }
  });

  test('has every file that its documents link to', async () => {
    const pages = files.filter((name) => name.endsWith('.md'));
    expect(pages.length).toBeGreaterThan(30);
    const links = pages.map(async (page) => {
      const text = await readFile(join(installed, page), 'utf8');
      return linksOf(text).map((link) => join(dirname(page), link.replace(/#.*$/s, '')));
    });
    const targets = new Set((await Promise.all(links)).flat());
    expect([...targets].filter((target) => !existsSync(join(installed, target)))).toEqual([]);
  });

  test('knows its version, which is in package.json alone', async () => {
    const { version } = JSON.parse(await readFile(join(PROJECT, 'package.json'), 'utf8'));
    expect(await done(stoutMirror('--version'))).toBe(`${version}\n`);
  });

  test('loads for --help only what help needs', async () => {
    let bytes = 0;
    const seen = new Set<string>();
    const visit = async (name: string): Promise<void> => {
      if (seen.has(name)) return;
      seen.add(name);
      const path = join(installed, 'dist', name);
      bytes += (await stat(path)).size;
      const source = await readFile(path, 'utf8');
      for (const [, next = ''] of source.matchAll(/(?:from|^import) "\.\/([^"]+)";$/gm)) await visit(next);
    };
    await visit('main.js');
    // It sets up the heap before it loads the program, whose verbs are loaded when they run.
    const main = await readFile(join(installed, 'dist', 'main.js'), 'utf8');
    for (const [, next = ''] of main.matchAll(/await import\("\.\/([^"]+)"\)/g)) await visit(next);
    expect(seen.size).toBeGreaterThan(3);
    expect(bytes).toBeLessThan(MOST);
  });

  test('makes a key, a mirror and a configuration, and proves the mirror', async () => {
    expect(await done(stoutMirror('keygen'))).toMatch(/^RW/m);
    await writeFile(join(folder, 'Brewfile'), 'brew "jq"\ncask "firefox"\n');
    const create = ['create', 'my-mirror', '--from-brewfile', 'Brewfile', '--upstream', inject('upstream')];
    await done(stoutMirror(...create));
    expect(await done(stoutMirror('verify', 'my-mirror'))).toContain('OK:');
    expect(await done(stoutMirror('config', 'https://mirror.example.com'))).toContain('require_signature');
    const manifest = JSON.parse(await readFile(join(folder, 'my-mirror', 'manifest.json'), 'utf8'));
    expect(manifest.generator.name).toBe('stout-mirror');
  });

  test('serves it, as the edge does', async () => {
    const bin = join(installed, 'bin', 'stout-mirror.js');
    const server = spawn(process.execPath, [bin, 'serve', 'my-mirror', '--port', '0'], {
      cwd: folder,
      env: { PATH: process.env.PATH ?? '', HOME: home },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(server, 'exit');
    const [line] = await once(createInterface(server.stdout), 'line');
    const origin = /http:\S+(?=\/)/.exec(line)?.[0];
    expect(await done(stoutMirror('verify', origin ?? line))).toContain('OK:');
    server.kill('SIGINT');
    expect((await ended)[0]).toBe(0);
  });

  test('says what it needs when Node is too old', async () => {
    const old = 'data:text/javascript,Object.defineProperty(process,"versions",{value:{node:"22.9.0"}})';
    const args = ['--import', old, join(installed, 'bin', 'stout-mirror.js'), '--version'];
    const { status, stderr } = await run(process.execPath, args, folder);
    expect([status, stderr]).toEqual([1, expect.stringContaining('Node 24 or newer is needed')]);
  });
});
