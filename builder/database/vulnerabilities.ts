import type { DatabaseSync } from 'node:sqlite';
import { createDatabase, inserter, insertMeta, META_TABLE, sortedBy } from './database.ts';

/** A formula that a vulnerability touches, and the package it is known as where the advisory comes from. */
export interface AffectedPackage {
  formula: string;
  ecosystem: string | null;
  package: string | null;
  /** Versions (`1.6, 1.7`) or ranges (`>=8.6.0, <8.9.0; …`). */
  affectedVersions: string | null;
  fixedVersion: string | null;
}

/** An advisory and the formulas that it touches. */
export interface VulnerabilityRow {
  id: string;
  summary: string | null;
  details: string | null;
  /** critical, high, medium or low. */
  severity: string | null;
  /** ISO 8601, as `modified`. */
  published: string | null;
  modified: string | null;
  /** A JSON array of URLs. */
  referencesJson: string | null;
  affected: AffectedPackage[];
}

export interface VulnerabilitiesDatabase {
  version: string;
  /** ISO 8601, UTC. */
  createdAt: string;
  vulnerabilities: readonly VulnerabilityRow[];
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

/**
 * Writes the vulnerabilities database at `path` in stout-index's schema, sorted by id and formula, with its counts by
 * ecosystem; equal input gives equal bytes. Two advisories of one id are SQLite's constraint error, and no file.
 */
export function writeVulnerabilitiesDatabase(path: string, contents: VulnerabilitiesDatabase): void {
  const vulnerabilities = sortedBy(contents.vulnerabilities, (vulnerability) => vulnerability.id);
  const affected = vulnerabilities.flatMap((vulnerability) => vulnerability.affected);
  createDatabase(path, SCHEMA, (database) => {
    insertVulnerabilities(database, vulnerabilities);
    insertAffected(database, vulnerabilities);
    database.exec(STATS);
    insertMeta(database, {
      version: contents.version,
      created_at: contents.createdAt,
      vuln_count: vulnerabilities.length,
      affected_count: affected.length,
      formula_count: new Set(affected.map(({ formula }) => formula)).size,
    });
  });
}

function insertVulnerabilities(database: DatabaseSync, vulnerabilities: VulnerabilityRow[]): void {
  const insert = inserter(database, 'vulnerabilities');
  for (const { id, summary, details, severity, published, modified, referencesJson } of vulnerabilities) {
    insert({ id, summary, details, severity, published, modified, references_json: referencesJson });
  }
}

function insertAffected(database: DatabaseSync, vulnerabilities: VulnerabilityRow[]): void {
  const insert = inserter(database, 'affected_packages');
  for (const { id: vuln_id, affected } of vulnerabilities) {
    for (const item of sortedBy(affected, ({ formula }) => formula)) {
      insert({
        vuln_id,
        formula: item.formula,
        ecosystem: item.ecosystem,
        package: item.package,
        affected_versions: item.affectedVersions,
        fixed_version: item.fixedVersion,
      });
    }
  }
}
