import { existsSync } from 'node:fs';
import { chmod, glob, mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, inject, test } from 'vitest';
import { needs, runProgram, stoutMirror } from '../support/programs.ts';
import { temporaryFolder } from '../support/temporary.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string): Promise<string> => readFile(join(PROJECT, path), 'utf8');
const folder = await temporaryFolder();

/** Instructions of a container file with their arguments, continued lines joined. */
function instructionsOf(text: string): [instruction: string, rest: string][] {
  const lines = text
    .replaceAll(/^\s*#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, '')
    .trim()
    .split(/\n+/);
  return lines.map((line) => [line.split(' ', 1)[0] ?? '', line.slice(line.indexOf(' ') + 1)]);
}

describe('the container file', async () => {
  const instructions = instructionsOf(await read('packaging/Containerfile'));
  const all = (name: string): string[] =>
    instructions.filter(([instruction]) => instruction === name).map(([, rest]) => rest);

  test('has instructions that there are, and JSON where JSON is meant', () => {
    const known = ['FROM', 'COPY', 'RUN', 'USER', 'EXPOSE', 'HEALTHCHECK', 'ENTRYPOINT', 'CMD'];
    expect(instructions.map(([instruction]) => instruction).filter((name) => !known.includes(name))).toEqual(
      [],
    );
    for (const form of [...all('ENTRYPOINT'), ...all('CMD'), ...all('HEALTHCHECK')]) {
      expect(JSON.parse(form.slice(form.indexOf('[')))).toEqual(expect.any(Array));
    }
  });

  test('runs on the Node that package.json asks for, and as nobody special', async () => {
    const { engines } = JSON.parse(await read('package.json'));
    expect(all('FROM')).toEqual([`docker.io/library/node:${engines.node.replace('>=', '')}-slim`]);
    const names = instructions.map(([instruction]) => instruction);
    expect(all('USER')).toEqual(['node']);
    expect(names.indexOf('USER')).toBeGreaterThan(
      Math.max(names.lastIndexOf('RUN'), names.lastIndexOf('COPY')),
    );
  });

  test('copies what .dockerignore lets through and what exists once npm has packed', async () => {
    const sources = all('COPY').map((rest) => rest.split(' ')[0] ?? '');
    const let_through = (await read('.dockerignore')).match(/(?<=^!).+/gm) ?? [];
    expect(let_through.sort()).toEqual(sources.sort());
    for (const source of sources)
      if (!source.endsWith('.tgz')) expect(existsSync(join(PROJECT, source))).toBe(true);
  });

  test('serves on the port that it exposes', () => {
    const [command = ''] = all('CMD');
    expect(JSON.parse(command)).toEqual([
      'serve',
      '/mirror',
      '--host',
      '0.0.0.0',
      '--port',
      all('EXPOSE')[0],
    ]);
  });

  test('trusts the keys in TRUST', async () => {
    await mkdir(join(folder, 'bin'));
    await writeFile(join(folder, 'bin', 'stout-mirror'), '#!/bin/sh\nprintf "%s\\n" "$@"\n');
    await chmod(join(folder, 'bin', 'stout-mirror'), 0o755);
    const entrypoint = join(PROJECT, 'packaging/container-entrypoint.sh');
    const environment = { PATH: `${join(folder, 'bin')}${delimiter}${process.env.PATH}`, TRUST: 'RWa RWb' };
    const serve = await runProgram(entrypoint, ['serve', '/mirror'], environment);
    expect(serve.stdout).toBe('serve\n/mirror\n--trust\nRWa\n--trust\nRWb\n');
    expect((await runProgram(entrypoint, ['info', '/mirror'], environment)).stdout).toBe('info\n/mirror\n');
  });
});

describe('the systemd units', async () => {
  const paths = await Array.fromAsync(glob('packaging/systemd/*', { cwd: PROJECT }));
  const commandOf = async (unit: string): Promise<string> =>
    /^ExecStart=(.*)$/m.exec(await read(`packaging/systemd/${unit}`))?.[1] ?? '';

  test('are accepted by systemd', needs('systemd-analyze'), async () => {
    const units = paths.map((path) => join(PROJECT, path));
    const { status, stderr } = await runProgram('systemd-analyze', ['verify', '--man=no', ...units]);
    expect([status, stderr.split('\n').filter((line) => line.includes('stout-mirror'))]).toEqual([0, []]);
  });

  test('are those that the documentation installs', async () => {
    const operating = await read('docs/operating.md');
    expect(paths.length).toBe(4);
    for (const path of paths) expect(operating).toContain(basename(path));
  });

  test('remake the mirror from its file, and sign it when the upstream is not there or the file has a mistake', {
    tags: ['long'],
  }, async () => {
    const script = /^\/bin\/sh -c '(.*)'$/.exec(await commandOf('stout-mirror-refresh.service'))?.[1] ?? '';
    const file = join(folder, 'mirror.toml');
    const bin = join(folder, 'refresh-bin');
    await mkdir(bin);
    await writeFile(
      join(bin, 'stout-mirror'),
      `#!/bin/sh\nexec "${process.execPath}" "${PROJECT}/bin/stout-mirror.js" "$@"\n`,
      { mode: 0o755 },
    );
    const run = async (upstream: string, more = '') => {
      const text = `directory = "/nowhere"\npackages = ["jq"]\nupstream = "${upstream}"\n${more}`;
      await writeFile(file, text);
      return runProgram('/bin/sh', ['-c', script.replaceAll('/etc/stout-mirror/mirror.toml', file)], {
        PATH: `${bin}${delimiter}${process.env.PATH}`,
        ...{ HOME: folder, XDG_CONFIG_HOME: '', MIRROR_SIGNING_KEY: '' },
        STATE_DIRECTORY: join(folder, 'state'),
      });
    };
    expect((await run(inject('upstream'))).status).toBe(0);
    const versionOf = async (): Promise<number> =>
      JSON.parse(await readFile(join(folder, 'state/mirror/snapshot/root.json'), 'utf8')).version;
    const before = await versionOf();
    const without = await run(join(folder, 'nowhere'));
    expect([without.status, without.stdout]).toEqual([1, expect.stringContaining('signed until')]);
    expect(await versionOf()).toBeGreaterThan(before);
    // The timer's unit fails with the code of `create`, and its failure is reported.
    expect((await run('ftp://nowhere')).status).toBe(2);
    const mistaken = await run(inject('upstream'), 'platfroms = []');
    expect([mistaken.status, mistaken.stdout]).toEqual([1, expect.stringContaining('signed until')]);
    expect(await read('packaging/systemd/stout-mirror-refresh.service')).toContain(
      'OnFailure=stout-mirror-failure@%n.service',
    );
  });

  test('serve on the port that the documentation names, with options that there are', async () => {
    const command = await commandOf('stout-mirror.service');
    expect(command).toMatch(/stout-mirror serve \S+ --port 9000 --cache \$\{CACHE_DIRECTORY\}$/);
    expect((await stoutMirror(['serve', '--help'])).stdout).toContain('--port');
  });
});

describe('the workflows', async () => {
  const paths = await Array.fromAsync(glob('.github/workflows/*.yml', { cwd: PROJECT }));

  test.each(paths)('%s runs only actions that are pinned, with no more rights than it says', async (path) => {
    const text = await read(path);
    const actions = text.match(/(?<=uses: ).*/g) ?? [];
    expect(actions.length).toBeGreaterThan(0);
    for (const action of actions)
      expect(action).toMatch(/^[\w-]+(?:\/[\w-]+)+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
    expect(text).toMatch(/^permissions:\n {2}contents: read$/m);
    expect(text).not.toMatch(/secrets\.|write-all/);
    // A release is the one thing that is written.
    expect(text.match(/contents: write/g) ?? []).toHaveLength(path.endsWith('release.yml') ? 1 : 0);
  });

  test('release with provenance', async () => {
    const text = await read('.github/workflows/release.yml');
    expect(text).toContain('id-token: write');
    expect(text).toContain('npm publish --provenance');
    // docs/github-actions.yml fetches this file, and compares this checksum.
    expect(text).toContain('gh release create');
    expect(text).toContain('sha256sum');
  });
});
