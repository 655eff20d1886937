import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { signMirror } from '../../builder/sign.ts';
import { verifyDirectory } from '../../builder/verify/verify-directory.ts';
import { formatPublicKey, publicKeyLine } from '../../format/minisign/public-key.ts';
import type { SecretKey } from '../../format/minisign/secret-key.ts';
import { OTHER_KEY, TEST_KEY } from '../support/keys.ts';
import { copyMirror, makeMirror, REQUEST, THIRTY_DAYS } from '../support/mirror.ts';
import { type Ended, needs, runProgram, stoutMirror } from '../support/programs.ts';
import { SILENT } from '../support/silent.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { linesOf, readLeafText, readRoot, resignText, withField } from './leaf-text.ts';

/**
 * What docs/format.md says of names that expire, of files on demand, of keys and of mirrors: whether our verification and
 * the second implementation, which was written from that page, agree.
 */
const PROGRAM = fileURLToPath(new URL('second-implementation.py', import.meta.url));
const MINUTE = 60_000;
const ROOT = 'snapshot/root.json';
const BOTTLE = 'bottles/jq-1.7.1.sonoma.bottle.tar.gz';
const SUPERSEDED = 'casks/firefox-143.0.dmg';
const SOURCE = 'source=https://ghcr.io/v2/homebrew/core/jq/blobs/sha256:0';
const SOURCES = { sources: ['ghcr.io'] };
/** So many malformed leaves and roots are tried by `npm test`. */
const SHORT = 2;
const LARGEST = Number.MAX_SAFE_INTEGER;

const folder = await temporaryFolder();
const [older, whole] = [join(folder, 'older'), join(folder, 'whole')];
const request = { ...REQUEST, packages: ['jq'], tags: ['sonoma'], vulnerabilities: false };
await makeMirror(whole, { request, now: new Date(Date.now() - MINUTE) });
await copyMirror(whole, older);
// A second snapshot, in which Firefox is superseded and in its grace period.
await makeMirror(whole, { request: { ...request, casks: ['visual-studio-code'] } });

const pythonVerify = (directory: string, ...args: string[]): Promise<Ended> =>
  runProgram('python3', [PROGRAM, 'verify', directory, ...args]);

const trust = (...keys: SecretKey[]): string[] =>
  keys.flatMap(({ publicKey }) => ['--trust', publicKeyLine(publicKey)]);

/** What the second implementation says of a mirror by our key: its output, which ends in a line feed. */
const secondOpinion = async (directory: string, ...args: string[]): Promise<string> => {
  const { stdout, stderr } = await pythonVerify(directory, ...trust(TEST_KEY), ...args);
  expect(stderr).toBe('');
  return stdout;
};

/** Returns the paths that our own verification has findings about. */
async function findingsOf(directory: string, now = new Date()): Promise<string[]> {
  const report = await verifyDirectory(directory, { trusted: [TEST_KEY.publicKey], now, reporter: SILENT });
  return report.failures.map(({ path }) => path);
}

/** Copies the whole mirror to another place. */
async function copyTo(name: string, from = whole): Promise<string> {
  const directory = join(folder, name);
  await rm(directory, { recursive: true, force: true });
  await copyMirror(from, directory);
  return directory;
}

/** A person who verifies with both programs and remembers what was accepted. */
class Reader {
  readonly #folder: string;

  constructor(name: string) {
    this.#folder = join(folder, name);
  }

