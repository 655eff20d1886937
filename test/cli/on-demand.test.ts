import { join } from 'node:path';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { sha256, writeUpstream } from '../builder/upstream.ts';
import { commandLine } from '../support/command-line.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder();
const [upstream, mirror] = [join(folder, 'upstream'), join(folder, 'mirror')];
const environment = { HOME: folder, XDG_CONFIG_HOME: '', XDG_CACHE_HOME: '' };
const run = (...args: string[]) => commandLine(args, environment);

beforeAll(async () => {
  // Nobody answers there.
  vi.stubEnv('HTTPS_PROXY', 'http://127.0.0.1:9');
  const digest = sha256('one');
  await writeUpstream(upstream, {
    formulas: [
      {
        name: 'one',
        json: { bottles: { all: { url: `https://files.example.test/${digest}`, sha256: digest } } },
      },
      { name: 'two' },
    ],
  });
});

describe('a mirror on demand', () => {
  test('create says what is on demand, what could not be learned, and what is left out; info says what is here', async () => {
    const made = await run(
      'create',
      mirror,
      '--all',
      '--on-demand',
      '--whole',
      'two',
      '--upstream',
      upstream,
    );
    expect(made.status).toBe(0);
    expect(made.stdout).toContain(
      '1 file on demand: the server fetches each when somebody first asks for it.',
    );
    expect(made.stdout).toContain('Fetched 1 file');
    expect(made.stderr).toContain('1 of 1 hosts of files on demand cannot be reached.');
    const { stdout } = await run('info', mirror);
    expect(stdout).toMatch(/^Size .* as far as known in \d+ files$/m);
    expect(stdout).toMatch(/^On demand {2}1 file, 0 of them here$/m);
    expect(stdout).toMatch(/^ {2}\S+ +unknown$/m);
    expect((await run('verify', mirror)).stdout).toContain('every byte as signed, except 1 on demand.');
  });

  test.each<[string, string[], string]>([
    ['fill names no place', ['fill'], 'Name the folder of a mirror, or a bucket with --bucket.'],
    ['a size is not one', ['fill', mirror, '--max-size', '5 apples'], 'is not a size'],
    ['a size is nothing', ['fill', mirror, '--max-size', '0'], 'is not a size'],
    ['the mirror lacks a package', ['fill', mirror, 'tow'], 'Did you mean two'],
    [
      'nothing is on demand',
      ['create', join(folder, 'other'), '--all', '--whole', 'one'],
      '--whole is for a mirror on demand',
    ],
    [
      'a static host is to serve it',
      ['create', mirror, '--all', '--on-demand', '--public-url', 'https://mirror.example.com'],
      '--no-on-demand or --no-public-url',
    ],
    [
      'a whole package is unknown',
      ['create', mirror, '--all', '--on-demand', '--whole', 'tow'],
      'Did you mean two',
    ],
  ])('when %s, it ends with 2', async (_, args, message) => {
    const where = args[0] === 'create' ? ['--upstream', upstream] : [];
    const { status, stderr } = await run(...args, ...where);
    expect(stderr).toContain(message);
    expect(status).toBe(2);
  });

  test('fill of a folder that is not a mirror is an error, and makes no folder', async () => {
    const { status, stderr } = await run('fill', join(folder, 'nothing'));
    expect(stderr).toContain('is not a mirror');
    expect(status).toBe(1);
  });
});
