import * as v from 'valibot';
import type { Row } from '../../format/packages/kind.ts';
import { createDatabase, inserter, insertMeta, META_TABLE } from './database.ts';
import type { DatabaseReader } from './reader.ts';

const text = v.nullable(v.string());

const advisorySchema = v.object({
  id: v.string(),
  /** `severity` is critical, high, medium or low; the times are ISO 8601; `references_json` is an array of URLs. */
  ...{ summary: text, details: text, severity: text, published: text, modified: text, references_json: text },
});

/** The formula that an advisory affects, and the package it is in the advisory's ecosystem. */
const affectedSchema = v.object({
  ...{ vuln_id: v.string(), formula: v.string(), ecosystem: text, package: text },
  /** `affected_versions` are versions (`1.6, 1.7`) or ranges (`>=8.6.0, <8.9.0; …`). */
  ...{ affected_versions: text, fixed_version: text },
});

/** The advisories of a vulnerability database, and what they affect. */
export interface Advisories {
  vulnerabilities: readonly (Row & v.InferOutput<typeof advisorySchema>)[];
  affected: readonly (Row & v.InferOutput<typeof affectedSchema>)[];
}

const SCHEMA = `
  CREATE TABLE vulnerabilities (
    id TEXT PRIMARY KEY, summary TEXT, details TEXT, severity TEXT, published TEXT, modified TEXT,
    references_json TEXT);
  CREATE TABLE affected_packages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, vuln_id TEXT NOT NULL, formula TEXT NOT NULL, ecosystem TEXT,
    package TEXT, affected_versions TEXT, fixed_version TEXT,
    FOREIGN KEY (vuln_id) REFERENCES vulnerabilities(id));
  CREATE INDEX idx_affected_formula ON affected_packages(formula);
  CREATE INDEX idx_affected_vuln ON affected_packages(vuln_id);
  ${META_TABLE}
  CREATE TABLE stats (
    ecosystem TEXT PRIMARY KEY, vuln_count INTEGER DEFAULT 0, package_count INTEGER DEFAULT 0);`;

const STATS = `
  INSERT INTO stats (ecosystem, vuln_count, package_count)
  SELECT ecosystem, count(DISTINCT vuln_id), count(DISTINCT formula) FROM affected_packages
  WHERE ecosystem IS NOT NULL GROUP BY ecosystem ORDER BY ecosystem`;

/** Reads the advisories that affect the given formulas, sorted by id. Throws `bad-input`. */
export function readAdvisories(reader: DatabaseReader, formulas: ReadonlySet<string>): Advisories {
  const affected = reader
    .rows(affectedSchema, 'SELECT * FROM affected_packages ORDER BY vuln_id, formula, id')
    .filter((row) => formulas.has(row.formula));
  const ids = new Set(affected.map(({ vuln_id }) => vuln_id));
  const all = reader.rows(advisorySchema, 'SELECT * FROM vulnerabilities ORDER BY id');
  return { vulnerabilities: all.filter(({ id }) => ids.has(id)), affected };
}

/**
 * Writes a vulnerability database at `path` in stout-index's schema, with its counts by ecosystem; equal input gives equal
 * bytes. Two advisories of one id are SQLite's constraint error, and leave no file.
 */
export function writeVulnerabilityDatabase(
  path: string,
  { vulnerabilities, affected }: Advisories,
  { version, createdAt }: { version: string; createdAt: string },
): void {
  createDatabase(path, SCHEMA, (database) => {
    const columns = Object.keys(advisorySchema.entries);
    vulnerabilities.forEach(inserter(database, 'vulnerabilities', columns));
    affected.forEach(inserter(database, 'affected_packages', Object.keys(affectedSchema.entries)));
    database.exec(STATS);
    insertMeta(database, {
      ...{ version, created_at: createdAt, vuln_count: vulnerabilities.length },
      affected_count: affected.length,
      formula_count: new Set(affected.map(({ formula }) => formula)).size,
    });
  });
}
