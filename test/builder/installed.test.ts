import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { installedPackages } from '../../builder/request/installed.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { failing } from './failing.ts';

const folder = await temporaryFolder();
let machines = 0;

/** Reads what is installed on a machine that has these files, by their paths. */
async function installed(files: Record<string, string | Uint8Array>) {
  const home = join(folder, String(++machines));
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(home, path)), { recursive: true });
    await writeFile(join(home, path), content);
  }
  const { formulas, casks, unused } = await installedPackages({
    HOME: home,
    HOMEBREW_PREFIX: join(home, 'brew'),
  });
  return {
    formulas,
    casks,
    unused: unused.map(({ name, reason }) => `${name.replace(`${home}/`, '')}: ${reason}`),
  };
}

const STOUT = '.stout/state/installed.toml';
const cellar = (name: string) => `brew/Cellar/${name}/1.0/INSTALL_RECEIPT.json`;
const caskroom = (token: string) => `brew/Caskroom/${token}/.metadata/INSTALL_RECEIPT.json`;
const receipt = (tap: string | null, more: object = {}) =>
  JSON.stringify({ homebrew_version: '6.0.18', installed_on_request: true, source: { tap }, ...more });

describe('installedPackages', () => {
  it('takes what was asked for, of both clients, and names what comes from other taps', async () => {
    const found = await installed({
      [STOUT]:
        '[packages.lz4]\nversion = "1.10.0"\nrequested = true\n\n[packages.xz]\nrequested = false\n[packages.zstd]\n',
      [cellar('jq')]: receipt('homebrew/core'),
      [cellar('oniguruma')]: receipt('homebrew/core', { installed_on_request: false }),
      [cellar('tool')]: receipt('user/tap'),
      [caskroom('firefox')]: receipt('homebrew/cask'),
      'brew/Caskroom/old-cask/1.0/app': '',
    });
    expect(found).toEqual({
      formulas: ['jq', 'lz4', 'zstd'],
      casks: ['firefox', 'old-cask'],
      unused: ['tool: it comes from user/tap, which is not in the upstream'],
    });
  });

  it.each([
    ['null in every key', receipt(null, { installed_on_request: null, source: null })],
    ['a byte order mark', `\ufeff${receipt('homebrew/core')}`],
    ['no key that is known', '{}'],
  ])('reads a receipt with %s', async (_, text) => {
    expect(await installed({ [cellar('jq')]: text })).toEqual({ formulas: ['jq'], casks: [], unused: [] });
  });

  it.each([
    ['is cut off', '{"installed_on_request": fal'],
    ['is empty', ''],
    ['is all zeros, as after a crash', new Uint8Array(200)],
    ['has another shape', '3'],
    ['has a key of another type', '{"installed_on_request": "no"}'],
    ['is nested without end', '['.repeat(100_000)],
  ])('goes on with all others when a receipt %s, and names it', async (_, garbled) => {
    const found = await installed({
      [STOUT]: '[packages.lz4]\n',
      [cellar('jq')]: receipt('homebrew/core'),
      [cellar('wget')]: garbled,
      [caskroom('firefox')]: garbled,
    });
    expect(found).toEqual({
      formulas: ['jq', 'lz4', 'wget'],
      casks: ['firefox'],
      unused: [
        expect.stringMatching(/^brew\/Cellar\/wget\/.*INSTALL_RECEIPT\.json: it cannot be read: /),
        expect.stringMatching(/^brew\/Caskroom\/firefox\/.*INSTALL_RECEIPT\.json: it cannot be read: /),
      ],
    });
  });

  it('goes on when a receipt is a folder, or a device without an end, and names it', async () => {
    const device = join(folder, 'device', cellar('lz4'));
    await mkdir(dirname(device), { recursive: true });
    await symlink('/dev/zero', device);
    const environment = { HOME: join(folder, 'device'), HOMEBREW_PREFIX: join(folder, 'device', 'brew') };
    expect(await installedPackages(environment)).toMatchObject({
      formulas: ['lz4'],
      unused: [{ name: device, reason: 'it cannot be read: It is not a regular file.' }],
    });
    const found = await installed({ [`${cellar('wget')}/file`]: '', [cellar('jq')]: receipt(null) });
    expect(found).toMatchObject({ formulas: ['jq', 'wget'], unused: [expect.stringContaining('regular')] });
  });

  it.each([
    ['is not TOML', '[packages.jq\n'],
    ['has no table of packages', 'packages = 3\n'],
    ['is binary', Uint8Array.from({ length: 99 }, (_, index) => index * 7)],
  ])("goes on with Homebrew's packages when stout's list %s, and names it", async (_, garbled) => {
    const found = await installed({ [STOUT]: garbled, [cellar('jq')]: receipt('homebrew/core') });
    expect(found).toEqual({
      formulas: ['jq'],
      casks: [],
      unused: [expect.stringContaining(`${STOUT}: it cannot be read`)],
    });
  });

  it("takes the packages of stout's list one by one, whatever one of them is", async () => {
    const text =
      '[packages]\njq = 3\nxz = { requested = "no" }\nwget = { requested = false, version = [1] }\n';
    expect(await installed({ [STOUT]: text })).toEqual({ formulas: ['jq', 'xz'], casks: [], unused: [] });
  });

  it('throws when the machine has nothing', async () => {
    await expect(installed({})).rejects.toThrow(failing('usage'));
  });
});
