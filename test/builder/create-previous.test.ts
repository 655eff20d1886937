import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import * as v from 'valibot';
import { beforeAll, describe, expect, it } from 'vitest';
import { DatabaseReader } from '../../builder/database/reader.ts';
import { readContents } from '../../builder/directory/mirror.ts';
import { localPath } from '../../builder/directory/paths.ts';
import { verifyDirectory } from '../../builder/verify/verify-directory.ts';
import { keyIdText } from '../../format/minisign/public-key.ts';
import { resignText } from '../docs/leaf-text.ts';
import { OTHER_KEY, TEST_KEY } from '../support/keys.ts';
import { copyMirror, makeMirror, REQUEST } from '../support/mirror.ts';
import { SILENT } from '../support/silent.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder();
const original = join(folder, 'original');
const withoutGit = { ...REQUEST, packages: ['jq'] };
let copies = 0;

beforeAll(() => makeMirror(original));

async function copy(): Promise<string> {
  const directory = join(folder, `copy-${++copies}`);
  await copyMirror(original, directory);
  return directory;
}

const superseded = async (directory: string): Promise<string[]> =>
  ((await readContents(directory))?.entries ?? [])
    .filter((entry) => entry.until !== undefined)
    .map((entry) => entry.name);

const mirrorOf = async (directory: string): Promise<string | undefined> =>
  (await readContents(directory))?.snapshot.mirror;

const isWhole = async (directory: string): Promise<boolean> =>
  (await verifyDirectory(directory, { trusted: [TEST_KEY.publicKey], now: new Date(), reporter: SILENT })).ok;

describe('createMirror: carrying on from what is there', () => {
  it('when the mirror is signed with our key, keeps what it drops by name and by content', async () => {
    const directory = await copy();
    await makeMirror(directory, { request: withoutGit });
    const names = await superseded(directory);
    expect(names.filter((name) => name.startsWith('bottles/git-'))).toHaveLength(3);
    expect(names.filter((name) => name.startsWith('blobs/'))).toHaveLength(names.length / 2);
  });

  it('when it is signed with another key, refuses, and leaves it as it is', async () => {
    const directory = join(folder, 'foreign');
    await makeMirror(directory, { key: OTHER_KEY });
    const before = await readFile(join(directory, 'snapshot/root.json'), 'utf8');
    await expect(makeMirror(directory, { request: withoutGit })).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('--trust'),
      expected: `key ${keyIdText(TEST_KEY.keyId)}`,
      found: `key ${keyIdText(OTHER_KEY.keyId)}`,
    });
    expect(await readFile(join(directory, 'snapshot/root.json'), 'utf8')).toBe(before);
  });

  it('when the other key is trusted, the key can be changed without losing anything', async () => {
    const directory = join(folder, 'rotated');
    await makeMirror(directory, { key: OTHER_KEY });
    await makeMirror(directory, { request: withoutGit, trusted: [OTHER_KEY.publicKey] });
    expect(await superseded(directory)).not.toEqual([]);
    expect(await mirrorOf(directory)).toContain(keyIdText(OTHER_KEY.keyId));
  });

  it('when the last version has no successor, refuses to continue it, and leaves it as it is', async () => {
    const directory = await copy();
    await resignText(directory, TEST_KEY, (text) => text, { version: Number.MAX_SAFE_INTEGER });
    const before = await readFile(join(directory, 'snapshot/root.json'), 'utf8');
    await expect(makeMirror(directory)).rejects.toMatchObject({ code: 'refused' });
    expect(await readFile(join(directory, 'snapshot/root.json'), 'utf8')).toBe(before);
  });

  it('when its format is older, says so and makes it from scratch, as another mirror', async () => {
    const directory = await copy();
    await resignText(directory, TEST_KEY, (text) => text, { format: 1, mirror: undefined });
    const warnings: string[] = [];
    const reporter = { ...SILENT, warn: (text: string) => void warnings.push(text) };
    await makeMirror(directory, { request: withoutGit, reporter });
    expect(warnings).toEqual([expect.stringContaining('make it again with create')]);
    expect(await superseded(directory)).toEqual([]);
    expect(await isWhole(directory)).toBe(true);
  });

  it.each(['manifest.json', 'snapshot/root.json', 'leaf'])(
    'when its %s is damaged or gone, makes it from scratch',
    async (which) => {
      const directory = await copy();
      const leaf = (await readContents(directory))?.snapshot.leaves[0]?.sha256;
      const path = localPath(directory, which === 'leaf' ? `snapshot/leaves/${leaf}.tsv` : which);
      const mirror = await mirrorOf(directory);
      await writeFile(path, (await readFile(path)).subarray(1));
      // The id of a mirror has the second in which it was first made.
      const now = new Date(Date.now() + 2_000);
      expect(await makeMirror(directory, { now })).toMatchObject({ downloaded: { files: 0 } });
      expect(await isWhole(directory)).toBe(true);
      // A root that cannot be trusted cannot be continued.
      expect((await mirrorOf(directory)) === mirror).toBe(which !== 'snapshot/root.json');
      await rm(path, { force: true });
      await makeMirror(directory, { now });
      expect(await isWhole(directory)).toBe(true);
    },
  );
});

