import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { caskDependencies, caskParts } from '../../builder/index/cask-relations.ts';
import { type CaskRow, writeCasksDatabase } from '../../builder/index/casks-database.ts';
import { type FormulaRow, writeFormulasDatabase } from '../../builder/index/formulas-database.ts';
import { type LinuxAppRow, writeLinuxAppsDatabase } from '../../builder/index/linux-apps-database.ts';
import { writeVulnerabilitiesDatabase } from '../../builder/index/vulnerability-database.ts';

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

function formula(name: string, more: Partial<FormulaRow> = {}): FormulaRow {
  return {
    name,
    version: '1.7.1',
    revision: 0,
    desc: `About ${name}`,
    homepage: null,
    license: 'MIT',
    tap: 'homebrew/core',
    deprecated: false,
    disabled: false,
    hasBottle: true,
    jsonHash: null,
    updatedAt: 1_763_892_672,
    dependencies: { runtime: [], build: [], test: [], optional: [], recommended: [] },
    aliases: [],
    bottles: [{ platform: 'all', file: FILE }],
    ...more,
  };
}

function cask(token: string, more: Partial<CaskRow> = {}): CaskRow {
  return {
    token,
    names: ['Visual Studio Code', 'VS Code'],
    version: '1.104.1',
    sha256: 'no_check',
    url: null,
    homepage: null,
    desc: 'Code editor',
    tap: 'homebrew/cask',
    autoUpdates: true,
    deprecated: false,
    disabled: false,
    jsonHash: null,
    updatedAt: null,
    parts: [],
    dependencies: [],
    files: [],
    ...more,
  };
}

const APP: LinuxAppRow = {
  token: 'obsidian',
  name: 'Obsidian',
  version: '1.9.12',
  desc: 'Knowledge base',
  homepage: null,
  source: 'appimage',
  downloadUrl: null,
  sha256: null,
  iconUrl: null,
  categories: ['Office', 'Utility'],
  license: null,
  flatpakId: null,
  snapName: null,
  jsonHash: null,
  file: FILE,
};

