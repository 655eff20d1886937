import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeIndexDatabase } from '../../builder/database/database.ts';
import { writeVulnerabilityDatabase } from '../../builder/database/vulnerabilities.ts';
import { cask } from '../../format/packages/cask.ts';
import { formula } from '../../format/packages/formula.ts';
import type { PackageKind, StoredFile } from '../../format/packages/kind.ts';
import { linuxApp } from '../../format/packages/linux-app.ts';
import { parseValue } from '../../format/parse.ts';

const PUBLISHED = { version: '2026.11.23.1011', createdAt: '2026-11-23T10:11:12.000Z' };
const FILE = { path: 'bottles/jq-1.7.1.all.bottle.tar.gz', sha256: 'ab'.repeat(32), size: 1234 };

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'database-'));
});
afterAll(() => rm(dir, { recursive: true }));

function rows(path: string, sql: string): Record<string, unknown>[] {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    return database
      .prepare(sql)
      .all()
      .map((row) => ({ ...row }));
  } finally {
    database.close();
  }
}

function columns(path: string, table: string): unknown[] {
  return rows(path, `SELECT name FROM pragma_table_info('${table}')`).map(({ name }) => name);
}

/** A package as a database takes it, from its description and files. */
function rowsOf(kind: PackageKind, json: object, files: Record<string, StoredFile> = {}) {
  const parsed = parseValue(kind.schema, json, kind.id);
  const item = { json: parsed, jsonHash: null, upstreamHash: null, updatedAt: 1_763_892_672 };
  const rows = kind.rows({ ...item, files: new Map(Object.entries(files)) });
  return { name: kind.summary(parsed).name, rows };
}

const formulaRows = (name: string, more: object = {}) =>
  rowsOf(formula, { name, version: '1.7.1', desc: `About ${name}`, ...more }, { all: FILE });

const CODE = {
  ...{ token: 'visual-studio-code', name: ['Visual Studio Code', 'VS Code'], version: '1.104.1' },
  ...{ sha256: 'no_check', url: 'https://example.org/code.zip', desc: 'Code editor', auto_updates: true },
};

const APP = {
  ...{ token: 'obsidian', name: 'Obsidian', version: '1.9.12', desc: 'Knowledge base', homepage: null },
  ...{ source: 'appimage', download_url: null, sha256: null, icon_url: null, license: null },
  ...{ categories: 'Office,Utility', flatpak_id: null, snap_name: null },
};

/** Everything in a database that stout makes, if it is not there, each time that it opens one. */
const MADE_BY_STOUT = [
  ...[
    'formulas',
    'formulas_fts',
    'formulas_ai',
    'formulas_ad',
    'formulas_au',
    'dependencies',
    'bottles',
    'aliases',
  ],
  ...['casks', 'casks_fts', 'casks_ai', 'casks_ad', 'casks_au', 'cask_dependencies', 'meta'],
  ...['idx_dependencies_formula', 'idx_dependencies_dep', 'idx_bottles_formula', 'idx_formulas_tap'],
  ...['idx_casks_tap', 'idx_cask_dependencies_cask', 'idx_cask_dependencies_dep'],
];

/** Opens a database as stout does: with write-ahead logging, and making all of that. */
function openAsStout(path: string): DatabaseSync {
  const database = new DatabaseSync(path);
  database.exec('PRAGMA journal_mode = WAL');
  for (const name of MADE_BY_STOUT) {
    if (name.startsWith('idx_')) database.exec(`CREATE INDEX IF NOT EXISTS ${name} ON meta(key)`);
    else if (/_a[idu]$/.test(name))
      database.exec(`CREATE TRIGGER IF NOT EXISTS ${name} AFTER INSERT ON meta BEGIN SELECT 1; END`);
    else database.exec(`CREATE TABLE IF NOT EXISTS ${name} (key, value)`);
  }
  return database;
}

