import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, inject, test } from 'vitest';
import { formatSecretKey } from '../../format/minisign/secret-key.ts';
import { commandLine } from '../support/command-line.ts';
import { TEST_KEY } from '../support/keys.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder();
const environment = {
  XDG_CONFIG_HOME: folder,
  HOME: folder,
  MIRROR_SIGNING_KEY: await formatSecretKey(TEST_KEY),
};
let files = 0;

async function fileWith(content: string | Uint8Array): Promise<string> {
  const path = join(folder, `list-${++files}`);
  await writeFile(path, content);
  return path;
}

/** Previews a mirror, and returns what it would have beside what was printed on standard error. */
async function preview(...options: string[]) {
  const args = ['create', join(folder, 'mirror'), '--dry-run', '--no-deps', '--upstream', inject('upstream')];
  const { status, stderr } = await commandLine([...args, ...options], environment);
  return { status, stderr, taken: [...stderr.matchAll(/^\+ (\S+)/gm)].map(([, name]) => name) };
}

describe('lists of packages', () => {
  test('a Brewfile gives what it names, and each unused entry is named with file and line', async () => {
    const path = await fileWith(
      'tap "user/repo"\nbrew "homebrew/core/JQ"; cask "firefox"\nmas "Xcode", id: 1\n=begin\nbrew "wget"\n=end\n',
    );
    const { status, stderr, taken } = await preview('--from-brewfile', path);
    expect([status, taken]).toEqual([0, ['firefox', 'jq']]);
    expect(stderr).toContain(`Not used: ${path}:1: tap user/repo: other taps are not in the upstream\n`);
    expect(stderr).toContain(`Not used: ${path}:3: mas Xcode: mas entries cannot be mirrored\n`);
  });

  test.each([
    [
      'a Brewfile for other package managers',
      '--from-brewfile',
      'mas "Xcode", id: 1\nvscode "ms.python"\n',
      ':2: vscode ms.python',
    ],
    ['an empty Brewfile', '--from-brewfile', '', ': no package in it can be taken'],
    [
      'a Brewfile that is all comments',
      '--from-brewfile',
      '=begin\nbrew "jq"\n=end\n',
      ': no package in it can be taken',
    ],
    ['an empty list', '--packages-file', '# nothing yet\n', ': no package in it can be taken'],
  ])('%s says why nothing is asked for, with its name', async (_, option, content, reason) => {
    const path = await fileWith(content);
    const { status, stderr } = await preview(option, path);
    expect([status, stderr]).toEqual([2, expect.stringContaining(`Not used: ${path}${reason}`)]);
    expect(stderr).toContain('Name at least one package');
  });

  test.each(['--from-brewfile', '--packages-file'])(
    '%s reads what PowerShell writes, and says so',
    async (option) => {
      const text = option === '--from-brewfile' ? 'brew "jq"\r\n' : 'jq\r\n';
      const path = await fileWith(Buffer.from(`\ufeff${text}`, 'utf16le'));
      expect(await preview(option, path)).toMatchObject({
        ...{ status: 0, taken: ['jq'] },
        stderr: expect.stringContaining(`${path} is not UTF-8: it is read as UTF-16LE.`),
      });
    },
  );

  test.each([
    ['--from-brewfile', 'brew "jq"\nbrew "wget\n', /:\d+:\d+: not valid Ruby/],
    [
      '--packages-file',
      'jq\nbrew "wget"\n',
      /:2: .* cannot be the name of a formula. A Brewfile is for --from-brewfile/,
    ],
    ['--packages-file', '\x00\x01\x02\xff\x00', /:1: .* cannot be the name of a formula/],
  ])('%s with %j is an error that names the line', async (option, content, message) => {
    const path = await fileWith(content);
    const { status, stderr } = await preview(option, path);
    expect([status, stderr]).toEqual([1, expect.stringMatching(message)]);
    expect(stderr).toContain(path);
  });

  test.each(['--from-brewfile', '--packages-file'])(
    '%s with a folder, or nothing there, says so',
    async (option) => {
      const path = join(folder, `folder-${++files}`);
      await mkdir(path);
      expect(await preview(option, path)).toMatchObject({
        status: 1,
        stderr: expect.stringContaining(`${path} cannot be read`),
      });
      const absent = await preview(option, join(path, 'absent'));
      expect(absent).toMatchObject({ status: 1, stderr: expect.stringContaining('There is no file') });
    },
  );

  test('names have the forms that brew accepts, as arguments and in lists', async () => {
    const path = await fileWith('homebrew/core/wget\nLZ4\n');
    const { taken } = await preview(
      'Homebrew/Core/jq',
      '--packages-file',
      path,
      '--cask',
      'homebrew/cask/Firefox',
    );
    expect(taken).toEqual(['firefox', 'jq', 'lz4', 'wget']);
  });

  test("a name of another tap is said to be in none of the upstream's", async () => {
    const { status, stderr } = await preview('user/tap/tool');
    expect([status, stderr]).toEqual([2, expect.stringContaining("packages of Homebrew's own taps only")]);
  });
});
