import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { MAIN } from '../support/programs.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder();
const mirror = join(folder, 'mirror');
const PLATFORM = ['--platforms', 'arm64_sonoma'];

interface Result {
  status: number;
  stdout: string;
  stderr: string;
}

/** Runs the program with a home folder for this test. */
function run(args: string[], environment: Record<string, string> = {}): Promise<Result> {
  const { PATH = '' } = process.env;
  const env = { PATH, HOME: folder, XDG_CONFIG_HOME: join(folder, 'config'), ...environment };
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...args], { env }, (error, stdout, stderr) =>
      resolve({ status: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr }),
    );
  });
}

const create = (...args: string[]) => run(['create', ...args, '--upstream', inject('upstream')]);

let made: Result;
beforeAll(async () => {
  made = await create(mirror, 'jq', '--cask', 'google-chrome', ...PLATFORM, '--json');
});

describe('stout-mirror create', () => {
  it('when --json is given, prints one JSON document on standard output, all else on standard error', () => {
    expect(made.status).toBe(0);
    expect(JSON.parse(made.stdout)).toMatchObject({
      directory: mirror,
      formulas: 2,
      downloaded: { files: 2 },
      skipped: [{ name: 'google-chrome' }],
    });
    expect(made.stderr).toContain('Fetching packages');
  });

  it('when it makes the first key pair, says where it is and shows the public key', () => {
    expect(made.stderr).toContain(join(folder, 'config/stout-mirror/mirror.key'));
    expect(made.stderr).toMatch(/^RW[A-Za-z0-9+/]{54}$/m);
    expect(made.stderr).toMatch(/as hex, for stout: [0-9a-f]{64}$/m);
  });

  it('when the mirror is there and the key is not, makes no other key', async () => {
    const elsewhere = join(folder, 'no-key');
    const args = ['create', mirror, 'jq', ...PLATFORM, '--upstream', inject('upstream')];
    const { status, stderr } = await run(args, { XDG_CONFIG_HOME: elsewhere });
    expect([status, stderr]).toEqual([1, expect.stringContaining('There is no key at')]);
    expect(existsSync(elsewhere)).toBe(false);
  });

  it('when a package is unknown, exits with 2, offers near names and makes nothing', async () => {
    const directory = join(folder, 'unknown');
    const { status, stdout, stderr } = await create(directory, 'wgett', ...PLATFORM);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain('wget');
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(existsSync(directory)).toBe(false);
  });

  it('when SOURCE_DATE_EPOCH is set, is made at that time', async () => {
    const args = [
      'create',
      join(folder, 'dated'),
      'jq',
      ...PLATFORM,
      '--upstream',
      inject('upstream'),
      '--json',
    ];
    const { stdout } = await run(args, { SOURCE_DATE_EPOCH: '1800000000' });
    expect(JSON.parse(stdout)).toMatchObject({ version: 1_800_000_000, expires_at: '2027-02-14T08:00:00Z' });
  });

  it('when the folder cannot be made, says why in a line', async () => {
    await writeFile(join(folder, 'file'), '');
    const { status, stderr } = await create(join(folder, 'file', 'mirror'), 'jq', ...PLATFORM);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^stout-mirror: .*file\/mirror.* file is in its way/m);
    expect(stderr).not.toMatch(/^\s+at /m);
  });
});

describe('stout-mirror: wrong usage', () => {
  it.each([
    ['an unknown option', ['create', 'm', 'jq', '--frobnicate']],
    ['no verb', []],
    ['no package', ['create', 'm']],
    ['too many folders', ['info', 'a', 'b']],
    ['an unknown platform', ['create', 'm', 'jq', '--platforms', 'amiga']],
    ['no time span', ['create', 'm', 'jq', '--valid-for', 'ever']],
    ['an upstream of plain HTTP', ['create', 'm', 'jq', '--upstream', 'http://example.com']],
  ])('when there is %s, exits with 2 and explains on standard error', async (_what, args) => {
    const { status, stdout, stderr } = await run(args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr.length).toBeGreaterThan(10);
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  it('when help or the version is asked for, exits with 0', async () => {
    expect(await run(['--help'])).toMatchObject({ status: 0, stdout: expect.stringContaining('create') });
    expect(await run(['--version'])).toMatchObject({ status: 0, stdout: '0.1.0\n' });
  });
});

describe('stout-mirror verify and info', () => {
  it('when a mirror is whole, exits with 0', async () => {
    expect(await run(['verify', mirror])).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('OK:'),
    });
    const { stdout } = await run(['verify', mirror, '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, unlisted: [] });
  });

  it('when info is asked for as JSON, prints one document', async () => {
    const { status, stdout } = await run(['info', mirror, '--json']);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ platforms: ['arm64_sonoma'] });
  });

  it('when a folder is not a mirror, exits with 1 and says so', async () => {
    await mkdir(join(folder, 'empty'));
    for (const verb of ['verify', 'info']) {
      const { status, stderr } = await run([verb, join(folder, 'empty')]);
      expect(status).toBe(1);
      expect(stderr).toContain('is not a mirror');
    }
  });
});
