import * as v from 'valibot';
import type { IndexKind } from '../../format/layout.ts';
import { sha256Schema } from '../../format/schemas.ts';
import type { CaskRow } from './casks-database.ts';
import type { StoredFile } from './database.ts';
import type { BrewBottleRow, FormulaRow } from './formulas-database.ts';
import type { LinuxAppRow } from './linux-apps-database.ts';
import type { DatabaseReader } from './reader.ts';

const text = v.string();
const nullableText = v.nullable(text);
const flag = v.pipe(
  v.number(),
  v.transform((value) => value !== 0),
);
const moment = v.nullable(v.number());

const formulaSchema = v.object({
  ...{ name: text, version: text, revision: v.number(), desc: nullableText, homepage: nullableText },
  ...{ license: nullableText, tap: text, deprecated: flag, disabled: flag, has_bottle: flag },
  ...{ json_hash: nullableText, upstream_hash: nullableText, updated_at: moment },
});
const caskSchema = v.object({
  ...{ token: text, name: text, version: text, sha256: nullableText, url: nullableText },
  ...{ homepage: nullableText, desc: nullableText, tap: text, auto_updates: flag, deprecated: flag },
  ...{ disabled: flag, json_hash: nullableText, upstream_hash: nullableText, updated_at: moment },
});
const linuxAppSchema = v.object({
  ...{ token: text, name: text, version: text, desc: nullableText, homepage: nullableText, source: text },
  ...{ download_url: nullableText, sha256: nullableText, icon_url: nullableText, categories: text },
  ...{ license: nullableText, flatpak_id: nullableText, snap_name: nullableText },
  ...{ json_hash: nullableText, upstream_hash: nullableText },
});
const dependencySchema = v.object({
  dep_name: text,
  dep_type: v.picklist(['runtime', 'build', 'test', 'optional', 'recommended']),
});
const aliasSchema = v.object({ alias: text });
const bottleSchema = v.object({ platform: text, path: text, sha256: sha256Schema, size: v.number() });
const brewBottleSchema = v.object({
  formula: text,
  tag: text,
  path: text,
  sha256: sha256Schema,
  size: v.number(),
});
const artifactSchema = v.object({ arch: text, path: text, sha256: sha256Schema, size: v.number() });
const appFileSchema = v.object({ path: text, sha256: sha256Schema, size: v.number() });
const partSchema = v.object({ type: text, source: text, target: nullableText });
const caskDependencySchema = v.object({ type: text, value: text });

const upstreamHashSchema = v.object({ name: text, upstream_hash: nullableText });
const UPSTREAM_HASHES = {
  formulas: 'SELECT name, upstream_hash FROM formulas',
  casks: 'SELECT token AS name, upstream_hash FROM casks',
  'linux-apps': 'SELECT token AS name, upstream_hash FROM linux_apps',
};

/** The upstream's own hashes of the JSON of all packages, by name. Throws `bad-input`. */
export const readUpstreamHashes = (reader: DatabaseReader, kind: IndexKind): Map<string, string | null> =>
  new Map(
    reader
      .rows(upstreamHashSchema, UPSTREAM_HASHES[kind])
      .map(({ name, upstream_hash }) => [name, upstream_hash]),
  );

/** The row of a formula as `writeFormulasDatabase` wrote it with files. Throws `bad-input`, also when there is none. */
export function readFormulaRow(reader: DatabaseReader, name: string): FormulaRow {
  const found = reader.row(formulaSchema, 'SELECT * FROM formulas WHERE name = ?', name);
  const { has_bottle: hasBottle, json_hash: jsonHash, upstream_hash, updated_at: updatedAt, ...row } = found;
  const dependencies: FormulaRow['dependencies'] = {
    ...{ runtime: [], build: [], test: [] },
    ...{ optional: [], recommended: [] },
  };
  const dependencySql = 'SELECT dep_name, dep_type FROM dependencies WHERE formula = ? ORDER BY rowid';
  for (const { dep_name, dep_type } of reader.rows(dependencySchema, dependencySql, name)) {
    dependencies[dep_type].push(dep_name);
  }
  const aliases = reader.rows(
    aliasSchema,
    'SELECT alias FROM aliases WHERE formula = ? ORDER BY rowid',
    name,
  );
  const bottles = reader.rows(
    bottleSchema,
    'SELECT platform, path, sha256, size FROM bottles WHERE formula = ? ORDER BY platform',
    name,
  );
  return {
    ...row,
    ...{ hasBottle, jsonHash, updatedAt, dependencies, upstreamHash: upstream_hash },
    aliases: aliases.map(({ alias }) => alias),
    bottles: bottles.map(({ platform, ...file }) => ({ platform, file })),
  };
}

/** What is said of bottles for brew, in a database that has it. Throws `bad-input`. */
export const readBrewBottles = (reader: DatabaseReader): BrewBottleRow[] =>
  reader
    .rows(brewBottleSchema, 'SELECT formula, tag, path, sha256, size FROM brew_bottles')
    .map(({ formula, tag, ...file }) => ({ formula, tag, file }));

/** As {@link readFormulaRow}, of a cask. */
export function readCaskRow(reader: DatabaseReader, token: string): CaskRow {
  const found = reader.row(caskSchema, 'SELECT * FROM casks WHERE token = ?', token);
  const { name, auto_updates, json_hash, upstream_hash, updated_at, ...row } = found;
  return {
    ...row,
    ...{ names: [name], autoUpdates: auto_updates, updatedAt: updated_at },
    ...{ jsonHash: json_hash, upstreamHash: upstream_hash },
    parts: reader.rows(
      partSchema,
      'SELECT artifact_type AS type, source, target FROM cask_artifacts WHERE cask = ? ORDER BY rowid',
      token,
    ),
    dependencies: reader.rows(
      caskDependencySchema,
      'SELECT dep_type AS type, dep_value AS value FROM cask_dependencies WHERE cask = ? ORDER BY rowid',
      token,
    ),
    files: reader
      .rows(
        artifactSchema,
        'SELECT arch, path, sha256, size FROM artifacts WHERE cask = ? ORDER BY arch',
        token,
      )
      .map(({ arch, ...file }) => ({ arch, file })),
  };
}

/** As {@link readFormulaRow}, of a Linux app. */
export function readLinuxAppRow(reader: DatabaseReader, token: string): LinuxAppRow {
  const found = reader.row(linuxAppSchema, 'SELECT * FROM linux_apps WHERE token = ?', token);
  const { download_url, icon_url, categories, flatpak_id, snap_name, json_hash, upstream_hash, ...row } =
    found;
  const [file]: (StoredFile | undefined)[] = reader.rows(
    appFileSchema,
    'SELECT path, sha256, size FROM artifacts WHERE token = ?',
    token,
  );
  return {
    ...row,
    ...{ downloadUrl: download_url, iconUrl: icon_url, flatpakId: flatpak_id, snapName: snap_name },
    ...{ jsonHash: json_hash, upstreamHash: upstream_hash, file },
    categories: categories === '' ? [] : categories.split(','),
  };
}