  /** Returns whether the mirror is accepted. Both programs must agree. */
  async accepts(directory: string, ...keys: SecretKey[]): Promise<boolean> {
    await mkdir(this.#folder, { recursive: true });
    const files = await Promise.all(keys.map((key, index) => this.#keyFile(key, index)));
    const ours = await stoutMirror(['verify', directory, ...files.flatMap((file) => ['--trust', file])], {
      XDG_STATE_HOME: this.#folder,
    });
    const theirs = await pythonVerify(
      directory,
      ...[...trust(...keys), '--seen', join(this.#folder, 'second.json')],
    );
    const isAccepted = theirs.status === 0;
    expect(ours.status === 0, `${ours.stdout}${ours.stderr}${theirs.stdout}`).toBe(isAccepted);
    return isAccepted;
  }

  async #keyFile({ publicKey }: SecretKey, index: number): Promise<string> {
    const file = join(this.#folder, `${index}.pub`);
    await writeFile(file, formatPublicKey(publicKey));
    return file;
  }
}

const sign = (directory: string, key: SecretKey, ...trusted: SecretKey[]): Promise<unknown> =>
  signMirror({
    ...{ directory, key, now: new Date(), validFor: THIRTY_DAYS, cache: join(folder, 'cache') },
    trusted: trusted.map(({ publicKey }) => publicKey),
  });

/** Leaves that only a mistaken or malicious signer can make. */
const MALFORMED: [what: string, alter: (text: string) => string][] = [
  ['a last line without a line feed', (text) => text.slice(0, -1)],
  ['CR LF', (text) => text.replaceAll('\n', '\r\n')],
  ['an empty line', (text) => `${text}\n`],
  ['a character that is not ASCII', (text) => text.replace('jq-', 'jé-')],
  ['an unknown field', linesOf(BOTTLE, withField('colour=red'))],
  ['a field twice', linesOf(SUPERSEDED, (line) => line.replace(/\tuntil=\d+/, '$&$&'))],
  [
    'fields in another order',
    linesOf(SUPERSEDED, (line) => line.replace(/(\tpath=.*)(\tuntil=\d+)/, '$2$1')),
  ],
  ['a leading zero', linesOf(BOTTLE, (line) => line.replace(/\t(\d+)\t/, '\t0$1\t'))],
  ['a size that is unknown without a source', linesOf(BOTTLE, (line) => line.replace(/\t\d+\t/, '\t-\t'))],
  [
    'an MD5 that is unknown without a source',
    linesOf(BOTTLE, (line) => line.replace(/\t[0-9a-f]{32}\t/, '\t-\t')),
  ],
  ['until 0', linesOf(SUPERSEDED, (line) => line.replace(/until=\d+/, 'until=0'))],
  ['until on a file that has no content address', linesOf('manifest.json', withField('until=9999999999'))],
  ['a source of a file that has no content address', linesOf('manifest.json', withField(SOURCE))],
  ['a path on a path', linesOf(BOTTLE, withField(`path=${BOTTLE}`))],
  ['a content address of a document', (text) => text.replace(`path=${BOTTLE}`, 'path=manifest.json')],
  ['lines out of order', (text) => text.replace(/^(.*\n)(.*\n)/, '$2$1')],
  ...[
    'http://ghcr.io/a',
    'https://ghcr.io',
    'https://GHCR.io/a',
    'https://user@ghcr.io/a',
    'https://ghcr.io:443/a',
    'https://ghcr.io./a',
    'https://ghcr.io\\@example.com/a',
    'https://ghcr.io/a b',
    'https://ghcr.io/a#b',
    'https://127.0.0.1/a',
    'https://0x7f.1/a',
    'https://[::1]/a',
    'https://localhost/a',
    'https://example.com/a',
    `https://ghcr.io/${'a'.repeat(2000)}`,
  ].map((source): (typeof MALFORMED)[number] => [
    `the source ${source.slice(0, 40)}`,
    linesOf(BOTTLE, withField(`source=${source}`)),
  ]),
];

/** Roots of the same kind. */
const ROOTS: [what: string, changes: Record<string, unknown>][] = [
  ['format 1', { format: 1 }],
  ['a later format', { format: 3 }],
  ['no id', { mirror: undefined }],
  ['an id in lower case', { mirror: '0123456789abcdef-1' }],
  ['an id without a version', { mirror: '0123456789ABCDEF-0' }],
  ['sources out of order', { sources: ['ghcr.io', 'example.com'] }],
  ['a source that is an address', { sources: ['127.0.0.1'] }],
  ['a version above the largest', { version: 2 ** 53 }],
];

describe('the mirror format', needs('python3', 'minisign', 'openssl', 'zstd'), () => {
  test('lists a superseded name until its time has come, and expects nothing of it after that', async () => {
    const directory = await copyTo('superseded');
    const [line = ''] = (await readLeafText(directory)).match(new RegExp(`^${SUPERSEDED}\t.*`, 'm')) ?? [];
    const until = Number(/\tuntil=(\d+)$/.exec(line)?.[1]);
    const before = new Date((until - 1) * 1000);
    const valid = { expires_at: new Date((until + 60) * 1000).toISOString() };
    await resignText(directory, TEST_KEY, (text) => text, valid);
    const { totals } = await readRoot(directory);
    const { files } = totals as { files: number };
    expect(await secondOpinion(directory, '--now', String(until - 1))).toBe(`whole: ${files} files\n`);
    await rm(join(directory, SUPERSEDED));
    expect(await secondOpinion(directory, '--now', String(until - 1))).toBe(`${SUPERSEDED}: is missing\n`);
    expect(await findingsOf(directory, before)).toEqual([SUPERSEDED]);
    expect(await secondOpinion(directory, '--now', String(until))).toBe(
      `whole: ${files - 1} files, 1 expired\n`,
    );
    expect(await findingsOf(directory, new Date(until * 1000))).toEqual([]);
  });

  test('counts a file on demand that is not there, and checks one that is', async () => {
    const directory = await copyTo('on-demand');
    await resignText(directory, TEST_KEY, linesOf(BOTTLE, withField(SOURCE)), SOURCES);
    const { totals } = await readRoot(directory);
    const { files } = totals as { files: number };
    expect(await secondOpinion(directory)).toBe(`whole: ${files} files\n`);
    await rm(join(directory, BOTTLE));
    expect(await secondOpinion(directory)).toBe(`whole: ${files - 1} files, 1 on demand\n`);
    expect(await findingsOf(directory)).toEqual([]);
    await writeFile(join(directory, BOTTLE), 'other bytes');
    expect(await secondOpinion(directory)).toContain(`${BOTTLE}: `);
    expect(await findingsOf(directory)).toEqual([BOTTLE]);
  });

  const refusesLeaf = async (_: string, alter: (text: string) => string): Promise<void> => {
    const directory = await copyTo('malformed');
    const leaf = await resignText(directory, TEST_KEY, alter, SOURCES);
    expect(await secondOpinion(directory)).toContain(`${leaf}: `);
    expect(await findingsOf(directory)).toContain(leaf);
  };
  test.each(MALFORMED.slice(0, SHORT))('refuses a leaf with %s', refusesLeaf);
  test.each(MALFORMED.slice(SHORT))('refuses a leaf with %s', { tags: 'long' }, refusesLeaf);

  test.each([
    ['a path that is not listed', linesOf(BOTTLE, (line) => line.replace(/path=.*/, 'path=bottles/none'))],
    [
      'a longer time than its path',
      linesOf(SUPERSEDED, (line) => line.replace(/(path=.*until=)\d+/, '$19999999999')),
    ],
  ])('refuses a content address with %s', { tags: 'long' }, async (_, alter) => {
    const directory = await copyTo('address');
    await resignText(directory, TEST_KEY, alter);
    const named = (await secondOpinion(directory)).split(':')[0] ?? '';
    expect(named).toMatch(/^blobs\/sha256\/[0-9a-f]{64}$/);
    expect(await findingsOf(directory)).toContain(named);
  });

  const refusesRoot = async (_: string, changes: Record<string, unknown>): Promise<void> => {
    const directory = await copyTo('root');
    await resignText(directory, TEST_KEY, (text) => text, changes);
    expect(await secondOpinion(directory)).toContain(`${ROOT}: `);
    expect(await findingsOf(directory)).toContain(ROOT);
  };
  test.each(ROOTS.slice(0, SHORT))('refuses a root with %s', refusesRoot);
  test.each(ROOTS.slice(SHORT))('refuses a root with %s', { tags: 'long' }, refusesRoot);

  test('finds each name by binary search over the bytes of its leaf', { tags: 'long' }, async () => {
    const text = await readLeafText(whole);
    for (const line of text.trimEnd().split('\n')) {
      const [name = ''] = line.split('\t');
      expect((await runProgram('python3', [PROGRAM, 'find', whole, name])).stdout).toBe(`${line}\n`);
    }
    for (const name of ['a', 'bottles/jq', `${BOTTLE}.sig`, 'zzz']) {
      const { status, stdout } = await runProgram('python3', [PROGRAM, 'find', whole, name]);
      expect([status, stdout]).toEqual([1, '']);
    }
  });

  test('refuses another mirror than the expected one', async () => {
    const { mirror } = await readRoot(whole);
    expect(await secondOpinion(whole, '--mirror', String(mirror))).toContain('whole: ');
    expect(await secondOpinion(whole, '--mirror', '0123456789ABCDEF-1')).toBe(
      `${ROOT}: is of another mirror\n`,
    );
  });

  test('refuses an older copy in another place', { tags: ['long'] }, async () => {
    const reader = new Reader('traveller');
    expect(await reader.accepts(await copyTo('stick-1', older), TEST_KEY)).toBe(true);
    expect(await reader.accepts(await copyTo('stick-2'), TEST_KEY)).toBe(true);
    expect(await reader.accepts(await copyTo('stick-3', older), TEST_KEY)).toBe(false);
  });

  test('ends on the new key after a theft, whatever the thief signed', { tags: ['long'] }, async () => {
    const [mine, stolen] = [await copyTo('mine'), await copyTo('stolen')];
    await resignText(stolen, TEST_KEY, (text) => text, { version: LARGEST });
    const [deceived, spared] = [new Reader('deceived'), new Reader('spared')];
    expect(await deceived.accepts(stolen, TEST_KEY)).toBe(true);
    expect(await spared.accepts(mine, TEST_KEY)).toBe(true);
    await sign(mine, OTHER_KEY, TEST_KEY);
    for (const reader of [deceived, spared]) {
      expect(await reader.accepts(mine, OTHER_KEY, TEST_KEY)).toBe(true);
      expect(await reader.accepts(stolen, OTHER_KEY, TEST_KEY)).toBe(false);
      expect(await reader.accepts(whole, OTHER_KEY, TEST_KEY)).toBe(false);
    }
  });

  test('keeps the id of a mirror when its key changes', async () => {
    const directory = await copyTo('renewed');
    await sign(directory, OTHER_KEY, TEST_KEY);
    expect((await readRoot(directory)).mirror).toBe((await readRoot(whole)).mirror);
  });
});
