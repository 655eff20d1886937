import type { DatabaseSync } from 'node:sqlite';
import {
  createDatabase,
  inserter,
  insertMeta,
  META_TABLE,
  type StoredFile,
  searchIndex,
  sortedBy,
} from './database.ts';

/** The names of formulas that one needs, by when it needs them. */
export interface Dependencies {
  runtime: string[];
  build: string[];
  test: string[];
  optional: string[];
  recommended: string[];
}

/** A formula as the index lists it. */
export interface FormulaRow {
  name: string;
  version: string;
  revision: number;
  desc: string | null;
  homepage: string | null;
  license: string | null;
  tap: string;
  deprecated: boolean;
  disabled: boolean;
  hasBottle: boolean;
  /** SHA-256, in hex, of the compressed package JSON. */
  jsonHash: string | null;
  /** The upstream's own `json_hash`, by which a change there is seen; kept only in a database made with `withFiles`. */
  upstreamHash?: string | null;
  /** Unix seconds. */
  updatedAt: number | null;
  dependencies: Dependencies;
  aliases: string[];
  /** One per platform tag; `file` is kept only in a database made with `withFiles`. */
  bottles: { platform: string; file?: StoredFile | undefined }[];
}

/** A bottle as brew is told of it, for one platform. */
export interface BrewBottleRow {
  formula: string;
  tag: string;
  file: StoredFile;
}

export interface FormulasDatabase {
  version: string;
  /** ISO 8601, UTC. */
  createdAt: string;
  formulas: readonly FormulaRow[];
  /** Adds the column upstream_hash, and path, sha256 and size to `bottles`; without it the schema is stout-index's own. */
  withFiles?: boolean;
  /** Adds the table `brew_bottles`, of what a mirror has for brew. */
  brewBottles?: readonly BrewBottleRow[] | undefined;
}

/**
 * Writes formulas.db at `path` in stout-index's schema, sorted by name; equal input gives equal bytes. An alias that
 * is a formula's name, or that another formula has already, is left out. Two formulas of one name are SQLite's
 * constraint error, and no file.
 */
export function writeFormulasDatabase(path: string, contents: FormulasDatabase): void {
  const { version, createdAt, withFiles = false, brewBottles } = contents;
  const formulas = sortedBy(contents.formulas, (formula) => formula.name);
  createDatabase(path, schema(withFiles) + (brewBottles ? BREW_TABLE : ''), (database) => {
    insertFormulas(database, formulas, withFiles);
    insertDependencies(database, formulas);
    insertBottles(database, formulas, withFiles);
    insertAliases(database, formulas);
    if (brewBottles) insertBrewBottles(database, brewBottles);
    insertMeta(database, { version, created_at: createdAt, formula_count: formulas.length });
  });
}

const BREW_TABLE = `
  CREATE TABLE brew_bottles (
    formula TEXT NOT NULL, tag TEXT NOT NULL, path TEXT NOT NULL, sha256 TEXT NOT NULL, size INTEGER NOT NULL,
    PRIMARY KEY (formula, tag));`;

function schema(withFiles: boolean): string {
  const fileColumns = withFiles ? 'path TEXT, sha256 TEXT, size INTEGER,' : '';
  const hashColumn = withFiles ? ', upstream_hash TEXT' : '';
  return `
    CREATE TABLE formulas (
      name TEXT PRIMARY KEY, version TEXT NOT NULL, revision INTEGER DEFAULT 0, desc TEXT, homepage TEXT,
      license TEXT, tap TEXT DEFAULT 'homebrew/core', deprecated INTEGER DEFAULT 0, disabled INTEGER DEFAULT 0,
      has_bottle INTEGER DEFAULT 1, json_hash TEXT, updated_at INTEGER${hashColumn});
    ${searchIndex('formulas', ['name', 'desc'])}
    CREATE TABLE dependencies (
      formula TEXT NOT NULL, dep_name TEXT NOT NULL, dep_type TEXT NOT NULL,
      PRIMARY KEY (formula, dep_name, dep_type), FOREIGN KEY (formula) REFERENCES formulas(name));
    CREATE TABLE bottles (
      formula TEXT NOT NULL, platform TEXT NOT NULL, ${fileColumns}
      PRIMARY KEY (formula, platform), FOREIGN KEY (formula) REFERENCES formulas(name));
    CREATE TABLE aliases (
      alias TEXT PRIMARY KEY, formula TEXT NOT NULL, FOREIGN KEY (formula) REFERENCES formulas(name));
    ${META_TABLE}
    CREATE INDEX idx_dependencies_formula ON dependencies(formula);
    CREATE INDEX idx_dependencies_dep ON dependencies(dep_name);
    CREATE INDEX idx_bottles_formula ON bottles(formula);
    CREATE INDEX idx_formulas_tap ON formulas(tap);`;
}

function insertFormulas(database: DatabaseSync, formulas: FormulaRow[], withFiles: boolean): void {
  const insert = inserter(database, 'formulas');
  for (const formula of formulas) {
    insert({
      name: formula.name,
      version: formula.version,
      revision: formula.revision,
      desc: formula.desc,
      homepage: formula.homepage,
      license: formula.license,
      tap: formula.tap,
      deprecated: Number(formula.deprecated),
      disabled: Number(formula.disabled),
      has_bottle: Number(formula.hasBottle),
      json_hash: formula.jsonHash,
      updated_at: formula.updatedAt,
      ...(withFiles ? { upstream_hash: formula.upstreamHash ?? null } : {}),
    });
  }
}

function insertDependencies(database: DatabaseSync, formulas: FormulaRow[]): void {
  const insert = inserter(database, 'dependencies', { orIgnore: true });
  for (const { name: formula, dependencies } of formulas) {
    for (const dep_type of ['runtime', 'build', 'test', 'optional', 'recommended'] as const) {
      for (const dep_name of dependencies[dep_type]) insert({ formula, dep_name, dep_type });
    }
  }
}

function insertBottles(database: DatabaseSync, formulas: FormulaRow[], withFiles: boolean): void {
  const insert = inserter(database, 'bottles');
  for (const { name: formula, bottles } of formulas) {
    for (const { platform, file } of sortedBy(bottles, (bottle) => bottle.platform)) {
      insert(withFiles ? { formula, platform, ...fileColumns(file) } : { formula, platform });
    }
  }
}

/** In the order of their formulas and tags. */
export const sortedBrewBottles = (bottles: readonly BrewBottleRow[]): BrewBottleRow[] =>
  sortedBy(bottles, ({ formula, tag }) => `${formula} ${tag}`);

function insertBrewBottles(database: DatabaseSync, bottles: readonly BrewBottleRow[]): void {
  const insert = inserter(database, 'brew_bottles');
  for (const { formula, tag, file } of sortedBrewBottles(bottles)) {
    insert({ formula, tag, ...fileColumns(file) });
  }
}

function fileColumns(file: StoredFile | undefined) {
  return { path: file?.path ?? null, sha256: file?.sha256 ?? null, size: file?.size ?? null };
}

function insertAliases(database: DatabaseSync, formulas: FormulaRow[]): void {
  const names = new Set(formulas.map((formula) => formula.name));
  const insert = inserter(database, 'aliases', { orIgnore: true });
  for (const { name: formula, aliases } of formulas) {
    for (const alias of aliases) if (!names.has(alias)) insert({ alias, formula });
  }
}
