import { createHash } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { describe, expect, inject, test } from 'vitest';
import { readContents } from '../../builder/directory/mirror.ts';
import { verifyDirectory } from '../../builder/verify/verify-directory.ts';
import { keyIdText, publicKeyLine } from '../../format/minisign/public-key.ts';
import { rewritePackageJson } from '../../format/package-json.ts';
import { splitIntoLeaves } from '../../format/snapshot/boundaries.ts';
import { rawZstdFrame } from '../../format/zstd.ts';
import { CATALOG } from '../../scripts/sample/catalog.ts';
import { writeSampleUpstream } from '../../scripts/sample/write.ts';
import { BREW_REQUEST, makeBrewMirror } from '../builder/homebrew/sample.ts';
import { writeUpstream } from '../builder/upstream.ts';
import { overlapping } from '../format/overlapping.ts';
import {
  FOLDER_DAMAGES,
  makeDamageable,
  pathIn,
  withoutSignature,
} from '../support/faults/folder-damages.ts';
import { TEST_KEY } from '../support/keys.ts';
import { copyMirror, makeMirror, REQUEST } from '../support/mirror.ts';
import { needs, runProgram } from '../support/programs.ts';
import { writeMirror } from '../support/runtimes.ts';
import { SILENT } from '../support/silent.ts';
import { temporaryFolder } from '../support/temporary.ts';

/**
 * Whether docs/format.md says all that a second implementation needs: one in Python, written from that page, must find our
 * mirrors whole, and in a damaged one the file that our own verification finds.
 */
const PROGRAM = fileURLToPath(new URL('second-implementation.py', import.meta.url));
const folder = await temporaryFolder();
const whole = join(folder, 'whole');
await makeDamageable(whole);

const secondImplementation = (...args: string[]) => runProgram('python3', [PROGRAM, ...args]);
const secondOpinion = (directory: string, ...args: string[]) =>
  secondImplementation('verify', directory, '--trust', publicKeyLine(TEST_KEY.publicKey), ...args);

/** Paths that our own verification has findings about. */
async function findingsOf(directory: string): Promise<string[]> {
  const options = { trusted: [TEST_KEY.publicKey], now: new Date(), reporter: SILENT };
  return (await verifyDirectory(directory, options)).failures.map(({ path }) => path);
}

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

  test('finds a mirror on demand whole, with files of unknown size', async () => {
    const [directory, upstream] = [join(folder, 'on-demand'), join(folder, 'far')];
    const sha256 = '0'.repeat(64);
    const bottles = { all: { url: `https://ghcr.io/v2/homebrew/core/far/blobs/sha256:${sha256}`, sha256 } };
    await writeUpstream(upstream, { formulas: [{ name: 'far', json: { bottles } }, { name: 'near' }] });
    const request = { ...REQUEST, packages: ['far', 'near'], casks: [], vulnerabilities: false };
    await makeMirror(directory, { upstream, request: { ...request, on_demand: true, whole: ['near'] } });
    expect(await findingsOf(directory)).toEqual([]);
    const { totals } = JSON.parse(await readFile(join(directory, 'snapshot/root.json'), 'utf8'));
    expect((await secondOpinion(directory)).stdout).toBe(`whole: ${totals.files - 1} files, 1 on demand\n`);
  });

  test('finds a mirror for brew whole, with bottles that only brew sees', async () => {
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

  // `test/verify/directory.test.ts` has ours find the same.
  test.each(FOLDER_DAMAGES)('finds $what', { tags: 'long' }, async (damage) => {
    const directory = join(folder, 'damaged');
    await rm(directory, { recursive: true, force: true });
    await copyMirror(whole, directory);
    await damage.damage(directory);
    const { status, stdout, stderr } = await secondOpinion(directory);
    expect([status, stderr]).toEqual([1, '']);
    const named = stdout.split('\n').map((line) => withoutSignature(line.split(': ')[0] ?? ''));
    expect(named).toContain(withoutSignature(await pathIn(whole, damage)));
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
    const { mirror, version } = JSON.parse(await readFile(join(whole, 'snapshot/root.json'), 'utf8'));
    const seen = join(folder, 'seen.json');
    const signer = keyIdText(TEST_KEY.keyId);
    expect((await secondOpinion(whole, '--seen', seen)).status).toBe(0);
    expect(JSON.parse(await readFile(seen, 'utf8'))).toEqual({ [mirror]: { [signer]: version } });
    await writeFile(seen, JSON.stringify({ [mirror]: { [signer]: version + 1 } }));
    const { status, stdout } = await secondOpinion(whole, '--seen', seen);
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