describe('the databases that stout opens', () => {
  const namesIn = (path: string): unknown[] =>
    rows(path, 'SELECT name FROM sqlite_master').map(({ name }) => name);

  it.each([formula, cask])('$plural: a mirror has all that stout would add, and no rows in it', (kind) => {
    const path = join(dir, `for-stout-${kind.id}.db`);
    writeIndexDatabase(path, kind, { ...PUBLISHED, packages: [], mirror: true });
    expect(namesIn(path)).toEqual(expect.arrayContaining(MADE_BY_STOUT));
    expect(rows(path, 'SELECT * FROM casks')).toEqual([]);
    expect(rows(path, 'SELECT * FROM formulas')).toEqual([]);
  });

  it.each<[string, PackageKind, (name: string) => ReturnType<typeof rowsOf>]>([
    ['formulas', formula, (name) => formulaRows(name)],
    ['casks', cask, (token) => rowsOf(cask, { ...CODE, token })],
  ])('%s: when an open one is replaced, the new one is what stout then reads', (table, kind, rowsFor) => {
    const path = join(dir, `replaced-${table}.db`);
    const write = (to: string, count: number): void => {
      const packages = Array.from({ length: count }, (_, index) => rowsFor(`package-${index}`));
      writeIndexDatabase(to, kind, { ...PUBLISHED, packages, mirror: true });
    };
    write(path, 1);
    const open = openAsStout(path);
    write(`${path}.tmp`, 500);
    renameSync(`${path}.tmp`, path);
    const reopened = openAsStout(path);
    expect(reopened.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
    expect(reopened.prepare(`SELECT count(*) AS count FROM ${table}`).get()).toEqual({ count: 500 });
    for (const database of [reopened, open]) database.close();
  });

  it('is not hidden by the log of an index that could not be read, which is why `config` says to make one', () => {
    const path = join(dir, 'first.db');
    writeFileSync(path, 'none\n');
    expect(() => openAsStout(path)).toThrow('not a database');
    writeIndexDatabase(`${path}.tmp`, formula, { ...PUBLISHED, packages: [formulaRows('jq')], mirror: true });
    renameSync(`${path}.tmp`, path);
    const opened = openAsStout(path);
    expect(opened.prepare('SELECT name FROM formulas').all()).toEqual([{ name: 'jq' }]);
    opened.close();
  });

  it('an upstream has only its own', () => {
    const path = join(dir, 'upstream.db');
    writeIndexDatabase(path, formula, { ...PUBLISHED, packages: [], mirror: false });
    expect(namesIn(path)).not.toContain('casks');
  });

  it('can be opened on a medium that is read-only: the header does not ask for write-ahead logging', async () => {
    const path = join(dir, 'header.db');
    writeIndexDatabase(path, formula, { ...PUBLISHED, packages: [formulaRows('jq')], mirror: true });
    expect([...(await readFile(path)).subarray(18, 20)]).toEqual([1, 1]);
  });
});

describe('the database of formulas', () => {
  it('gives the same bytes for the same formulas, in whatever order they come', async () => {
    const packages = ['jq', 'curl', 'openssl@3'].map((name) => formulaRows(name));
    writeIndexDatabase(join(dir, 'a.db'), formula, { ...PUBLISHED, packages, mirror: true });
    const reversed = packages.toReversed();
    writeIndexDatabase(join(dir, 'b.db'), formula, { ...PUBLISHED, packages: reversed, mirror: true });
    expect(await readFile(join(dir, 'a.db'))).toEqual(await readFile(join(dir, 'b.db')));
    expect(rows(join(dir, 'a.db'), 'PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }]);
  });

  it("has stout-index's columns on bottles, and the file's only when asked", () => {
    const packages = [formulaRows('jq')];
    const [plain, full] = [join(dir, 'plain.db'), join(dir, 'full.db')];
    writeIndexDatabase(plain, formula, { ...PUBLISHED, packages, mirror: false });
    writeIndexDatabase(full, formula, { ...PUBLISHED, packages, mirror: true });
    expect(columns(plain, 'bottles')).toEqual(['formula', 'platform']);
    expect(rows(full, 'SELECT * FROM bottles')).toEqual([{ formula: 'jq', platform: 'all', ...FILE }]);
  });

  it('finds a formula by a word of its description, and follows later changes', () => {
    const path = join(dir, 'search.db');
    const found = "SELECT name FROM formulas_fts WHERE formulas_fts MATCH 'processor'";
    const packages = [formulaRows('jq', { desc: 'JSON processor' })];
    writeIndexDatabase(path, formula, { ...PUBLISHED, packages, mirror: false });
    expect(rows(path, found)).toEqual([{ name: 'jq' }]);
    const database = new DatabaseSync(path);
    database.exec("UPDATE formulas SET desc = 'JSON tool'");
    database.close();
    expect(rows(path, found)).toEqual([]);
  });

  it('keeps the first of two equal aliases, and none that is a formula', () => {
    const path = join(dir, 'aliases.db');
    const packages = [
      formulaRows('lua', { aliases: ['lua@5.4', 'jq'] }),
      formulaRows('lua@5.4', { aliases: ['l'] }),
      formulaRows('jq', { aliases: ['l'] }),
    ];
    writeIndexDatabase(path, formula, { ...PUBLISHED, packages, mirror: false });
    expect(rows(path, 'SELECT * FROM aliases')).toEqual([{ alias: 'l', formula: 'jq' }]);
  });

  it('lists dependencies by kind and counts the formulas in meta', () => {
    const path = join(dir, 'dependencies.db');
    const packages = [formulaRows('jq', { dependencies: { runtime: ['oniguruma'], build: ['cmake'] } })];
    writeIndexDatabase(path, formula, { ...PUBLISHED, packages, mirror: false });
    expect(rows(path, 'SELECT dep_name, dep_type FROM dependencies ORDER BY dep_name')).toEqual([
      { dep_name: 'cmake', dep_type: 'build' },
      { dep_name: 'oniguruma', dep_type: 'runtime' },
    ]);
    expect(rows(path, 'SELECT * FROM meta')).toEqual([
      { key: 'version', value: PUBLISHED.version },
      { key: 'created_at', value: PUBLISHED.createdAt },
      { key: 'formula_count', value: '1' },
    ]);
  });

  it('fails and leaves no file when a formula comes twice', () => {
    const path = join(dir, 'twice.db');
    const contents = { ...PUBLISHED, packages: [formulaRows('jq'), formulaRows('jq')], mirror: true };
    expect(() => writeIndexDatabase(path, formula, contents)).toThrow(/UNIQUE constraint/);
    expect(existsSync(path)).toBe(false);
  });
});

describe('the database of casks', () => {
  it('joins names, and lists what a cask installs, needs and downloads', () => {
    const path = join(dir, 'casks.db');
    const description = {
      ...CODE,
      artifacts: [{ type: 'app', source: 'Code.app' }, { type: 'pkg', path: 'c.pkg' }, { type: 'zap' }],
      depends_on: { macos: { '>=': ['10.15'] }, formula: ['jq'], arch: [{ type: 'intel' }] },
    };
    const code = rowsOf(cask, description, { intel: FILE, arm64: FILE });
    writeIndexDatabase(path, cask, { ...PUBLISHED, packages: [code], mirror: true });
    expect(rows(path, 'SELECT name FROM casks_fts WHERE casks_fts MATCH \'"VS Code"\'')).toEqual([
      { name: 'Visual Studio Code, VS Code' },
    ]);
    expect(rows(path, 'SELECT artifact_type, source FROM cask_artifacts')).toEqual([
      { artifact_type: 'app', source: 'Code.app' },
      { artifact_type: 'pkg', source: 'c.pkg' },
      { artifact_type: 'zap', source: '' },
    ]);
    expect(rows(path, 'SELECT dep_type, dep_value FROM cask_dependencies ORDER BY dep_type')).toEqual([
      { dep_type: 'formula', dep_value: 'jq' },
      { dep_type: 'macos_>=', dep_value: '10.15' },
    ]);
    expect(rows(path, 'SELECT * FROM artifacts')).toEqual([
      { cask: 'visual-studio-code', arch: 'arm64', ...FILE },
      { cask: 'visual-studio-code', arch: 'intel', ...FILE },
    ]);
  });

  it('has no table of downloads unless asked', () => {
    const path = join(dir, 'plain-casks.db');
    writeIndexDatabase(path, cask, { ...PUBLISHED, packages: [rowsOf(cask, CODE)], mirror: false });
    expect(columns(path, 'artifacts')).toEqual([]);
  });
});

describe('the database of Linux apps', () => {
  it('lists apps, with a download only for those that have one', () => {
    const path = join(dir, 'linux-apps.db');
    const gimp = rowsOf(linuxApp, { ...APP, token: 'org.gimp.gimp', source: 'flatpak' });
    const packages = [gimp, rowsOf(linuxApp, APP, { '': FILE })];
    writeIndexDatabase(path, linuxApp, { ...PUBLISHED, packages, mirror: true });
    expect(rows(path, 'SELECT token, categories FROM linux_apps')).toEqual([
      { token: 'obsidian', categories: 'Office,Utility' },
      { token: 'org.gimp.gimp', categories: 'Office,Utility' },
    ]);
    expect(rows(path, 'SELECT * FROM artifacts')).toEqual([{ token: 'obsidian', ...FILE }]);
  });
});

describe('the vulnerability database', () => {
  it("answers the client's audit query and counts by ecosystem", () => {
    const path = join(dir, 'vulnerabilities.db');
    const unknown = { details: null, published: null, modified: null, references_json: null };
    const affected = ['curl', 'libcurl'].map((name) => ({
      ...{ vuln_id: 'CVE-2024-6197', formula: name, ecosystem: 'OSS-Fuzz', package: name },
      ...{ affected_versions: '>=8.6.0, <8.9.0', fixed_version: '8.9.0' },
    }));
    const vulnerability = { id: 'CVE-2024-6197', summary: 'bad free', severity: 'high', ...unknown };
    writeVulnerabilityDatabase(path, { vulnerabilities: [vulnerability], affected }, PUBLISHED);
    const audit = `SELECT v.id, a.fixed_version FROM vulnerabilities v
      JOIN affected_packages a ON v.id = a.vuln_id WHERE a.formula = 'curl'`;
    expect(rows(path, audit)).toEqual([{ id: 'CVE-2024-6197', fixed_version: '8.9.0' }]);
    expect(rows(path, 'SELECT * FROM stats')).toEqual([
      { ecosystem: 'OSS-Fuzz', vuln_count: 1, package_count: 2 },
    ]);
  });
});
