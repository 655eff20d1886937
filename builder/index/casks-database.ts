import type { DatabaseSync } from 'node:sqlite';
import type { CaskDependency, CaskPart } from './cask-relations.ts';
import {
  createDatabase,
  inserter,
  insertMeta,
  META_TABLE,
  type StoredFile,
  searchIndex,
  sortedBy,
} from './database.ts';

/** A cask as the index lists it. */
export interface CaskRow {
  token: string;
  names: string[];
  version: string;
  /** SHA-256 in hex, or `no_check`. */
  sha256: string | null;
  url: string | null;
  homepage: string | null;
  desc: string | null;
  tap: string;
  autoUpdates: boolean;
  deprecated: boolean;
  disabled: boolean;
  /** SHA-256, in hex, of the compressed package JSON. */
  jsonHash: string | null;
  /** The upstream's own `json_hash`, by which a change there is seen; kept only in a database made with `withFiles`. */
  upstreamHash?: string | null;
  /** Unix seconds. */
  updatedAt: number | null;
  /** What the cask installs: its app, pkg, binaries. */
  parts: CaskPart[];
  dependencies: CaskDependency[];
  /** What is downloaded, kept only in a database made with `withFiles`; `arch` is '' for one file that suits all. */
  files: { arch: string; file: StoredFile }[];
}

export interface CasksDatabase {
  version: string;
  /** ISO 8601, UTC. */
  createdAt: string;
  casks: readonly CaskRow[];
  /** Adds the column upstream_hash and the table `artifacts` of downloaded files; without it the schema is stout-index's own. */
  withFiles?: boolean;
}

const FILES_TABLE = `
  CREATE TABLE artifacts (
    cask TEXT NOT NULL, arch TEXT NOT NULL, path TEXT NOT NULL, sha256 TEXT NOT NULL, size INTEGER NOT NULL,
    PRIMARY KEY (cask, arch), FOREIGN KEY (cask) REFERENCES casks(token));`;

const schema = (withFiles: boolean): string => `
  CREATE TABLE casks (
    token TEXT PRIMARY KEY, name TEXT, version TEXT, sha256 TEXT, url TEXT, homepage TEXT, desc TEXT,
    tap TEXT DEFAULT 'homebrew/cask', auto_updates INTEGER DEFAULT 0, deprecated INTEGER DEFAULT 0,
    disabled INTEGER DEFAULT 0, json_hash TEXT, updated_at INTEGER${withFiles ? ', upstream_hash TEXT' : ''});
  ${searchIndex('casks', ['token', 'name', 'desc'])}
  CREATE TABLE cask_artifacts (
    cask TEXT NOT NULL, artifact_type TEXT NOT NULL, source TEXT, target TEXT,
    FOREIGN KEY (cask) REFERENCES casks(token));
  CREATE TABLE cask_dependencies (
    cask TEXT NOT NULL, dep_type TEXT NOT NULL, dep_value TEXT NOT NULL,
    PRIMARY KEY (cask, dep_type, dep_value), FOREIGN KEY (cask) REFERENCES casks(token));
  ${META_TABLE}
  CREATE INDEX idx_cask_artifacts_cask ON cask_artifacts(cask);
  CREATE INDEX idx_cask_artifacts_type ON cask_artifacts(artifact_type);
  CREATE INDEX idx_cask_dependencies_cask ON cask_dependencies(cask);
  CREATE INDEX idx_casks_tap ON casks(tap);
  ${withFiles ? FILES_TABLE : ''}`;

/**
 * Writes casks.db at `path` in stout-index's schema, sorted by token; equal input gives equal bytes. Two casks of
 * one token are SQLite's constraint error, and no file.
 */
export function writeCasksDatabase(path: string, contents: CasksDatabase): void {
  const { version, createdAt, withFiles = false } = contents;
  const casks = sortedBy(contents.casks, (cask) => cask.token);
  createDatabase(path, schema(withFiles), (database) => {
    insertCasks(database, casks, withFiles);
    insertParts(database, casks);
    insertDependencies(database, casks);
    if (withFiles) insertFiles(database, casks);
    insertMeta(database, { version, created_at: createdAt, cask_count: casks.length });
  });
}

function insertCasks(database: DatabaseSync, casks: CaskRow[], withFiles: boolean): void {
  const insert = inserter(database, 'casks');
  for (const cask of casks) {
    insert({
      token: cask.token,
      name: cask.names.join(', ') || cask.token,
      version: cask.version,
      sha256: cask.sha256,
      url: cask.url,
      homepage: cask.homepage,
      desc: cask.desc,
      tap: cask.tap,
      auto_updates: Number(cask.autoUpdates),
      deprecated: Number(cask.deprecated),
      disabled: Number(cask.disabled),
      json_hash: cask.jsonHash,
      updated_at: cask.updatedAt,
      ...(withFiles ? { upstream_hash: cask.upstreamHash ?? null } : {}),
    });
  }
}

function insertParts(database: DatabaseSync, casks: CaskRow[]): void {
  const insert = inserter(database, 'cask_artifacts');
  for (const { token: cask, parts } of casks) {
    for (const { type, source, target } of parts) insert({ cask, artifact_type: type, source, target });
  }
}

function insertDependencies(database: DatabaseSync, casks: CaskRow[]): void {
  const insert = inserter(database, 'cask_dependencies', { orIgnore: true });
  for (const { token: cask, dependencies } of casks) {
    for (const { type, value } of dependencies) insert({ cask, dep_type: type, dep_value: value });
  }
}

function insertFiles(database: DatabaseSync, casks: CaskRow[]): void {
  const insert = inserter(database, 'artifacts');
  for (const { token: cask, files } of casks) {
    for (const { arch, file } of sortedBy(files, (item) => item.arch)) {
      insert({ cask, arch, path: file.path, sha256: file.sha256, size: file.size });
    }
  }
}
