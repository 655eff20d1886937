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

/** A Linux app as the index lists it. */
export interface LinuxAppRow {
  token: string;
  name: string;
  version: string;
  desc: string | null;
  homepage: string | null;
  /** `appimage` or `flatpak`. */
  source: string;
  downloadUrl: string | null;
  /** In hex; stout-index itself never knows it. */
  sha256: string | null;
  iconUrl: string | null;
  categories: string[];
  license: string | null;
  flatpakId: string | null;
  snapName: string | null;
  /** In an upstream its change marker, 16 hex characters that are no digest of a file; in a mirror the SHA-256 of the JSON. */
  jsonHash: string | null;
  /** The upstream's own `json_hash`, by which a change there is seen; kept only in a database made with `withFiles`. */
  upstreamHash?: string | null;
  /** What is downloaded, kept only in a database made with `withFiles`. */
  file?: StoredFile | undefined;
}

export interface LinuxAppsDatabase {
  version: string;
  apps: readonly LinuxAppRow[];
  /** Adds the column upstream_hash and the table `artifacts` of downloaded files; without it the schema is stout-index's own. */
  withFiles?: boolean;
}

const FILES_TABLE = `
  CREATE TABLE artifacts (
    token TEXT PRIMARY KEY, path TEXT NOT NULL, sha256 TEXT NOT NULL, size INTEGER NOT NULL,
    FOREIGN KEY (token) REFERENCES linux_apps(token));`;

const schema = (withFiles: boolean): string => `
  CREATE TABLE linux_apps (
    token TEXT PRIMARY KEY, name TEXT NOT NULL, version TEXT NOT NULL, desc TEXT, homepage TEXT,
    source TEXT NOT NULL, download_url TEXT, sha256 TEXT, icon_url TEXT, categories TEXT, license TEXT,
    flatpak_id TEXT, snap_name TEXT, json_hash TEXT${withFiles ? ', upstream_hash TEXT' : ''});
  CREATE INDEX idx_linux_apps_source ON linux_apps(source);
  CREATE INDEX idx_linux_apps_name ON linux_apps(name);
  ${searchIndex('linux_apps', ['token', 'name', 'desc', 'categories'])}
  ${META_TABLE}
  ${withFiles ? FILES_TABLE : ''}`;

/**
 * Writes linux-apps.db at `path` in stout-index's schema, sorted by token; equal input gives equal bytes. Two apps of
 * one token are SQLite's constraint error, and no file.
 */
export function writeLinuxAppsDatabase(path: string, contents: LinuxAppsDatabase): void {
  const { version, withFiles = false } = contents;
  const apps = sortedBy(contents.apps, (app) => app.token);
  createDatabase(path, schema(withFiles), (database) => {
    insertApps(database, apps, withFiles);
    if (withFiles) insertFiles(database, apps);
    insertMeta(database, { app_count: apps.length, version });
  });
}

function insertApps(database: DatabaseSync, apps: LinuxAppRow[], withFiles: boolean): void {
  const insert = inserter(database, 'linux_apps');
  for (const app of apps) {
    insert({
      token: app.token,
      name: app.name,
      version: app.version,
      desc: app.desc,
      homepage: app.homepage,
      source: app.source,
      download_url: app.downloadUrl,
      sha256: app.sha256,
      icon_url: app.iconUrl,
      categories: app.categories.join(','),
      license: app.license,
      flatpak_id: app.flatpakId,
      snap_name: app.snapName,
      json_hash: app.jsonHash,
      ...(withFiles ? { upstream_hash: app.upstreamHash ?? null } : {}),
    });
  }
}

function insertFiles(database: DatabaseSync, apps: LinuxAppRow[]): void {
  const insert = inserter(database, 'artifacts');
  for (const { token, file } of apps) {
    if (file !== undefined) insert({ token, path: file.path, sha256: file.sha256, size: file.size });
  }
}
