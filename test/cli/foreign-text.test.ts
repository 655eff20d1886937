import { glob, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it, test } from 'vitest';
import { sessionOf } from '../../builder/cli/session.ts';
import { formatSecretKey } from '../../format/minisign/secret-key.ts';
import { commandLine } from '../support/command-line.ts';
import { TEST_KEY } from '../support/keys.ts';
import { makeMirror, REQUEST } from '../support/mirror.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder();
const mirror = join(folder, 'mirror');
const environment = {
  XDG_CONFIG_HOME: folder,
  HOME: folder,
  MIRROR_SIGNING_KEY: await formatSecretKey(TEST_KEY),
};

/** Sets a title, clears the screen, turns text around, begins a line that we did not write. */
const HOSTILE =
  'evil\x1b]0;owned\x07\x9b2J\x7f\u202e\u2066\u2028\x85\rx\nOK: 1 file, every byte as signed.\n  jq  9.9';
const CONTROL = /(?![\n\t])\p{Cc}|[\u2028\u2029]|\p{Bidi_Control}/u;
const OUR_OWN = ['\x1b[33m', '\x1b[0m', '\r\x1b[2K'];

/** Runs a command line, and expects that what it printed cannot control a terminal, nor has a line of the hostile text. */
async function run(...args: string[]) {
  const { status, stdout, stderr } = await commandLine(args, environment);
  const printed = stdout + stderr;
  expect(printed).not.toMatch(CONTROL);
  expect(printed).not.toMatch(/^OK: 1 file/m);
  // The message of an error may be a list, whose items are indented.
  expect(stdout).not.toMatch(/^ {2}jq {2}9\.9/m);
  return { status, stdout, stderr, printed };
}

beforeAll(() =>
  makeMirror(mirror, {
    request: { ...REQUEST, packages: ['jq'], casks: [], linux_apps: [], tags: ['sonoma'] },
  }),
);

test('only the session writes to standard output and standard error, and JSON only through printJson', async () => {
  const builder = fileURLToPath(new URL('../../builder', import.meta.url));
  const found: string[] = [];
  for await (const path of glob('**/*.ts', { cwd: builder })) {
    const text = await readFile(join(builder, path), 'utf8');
    const writes =
      /process\.std(?:out|err)|console\./.test(text) && !/^cli\/(?:session|terminal)\.ts$/.test(path);
    if (writes || /print\(\s*JSON\.|print\([^;]*\.join\('\\n'\)/.test(text)) found.push(path);
  }
  expect(found).toEqual([]);
});

describe('foreign text', () => {
  it('in a file name of a folder does not reach the terminal through verify or prune', async () => {
    await writeFile(join(mirror, 'bottles', HOSTILE.replaceAll('/', '')), '');
    expect((await run('verify', mirror)).printed).toContain(
      'Not part of the mirror: bottles/evil\ufffd]0;owned',
    );
    expect((await run('prune', mirror, '--dry-run')).printed).toContain('would remove bottles/evil\ufffd');
    const { stdout } = await run('prune', mirror, '--json');
    expect(JSON.parse(stdout).removed.paths).toEqual([`bottles/${HOSTILE}`]);
  });

  it('in a manifest does not reach the terminal through info', async () => {
    const altered = join(folder, 'altered');
    await makeMirror(altered, {
      request: { ...REQUEST, packages: ['jq'], casks: [], linux_apps: [], tags: ['sonoma'] },
    });
    const manifest = JSON.parse(await readFile(join(altered, 'manifest.json'), 'utf8'));
    manifest.upstream.version = HOSTILE;
    manifest.generator.name = HOSTILE;
    await writeFile(join(altered, 'manifest.json'), JSON.stringify(manifest));
    expect((await run('info', altered)).stdout).toContain('by evil\ufffd]0;owned');
    expect(JSON.parse((await run('info', altered, '--json')).stdout).upstream).toContain(HOSTILE);
  });

  it('in a Brewfile, in its name, and in arguments does not reach the terminal', async () => {
    const path = join(folder, `Brew${HOSTILE.replaceAll('/', '')}`);
    await writeFile(path, `mas ${JSON.stringify(HOSTILE)}\nbrew ${JSON.stringify(HOSTILE)}\n`);
    const upstream = ['--upstream', folder];
    await run('create', join(folder, 'new'), '--from-brewfile', path, ...upstream);
    await run('create', join(folder, 'new'), HOSTILE, ...upstream);
    await run('create', join(folder, 'new'), '--from-brewfile', HOSTILE, ...upstream);
    await run('info', HOSTILE);
    await run(HOSTILE);
    await run('info', mirror, `--${HOSTILE}`);
  });

  it('in the answers of a server does not reach the terminal', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => {
        const body = `<Error><Code>${HOSTILE}</Code><Message>${HOSTILE}</Message></Error>`;
        socket.end(`HTTP/1.1 403 No\x9b31m\x85\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
      });
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const origin = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
    expect((await run('verify', origin)).status).not.toBe(0);
    expect((await run('create', join(folder, 'new'), 'jq', '--upstream', `${origin}/`)).status).not.toBe(0);
    server.close();
  });

  it('is one line to every way of printing, and escaped without loss in JSON', () => {
    let written = '';
    const write = (text: string): void => {
      written += text;
    };
    const session = sessionOf({}, write, { write, interactive: true, color: true, columns: 400 });
    session.print([HOSTILE, HOSTILE]);
    session.printError(HOSTILE);
    session.reporter.note(HOSTILE);
    expect(written).not.toMatch(CONTROL);
    expect(written.split('\n')).toHaveLength(5);
    session.reporter.progress({ label: HOSTILE, done: 1, total: 1, bytes: 0 });
    session.reporter.warn(HOSTILE);
    // Our own colours and the redrawing of the line are all that is left.
    const rest = OUR_OWN.reduce((text, own) => text.replaceAll(own, ''), written);
    expect(rest).not.toMatch(CONTROL);
    written = '';
    session.printJson({ [HOSTILE]: HOSTILE });
    expect(written).not.toMatch(CONTROL);
    expect(JSON.parse(written)).toEqual({ [HOSTILE]: HOSTILE });
  });
});