describe('writeFormulasDatabase', () => {
  it('gives the same bytes for the same formulas, in whatever order they come', async () => {
    const formulas = [formula('jq'), formula('curl'), formula('openssl@3')];
    writeFormulasDatabase(join(dir, 'a.db'), { ...PUBLISHED, formulas, withFiles: true });
    writeFormulasDatabase(join(dir, 'b.db'), {
      ...PUBLISHED,
      formulas: formulas.toReversed(),
      withFiles: true,
    });
    expect(await readFile(join(dir, 'a.db'))).toEqual(await readFile(join(dir, 'b.db')));
    expect(rows(join(dir, 'a.db'), 'PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }]);
  });

  it("has stout-index's columns on bottles, and the file's only when asked", () => {
    const formulas = [formula('jq')];
    const [plain, full] = [join(dir, 'plain.db'), join(dir, 'full.db')];
    writeFormulasDatabase(plain, { ...PUBLISHED, formulas });
    writeFormulasDatabase(full, { ...PUBLISHED, formulas, withFiles: true });
    expect(columns(plain, 'bottles')).toEqual(['formula', 'platform']);
    expect(rows(full, 'SELECT * FROM bottles')).toEqual([{ formula: 'jq', platform: 'all', ...FILE }]);
  });

  it('finds a formula by a word of its description, and follows later changes', () => {
    const path = join(dir, 'search.db');
    const found = "SELECT name FROM formulas_fts WHERE formulas_fts MATCH 'processor'";
    writeFormulasDatabase(path, { ...PUBLISHED, formulas: [formula('jq', { desc: 'JSON processor' })] });
    expect(rows(path, found)).toEqual([{ name: 'jq' }]);
    const database = new DatabaseSync(path);
    database.exec("UPDATE formulas SET desc = 'JSON tool'");
    database.close();
    expect(rows(path, found)).toEqual([]);
  });

  it('keeps the first of two equal aliases, and none that is a formula', () => {
    const path = join(dir, 'aliases.db');
    const formulas = [
      formula('lua', { aliases: ['lua@5.4', 'jq'] }),
      formula('lua@5.4', { aliases: ['l'] }),
      formula('jq', { aliases: ['l'] }),
    ];
    writeFormulasDatabase(path, { ...PUBLISHED, formulas });
    expect(rows(path, 'SELECT * FROM aliases')).toEqual([{ alias: 'l', formula: 'jq' }]);
  });

  it('lists dependencies by kind and counts the formulas in meta', () => {
    const path = join(dir, 'dependencies.db');
    const dependencies = { ...formula('').dependencies, runtime: ['oniguruma'], build: ['cmake'] };
    writeFormulasDatabase(path, { ...PUBLISHED, formulas: [formula('jq', { dependencies })] });
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
    const formulas = [formula('jq'), formula('jq')];
    expect(() => writeFormulasDatabase(path, { ...PUBLISHED, formulas })).toThrow(/UNIQUE constraint/);
    expect(existsSync(path)).toBe(false);
  });
});

describe('writeCasksDatabase', () => {
  it('joins names, and lists what a cask installs, needs and downloads', () => {
    const path = join(dir, 'casks.db');
    const code = cask('visual-studio-code', {
      parts: caskParts([
        { type: 'app', source: 'Code.app' },
        { type: 'pkg', path: 'c.pkg' },
        { type: 'zap' },
      ]),
      dependencies: caskDependencies({
        macos: { '>=': ['10.15'] },
        formula: ['jq'],
        arch: [{ type: 'intel' }],
      }),
      files: [
        { arch: 'intel', file: FILE },
        { arch: 'arm64', file: FILE },
      ],
    });
    writeCasksDatabase(path, { ...PUBLISHED, casks: [code], withFiles: true });
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
    writeCasksDatabase(path, { ...PUBLISHED, casks: [cask('firefox')] });
    expect(columns(path, 'artifacts')).toEqual([]);
  });
});

describe('writeLinuxAppsDatabase', () => {
  it('lists apps, with a download only for those that have one', () => {
    const path = join(dir, 'linux-apps.db');
    const gimp = { ...APP, token: 'org.gimp.gimp', source: 'flatpak', file: undefined };
    writeLinuxAppsDatabase(path, { version: '1', apps: [gimp, APP], withFiles: true });
    expect(rows(path, 'SELECT token, categories FROM linux_apps')).toEqual([
      { token: 'obsidian', categories: 'Office,Utility' },
      { token: 'org.gimp.gimp', categories: 'Office,Utility' },
    ]);
    expect(rows(path, 'SELECT * FROM artifacts')).toEqual([{ token: 'obsidian', ...FILE }]);
  });
});

describe('writeVulnerabilitiesDatabase', () => {
  it("answers the client's audit query and counts by ecosystem", () => {
    const path = join(dir, 'vulnerabilities.db');
    const unknown = { details: null, published: null, modified: null, referencesJson: null };
    const affected = ['curl', 'libcurl'].map((name) => ({
      formula: name,
      ecosystem: 'OSS-Fuzz',
      package: name,
      affectedVersions: '>=8.6.0, <8.9.0',
      fixedVersion: '8.9.0',
    }));
    const vulnerability = {
      id: 'CVE-2024-6197',
      summary: 'bad free',
      severity: 'high',
      ...unknown,
      affected,
    };
    writeVulnerabilitiesDatabase(path, { ...PUBLISHED, vulnerabilities: [vulnerability] });
    const audit = `SELECT v.id, a.fixed_version FROM vulnerabilities v
      JOIN affected_packages a ON v.id = a.vuln_id WHERE a.formula = 'curl'`;
    expect(rows(path, audit)).toEqual([{ id: 'CVE-2024-6197', fixed_version: '8.9.0' }]);
    expect(rows(path, 'SELECT * FROM stats')).toEqual([
      { ecosystem: 'OSS-Fuzz', vuln_count: 1, package_count: 2 },
    ]);
  });
});