it('when only its policy.json is damaged, warns, and goes on from all the rest', async () => {
  const directory = await copy();
  const path = join(directory, 'policy.json');
  await writeFile(path, (await readFile(path)).subarray(1));
  const warnings: string[] = [];
  const reporter = { ...SILENT, warn: (text: string) => void warnings.push(text) };
  await makeMirror(directory, { request: withoutGit, reporter });
  expect(warnings).toEqual([expect.stringContaining('policy.json is not as signed')]);
  expect(await superseded(directory)).not.toEqual([]);
  expect(await isWhole(directory)).toBe(true);
});

describe('createMirror: the index databases', () => {
  const FILES = [
    'formulas.db',
    'casks.db',
    'formulas/index.db.zst',
    'casks/index.db.zst',
    'packages.tsv',
    'summary.json',
  ];
  const later = new Date(Date.now() + 3_600_000);

  async function indexOf(directory: string) {
    const files = FILES.map((name) => readFile(join(directory, 'index', name), 'base64'));
    const manifest = JSON.parse(await readFile(join(directory, 'index/manifest.json'), 'utf8'));
    return { files: await Promise.all(files), manifest };
  }

  it('when nothing changes, stay with their version, and only their signatures are new', async () => {
    const directory = await copy();
    const before = await indexOf(directory);
    await makeMirror(directory, { now: later });
    const after = await indexOf(directory);
    expect(after.files).toEqual(before.files);
    const { signed_at, signature } = after.manifest;
    expect(after.manifest).toEqual({ ...before.manifest, signed_at, signature });
    expect(signed_at).toBe(Math.floor(later.getTime() / 1000));
    expect(await isWhole(directory)).toBe(true);
  });

  it('when a cask goes, that of formulas is made anew for its version', async () => {
    const directory = await copy();
    await makeMirror(directory, { request: { ...REQUEST, casks: ['firefox'] }, now: later });
    const { manifest } = await indexOf(directory);
    const reader = DatabaseReader.open(join(directory, 'index/formulas.db'), 'formulas.db');
    const meta = v.object({ value: v.literal(manifest.version) });
    expect(reader.rows(meta, "SELECT value FROM meta WHERE key = 'version'")).toHaveLength(1);
    reader.close();
  });

  it.each(['index/formulas/index.db.zst', 'index/casks.db', 'index/manifest.json'])(
    'when %s is damaged, are made anew with a version of their own',
    async (path) => {
      const directory = await copy();
      const before = await indexOf(directory);
      await writeFile(join(directory, path), 'damaged');
      await makeMirror(directory, { now: later });
      expect((await indexOf(directory)).manifest.version).not.toBe(before.manifest.version);
      expect(await isWhole(directory)).toBe(true);
    },
  );

  it('when a formula goes and all others stay, no longer name it, and that of casks stays', {
    tags: ['long'],
  }, async () => {
    const directory = await copy();
    const before = await indexOf(directory);
    await makeMirror(directory, { request: withoutGit, now: later });
    const after = await indexOf(directory);
    expect(after.manifest.version).not.toBe(before.manifest.version);
    expect(after.manifest.indexes.casks).toEqual(before.manifest.indexes.casks);
    expect(FILES.map((_, index) => after.files[index] === before.files[index])).toEqual([
      ...[false, true, false, true, false, false],
    ]);
    expect(await isWhole(directory)).toBe(true);
    const reader = DatabaseReader.open(join(directory, 'index/formulas.db'), 'formulas.db');
    const names = reader.rows(v.object({ name: v.string() }), 'SELECT name FROM formulas');
    reader.close();
    expect(names).not.toContainEqual({ name: 'git' });
    expect(names).toContainEqual({ name: 'jq' });
  });
});

describe('createMirror: in a folder that somebody else prepared', () => {
  it('when a folder of it is a link that leads out, refuses and writes nothing there', async () => {
    const [directory, outside] = [join(folder, 'prepared'), join(folder, 'outside')];
    await mkdir(join(directory, '.stout-mirror'), { recursive: true });
    await mkdir(outside);
    await symlink(outside, join(directory, 'index'));
    await expect(makeMirror(directory)).rejects.toMatchObject({ code: 'refused' });
    expect(await readdir(outside)).toEqual([]);
  });

  it('when it has an unfinished change whose bytes are not those of their name, refuses it', async () => {
    const directory = await copy();
    const sha256 = '0'.repeat(64);
    await mkdir(join(directory, '.stout-mirror/incoming'), { recursive: true });
    await writeFile(join(directory, '.stout-mirror/incoming', sha256), 'anything');
    const journal = { writes: [{ path: 'bottles/evil.tar.gz', sha256 }], removes: [] };
    await writeFile(join(directory, '.stout-mirror/journal.json'), JSON.stringify(journal));
    await expect(makeMirror(directory)).rejects.toMatchObject({ code: 'mismatch' });
    expect(await readdir(join(directory, 'bottles'))).not.toContain('evil.tar.gz');
  });
});

describe('DatabaseReader', () => {
  it("when a database has a view under a table's name, refuses it: its query could run for ever", () => {
    const path = join(folder, 'endless.db');
    const database = new DatabaseSync(path);
    database.exec(
      'CREATE VIEW formulas AS WITH RECURSIVE n(name) AS (SELECT 1 UNION ALL SELECT name + 1 FROM n) SELECT name FROM n',
    );
    database.close();
    expect(() => DatabaseReader.open(path, 'endless.db')).toThrow(
      expect.objectContaining({ code: 'bad-input', where: 'endless.db' }),
    );
  });
});
