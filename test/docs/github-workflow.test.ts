import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { formatPublicKey } from '../../format/minisign/public-key.ts';
import { formatSecretKey } from '../../format/minisign/secret-key.ts';
import { TEST_KEY } from '../support/keys.ts';
import { MAIN, needs, runProgram } from '../support/programs.ts';
import { temporaryFolder } from '../support/temporary.ts';

const workflow = await readFile('docs/github-actions.yml', 'utf8');
const [, head = '', plan = '', publish = ''] =
  /^(.*?\njobs:\n)( {2}plan:\n.*?)( {2}publish:\n.*)$/s.exec(workflow) ?? [];

/** Returns the script of a step of a job. */
function scriptOf(job: string, name: string): string {
  const step = job.split(/^ {6}(?:- |# )/m).find((text) => text.startsWith(`name: ${name}\n`)) ?? '';
  const [, line = '', block = ''] = /^ {8}run: (?:\|.*\n((?: {10}.*\n|\n)+)|(.*)\n)/m.exec(step) ?? [];
  return line.replaceAll(/^ {10}/gm, '') || block;
}

describe('the workflow in docs/', () => {
  test('pins every action by commit, with its release beside it', () => {
    const uses = workflow.split('\n').filter((line) => line.includes('uses:'));
    expect(uses).toHaveLength(5);
    for (const line of uses) expect(line).toMatch(/uses: actions\/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  test('may read the repository, and only the plan may write a comment', () => {
    expect(head).toMatch(/^permissions:\n {2}contents: read\n\n/m);
    expect(workflow.match(/^ *[a-z-]+: write/gm)).toEqual(['      pull-requests: write']);
    expect(plan).toContain('      pull-requests: write');
  });

  test('puts no value of GitHub into a script', () => {
    for (const [job, names] of [
      [plan, ['Install stout-mirror', 'Plan', 'Compare with the live mirror', 'Comment']],
      [
        publish,
        ['Install stout-mirror', 'Pull', 'Create', 'Prune', 'Verify', 'Publish', 'Check the live mirror'],
      ],
    ] as const) {
      for (const name of names) {
        expect(scriptOf(job, name), name).not.toBe('');
        expect(scriptOf(job, name)).not.toContain('${{');
      }
    }
  });

  test('gives the code of a pull request no secret', () => {
    expect(workflow).toMatch(/^ {2}pull_request:$/m);
    expect(workflow).not.toContain('pull_request_target');
    expect(head + plan).not.toContain('secrets.');
    expect(publish).toContain("if: github.event_name != 'pull_request'");
  });

  test('installs the release whose checksum it has, in both jobs alike', () => {
    expect(scriptOf(plan, 'Install stout-mirror')).toBe(scriptOf(publish, 'Install stout-mirror'));
    expect(scriptOf(plan, 'Install stout-mirror')).toMatch(/sha256sum --check\nnpm install/);
  });
});

describe('its steps', async () => {
  const folder = await temporaryFolder();
  const bin = join(folder, 'bin');
  const environment = {
    ...{ HOME: folder, XDG_CONFIG_HOME: '', XDG_CACHE_HOME: '', XDG_STATE_HOME: '' },
    PATH: `${bin}${delimiter}${process.env.PATH}`,
    MIRROR_PUBLIC_KEY: formatPublicKey(TEST_KEY.publicKey).split('\n')[1] ?? '',
    ...{ GITHUB_REPOSITORY: 'we/mirror', NUMBER: '7', FOLDER: folder },
  };

  async function run(job: string, name: string, more: Record<string, string> = {}): Promise<string> {
    // GitHub's own flags.
    const args = ['--noprofile', '--norc', '-eo', 'pipefail', '-c', scriptOf(job, name)];
    const { status, stdout, stderr } = await runProgram('bash', args, { ...environment, ...more }, folder);
    expect([status, status === 0 ? '' : stdout + stderr], name).toEqual([0, '']);
    return stdout;
  }

  async function install(name: string, script: string): Promise<void> {
    await writeFile(join(bin, name), `#!/bin/bash\n${script}\n`);
    await chmod(join(bin, name), 0o755);
  }

  beforeAll(async () => {
    await mkdir(bin);
    await install('stout-mirror', `exec "${process.execPath}" "${MAIN}" "$@"`);
    await writeFile(
      join(folder, 'mirror.toml'),
      `directory = "my-mirror"\npackages = ["jq"]\nupstream = "${inject('upstream')}"\n`,
    );
  });

  test('plan, make, prune and verify what mirror.toml says; a plan needs no key', async () => {
    expect(await run(plan, 'Plan')).toContain('my-mirror: 2 packages; nothing was written.');
    const MIRROR_SIGNING_KEY = await formatSecretKey(TEST_KEY);
    expect(await run(publish, 'Create', { MIRROR_SIGNING_KEY })).toContain('my-mirror: 2 formulas');
    expect(await run(publish, 'Prune')).toContain('Removed 0 files');
    expect(await run(publish, 'Verify')).toContain('OK: ');
  });

  test('install nothing whose checksum is another', needs('sha256sum'), async () => {
    await install('curl', 'echo something else >stout-mirror.tgz');
    await install('npm', 'touch "$FOLDER/installed"');
    const script = scriptOf(plan, 'Install stout-mirror');
    const given = { ...environment, STOUT_MIRROR_SHA256: '0'.repeat(64), STOUT_MIRROR_VERSION: '0.1.0' };
    const { status } = await runProgram('bash', ['-eo', 'pipefail', '-c', script], given, folder);
    expect(status).toBe(1);
    await expect(readFile(join(folder, 'installed'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test.each([
    ['writes a comment', '', ['--method POST repos/we/mirror/issues/7/comments']],
    [
      'replaces the newest of its comments',
      '11\n12\n',
      ['--method PATCH repos/we/mirror/issues/comments/12'],
    ],
  ])('the plan %s', async (_, earlier, calls) => {
    await install('gh', `case "$*" in *--jq*) printf '${earlier}' ;; *) echo "$*" ;; esac`);
    const written = await run(plan, 'Comment');
    expect(written.trim().split('\n')).toEqual([`api --silent ${calls[0]} --field body=@plan.md`]);
  });
});
