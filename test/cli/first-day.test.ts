import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { commandLine } from '../support/command-line.ts';
import type { Ended } from '../support/programs.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder();
const mirror = join(folder, 'my-mirror');
const environment = { XDG_CONFIG_HOME: join(folder, 'config'), MIRROR_SIGNING_KEY: '' };
const run = (args: string[], more: Record<string, string> = {}): Promise<Ended> =>
  commandLine(args, { ...environment, ...more });
const source = ['--platforms', 'x86_64_linux', '--upstream', inject('upstream')];

describe('a first day with stout-mirror', () => {
  let made: Ended;
  beforeAll(async () => {
    made = await run(['create', mirror, 'jq', 'wget', '--cask', 'google-chrome', ...source]);
  });

  test('create makes the mirror, prints a summary on standard output and all else on standard error', () => {
    expect([made.status, made.stdout]).toEqual([0, expect.stringContaining('9 formulas, 0 casks in')]);
    expect(made.stderr).toContain('Fetching packages');
  });

  test('create makes the first key pair, says where it is and prints the public key both ways', async () => {
    expect(made.stderr).toContain(join(folder, 'config/stout-mirror/mirror.key'));
    expect(made.stderr).toMatch(/^RW[A-Za-z0-9+/]{54}$/m);
    expect(made.stderr).toMatch(/as hex, for stout: [0-9a-f]{64}$/m);
    const key = join(folder, 'config', 'stout-mirror', 'mirror.pub');
    expect(made.stderr).toContain((await readFile(key, 'utf8')).trim());
  });

  test('when the mirror is there and the key is not, no other key is made', async () => {
    const elsewhere = join(folder, 'no-key');
    const { status, stderr } = await run(['create', mirror, 'jq', ...source], { XDG_CONFIG_HOME: elsewhere });
    expect([status, stderr]).toEqual([1, expect.stringContaining('There is no key at')]);
    expect(existsSync(elsewhere)).toBe(false);
  });

  test('verify proves the mirror with that key', async () => {
    expect(await run(['verify', mirror])).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('OK:'),
    });
    const { stdout } = await run(['verify', mirror, '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, unlisted: [] });
  });

  test('info describes it, for people and as JSON', async () => {
    const { status, stdout } = await run(['info', mirror, '--json']);
    const info = JSON.parse(stdout);
    expect([status, info.platforms]).toEqual([0, ['x86_64_linux']]);
    expect(info.packages.map((item: { name: string }) => item.name)).toEqual(
      expect.arrayContaining(['jq', 'oniguruma', 'wget']),
    );
    expect((await run(['info', `file://${mirror}`])).stdout).toMatch(/Packages +\d+/);
  });

  test('when a file is damaged, verify ends with 1 and names it on standard output', async () => {
    await rm(join(mirror, 'bottles', 'jq-1.7.1.x86_64_linux.bottle.tar.gz'));
    const { status, stdout } = await run(['verify', mirror]);
    expect([status, stdout]).toEqual([
      1,
      expect.stringContaining('bottles/jq-1.7.1.x86_64_linux.bottle.tar.gz: missing'),
    ]);
    expect(JSON.parse((await run(['verify', mirror, '--json'])).stdout).failures).toHaveLength(1);
  });

  test('when create runs again, it mends what is damaged and fetches nothing else', async () => {
    const args = ['create', mirror, 'jq', 'wget', '--cask', 'google-chrome', '--json', ...source];
    expect(JSON.parse((await run(args)).stdout)).toMatchObject({
      ...{ directory: mirror, formulas: 9, downloaded: { files: 1 } },
      skipped: [{ name: 'google-chrome' }],
    });
    expect((await run(['verify', mirror])).status).toBe(0);
  });

  test('when SOURCE_DATE_EPOCH is set, the mirror is of that time', async () => {
    const args = ['create', join(folder, 'dated'), 'jq', ...source, '--json'];
    const { stdout } = await run(args, { SOURCE_DATE_EPOCH: '1800000000' });
    expect(JSON.parse(stdout)).toMatchObject({ version: 1_800_000_000, expires_at: '2027-02-14T08:00:00Z' });
  });

  test('config prints what stout needs, without a network', async () => {
    const { stdout } = await run(['config', 'https://mirror.example.com', '--valid-for', '7d']);
    expect(stdout).toContain('base_url = "https://mirror.example.com/index"');
    expect(stdout).toContain('allow_unsigned = false');
    expect(stdout).toContain('max_signature_age = 604800');
  });
});
