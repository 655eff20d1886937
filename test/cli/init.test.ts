import { execFile } from 'node:child_process';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { parseMirrorFile } from '../../builder/mirror-file/parse.ts';
import { hostTag } from '../../builder/request/platforms.ts';
import { formatSecretKey } from '../../format/minisign/secret-key.ts';
import { commandLine } from '../support/command-line.ts';
import { TEST_KEY } from '../support/keys.ts';
import { MAIN, needs } from '../support/programs.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder();
const environment = {
  ...{ HOME: folder, XDG_CONFIG_HOME: '', XDG_CACHE_HOME: '' },
  MIRROR_SIGNING_KEY: await formatSecretKey(TEST_KEY),
};

test('without a terminal init asks nothing, and create takes the file as it is', async () => {
  const file = join(folder, 'mirror.toml');
  const { status, stdout } = await commandLine(['init', file], environment);
  expect([status, stdout]).toEqual([0, expect.stringContaining(`stout-mirror create --config ${file}`)]);
  const text = await readFile(file, 'utf8');
  expect(parseMirrorFile(text, file).settings).toEqual({
    ...{ directory: './my-mirror', packages: ['jq'], platforms: [hostTag()], clients: ['stout'] },
    'valid-for': 2_592_000,
  });
  const made = await commandLine(['create', '--config', file, '--upstream', inject('upstream')], environment);
  expect([made.status, made.stdout]).toEqual([0, expect.stringContaining(join(folder, 'my-mirror'))]);
});

test.each([
  ['a file', (path: string) => writeFile(path, 'mine')],
  ['a folder', (path: string) => mkdir(path)],
  ['a link that leads nowhere', (path: string) => symlink('nowhere', path)],
])('%s in its place is never overwritten', async (title, make) => {
  const path = join(folder, title);
  await make(path);
  const { status, stderr } = await commandLine(['init', path], environment);
  expect([status, stderr]).toEqual([1, `stout-mirror: ${path} exists, and is never overwritten.\n`]);
});

/** Runs init on a terminal, and types. */
function onTerminal(file: string, typed: string): Promise<{ status: unknown; output: string }> {
  return new Promise((resolve) => {
    const command = `${process.execPath} ${MAIN} init ${file}`;
    const script = execFile('script', ['-qec', command, '/dev/null'], (error, stdout) =>
      resolve({ status: error?.code ?? 0, output: stdout }),
    );
    script.stdin?.end(typed);
  });
}

test('on a terminal init asks for packages, platforms and clients', needs('script'), async () => {
  const file = join(folder, 'asked.toml');
  const { status, output } = await onTerminal(file, 'jq, python@3.11\nsonoma x86_64_linux\n\n');
  expect([status, output]).toEqual([0, expect.stringContaining(`Wrote ${file}`)]);
  expect(parseMirrorFile(await readFile(file, 'utf8'), file).settings).toMatchObject({
    ...{ packages: ['jq', 'python@3.11'], platforms: ['sonoma', 'x86_64_linux'], clients: ['stout'] },
  });
});

const onScript = needs('script');

test('on a terminal, the end of input ends with an error and writes nothing', onScript, async () => {
  await expectRefusal('ended', 'jq\n\x04', 'There was no answer.');
});

test.each([
  ['a platform that is none', 'jq\nnix\n\n', 'is not a platform'],
  ['a client that is none', 'jq\n\nchrome\n', 'is not a client'],
])(
  'on a terminal, %s ends with an error and writes nothing',
  { ...onScript, tags: [...onScript.tags, 'long'] },
  async (title, typed, message) => {
    await expectRefusal(title.replaceAll(' ', '-'), typed, message);
  },
);

async function expectRefusal(name: string, typed: string, message: string): Promise<void> {
  const file = join(folder, `${name}.toml`);
  const { status, output } = await onTerminal(file, typed);
  expect([status, output]).toEqual([expect.any(Number), expect.stringContaining(message)]);
  expect(status).not.toBe(0);
  await expect(readFile(file)).rejects.toMatchObject({ code: 'ENOENT' });
}
