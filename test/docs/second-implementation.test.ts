import { createHash } from 'node:crypto';
import { appendFile, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { describe, expect, inject, test } from 'vitest';
import { readContents } from '../../builder/directory/mirror.ts';
import { verifyDirectory } from '../../builder/verify/verify-directory.ts';
import { publicKeyLine } from '../../format/minisign/public-key.ts';
import type { SecretKey } from '../../format/minisign/secret-key.ts';
import { rewritePackageJson } from '../../format/package-json.ts';
import { splitIntoLeaves } from '../../format/snapshot/boundaries.ts';
import { rawZstdFrame } from '../../format/zstd.ts';
import { CATALOG } from '../../scripts/sample/catalog.ts';
import { writeSampleUpstream } from '../../scripts/sample/write.ts';
import { BREW_REQUEST, makeBrewMirror } from '../builder/homebrew/sample.ts';
import { overlapping } from '../format/overlapping.ts';
import { OTHER_KEY, TEST_KEY } from '../support/keys.ts';
import { copyMirror, makeMirror, REQUEST } from '../support/mirror.ts';
import { needs, runProgram } from '../support/programs.ts';
import { resignRoot, resignWith } from '../support/resign.ts';
import { writeMirror } from '../support/runtimes.ts';
import { SILENT } from '../support/silent.ts';
import { temporaryFolder } from '../support/temporary.ts';

/**
 * Whether docs/format.md says all that a second implementation needs: one in Python, written from that page, must find our
 * mirrors whole, and in a damaged one the file that our own verification finds.
 */
const PROGRAM = fileURLToPath(new URL('second-implementation.py', import.meta.url));
const MINUTE = 60_000;
const BOTTLE = 'bottles/jq-1.7.1.sonoma.bottle.tar.gz';
const SUPERSEDED = 'casks/firefox-143.0.dmg';

const folder = await temporaryFolder();
const whole = join(folder, 'whole');
// Small, because it is copied for each damage; of one platform, and with a plus sign in a name.
const request = { ...REQUEST, packages: ['gtk+3', 'jq'], tags: ['sonoma'] };
await makeMirror(whole, { request, now: new Date(Date.now() - MINUTE) });
// A second snapshot, in which Firefox is superseded and in its grace period.
await makeMirror(whole, { request: { ...request, casks: ['visual-studio-code'] } });
const [leaf] = await readdir(join(whole, 'snapshot/leaves'));
const LEAF = `snapshot/leaves/${leaf}`;

const secondImplementation = (...args: string[]) => runProgram('python3', [PROGRAM, ...args]);
const secondOpinion = (directory: string, ...args: string[]) =>
  secondImplementation('verify', directory, publicKeyLine(TEST_KEY.publicKey), ...args);

/** Paths that our own verification has findings about. */
async function findingsOf(directory: string): Promise<string[]> {
  const options = { trusted: [TEST_KEY.publicKey], now: new Date(), reporter: SILENT };
  return (await verifyDirectory(directory, options)).failures.map(({ path }) => path);
}

async function flip(path: string): Promise<void> {
  const bytes = await readFile(path);
  const middle = bytes.length >> 1;
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  await writeFile(path, bytes);
}

/** Alters a signed database and signs everything above it anew, as somebody with the key could. */
const alterFormulas = (directory: string, statement: string): Promise<void> =>
  resignWith(directory, TEST_KEY, 'index/formulas.db', (local) => {
    const database = new DatabaseSync(local);
    database.exec(statement);
    database.close();
  });

const inDays = (count: number): string => new Date(Date.now() + count * 24 * 60 * MINUTE).toISOString();

const resign = (directory: string, key: SecretKey, from: number, to: number): Promise<void> =>
  resignRoot(directory, key, { created_at: inDays(from), expires_at: inDays(to) });

/** What is done to a copy of the mirror, and the path that must be named for it. */
const DAMAGES: [what: string, path: string, damage: (directory: string) => Promise<void>][] = [
  ['a bottle that was cut short', BOTTLE, (directory) => truncate(join(directory, BOTTLE), 1000)],
  ['a bottle that goes on', BOTTLE, (directory) => appendFile(join(directory, BOTTLE), 'more')],
  ['a missing bottle', BOTTLE, (directory) => rm(join(directory, BOTTLE))],
  ['a missing leaf', LEAF, (directory) => rm(join(directory, LEAF))],
  ['another key', 'snapshot/root.json.sig', (directory) => resign(directory, OTHER_KEY, -1, 1)],
  ['an expired root', 'snapshot/root.json', (directory) => resign(directory, TEST_KEY, -2, -1)],
  [
    'a stout signature that is older than the root',
    'index/manifest.json',
    (directory) => resign(directory, TEST_KEY, 0.1, 1),
  ],
  [
    'a signed database that names other bytes than the snapshot',
    BOTTLE,
    (directory) =>
      alterFormulas(directory, `UPDATE bottles SET sha256 = '${'0'.repeat(64)}' WHERE path = '${BOTTLE}'`),
  ],
  [
    'a signed database that lacks a bottle',
    BOTTLE,
    (directory) => alterFormulas(directory, `DELETE FROM bottles WHERE path = '${BOTTLE}'`),
  ],
  [
    'a database by another key under a root of ours',
    'index/formulas.db.sig',
    (directory) => resignWith(directory, TEST_KEY, 'index/formulas.db', () => undefined, OTHER_KEY),
  ],
  ...[
    BOTTLE,
    SUPERSEDED,
    'index/formulas/data/j/jq.json.zst',
    'index/formulas/index.db.zst',
    'index/casks.db',
    'index/casks.db.sig',
    'index/packages.json',
    'index/manifest.json',
    'manifest.json',
    'vulns/cve.db',
    LEAF,
  ].map((path): (typeof DAMAGES)[number] => [
    `one bit of ${path}`,
    path,
    (directory) => flip(join(directory, path)),
  ]),
];

describe('a second implementation', needs('python3', 'minisign', 'openssl', 'zstd'), () => {
  test('finds our mirror whole, with all files that ours counts', async () => {
    expect(await findingsOf(whole)).toEqual([]);
    const { totals } = JSON.parse(await readFile(join(whole, 'snapshot/root.json'), 'utf8'));
    expect(await secondOpinion(whole)).toEqual({
      status: 0,
      stdout: `whole: ${totals.files} files\n`,
      stderr: '',
    });
  });

  test('finds a mirror for brew whole, with bottles that only brew is told of', async () => {
    const [directory, newer] = [join(folder, 'brew'), join(folder, 'newer')];
    const formulas = CATALOG.formulas
      .filter(({ name }) => ['jq', 'oniguruma'].includes(name))
      .map((formula) => (formula.name === 'jq' ? { ...formula, version: '1.8.0' } : formula));
    await writeSampleUpstream(newer, { now: new Date(), formulas });
    const asked = { ...BREW_REQUEST, packages: ['jq'], tags: ['x86_64_linux'] };
    await makeBrewMirror(directory, { from: newer, upstream: inject('upstream'), request: asked });
    const database = new DatabaseSync(join(directory, 'index/formulas.db'), { readOnly: true });
    const sql = 'SELECT path FROM brew_bottles WHERE path NOT IN (SELECT path FROM bottles)';
    expect(database.prepare(sql).all()).not.toEqual([]);
    database.close();
    expect(await findingsOf(directory)).toEqual([]);
    expect(await secondOpinion(directory)).toMatchObject({ status: 0, stderr: '' });
  });

  test.each(DAMAGES)('finds %s, as ours does', { tags: 'long' }, async (_, path, damage) => {
    const directory = join(folder, 'damaged');
    await rm(directory, { recursive: true, force: true });
    await copyMirror(whole, directory);
    await damage(directory);
    const { status, stdout, stderr } = await secondOpinion(directory);
    expect([status, stderr]).toEqual([1, '']);
    expect(stdout.split('\n').map((line) => line.split(': ')[0])).toContain(path);
    expect(await findingsOf(directory)).toContain(path);
  });

  test('finds a leaf that goes on into the next one, as ours does', async () => {
    const directory = join(folder, 'overlapping');
    await copyMirror(whole, directory);
    const contents = await readContents(whole);
    if (!contents) throw new Error('no mirror');
    const made = overlapping({ ...contents, files: new Map() }, TEST_KEY);
    await writeMirror(directory, made);
    const { status, stdout, stderr } = await secondOpinion(directory);
    expect([status, stderr]).toEqual([1, '']);
    expect(stdout).toContain(`${made.leaf}: has names of the next leaf\n`);
    expect(await findingsOf(directory)).toContain(made.leaf);
  });

  test('finds a snapshot that is older than one seen before', async () => {
    const { version } = JSON.parse(await readFile(join(whole, 'snapshot/root.json'), 'utf8'));
    expect((await secondOpinion(whole, '--seen', String(version))).status).toBe(0);
    const { status, stdout } = await secondOpinion(whole, '--seen', String(version + 1));
    expect([status, stdout]).toEqual([1, 'snapshot/root.json: is older than one seen before\n']);
  });

  test('splits names into the same leaves', async () => {
    const names = Array.from(
      { length: 20_000 },
      (_, index) => `bottles/${index}-1.0.all.bottle.tar.gz`,
    ).sort();
    const list = join(folder, 'names');
    await writeFile(list, names.join('\n'));
    const { stdout } = await runProgram('sh', ['-c', `python3 "${PROGRAM}" leaves < "${list}"`]);
    const firsts = splitIntoLeaves(names.map((name) => ({ name }))).map(([first]) => first?.name);
    expect(stdout.trim().split('\n')).toEqual(firsts);
    expect(firsts.length).toBeGreaterThan(20);
  });

  test.each(['formulas/data/g/gtk+3', 'casks/data/v/visual-studio-code'])(
    'sends the same bytes for %s',
    async (name) => {
      const origin = 'https://mirror.example.com';
      const stored = join(whole, 'index', `${name}.json.zst`);
      const script = `python3 "${PROGRAM}" rewrite ${origin} < "${stored}" | sha256sum`;
      const { stdout } = await runProgram('sh', ['-c', script]);
      const json = JSON.parse((await runProgram('zstd', ['-dc', stored])).stdout);
      const ours = rawZstdFrame(new TextEncoder().encode(JSON.stringify(rewritePackageJson(json, origin))));
      expect(stdout.split(' ')[0]).toBe(createHash('sha256').update(ours).digest('hex'));
      expect(Buffer.from(ours).toString()).toContain(`"url":"${origin}/blobs/sha256/`);
    },
  );
});
