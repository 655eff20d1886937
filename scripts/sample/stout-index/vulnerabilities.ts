import type { CatalogVulnerability } from '../catalog.ts';
import { type IndexEntry, indexEntry, type Moment } from '../moment.ts';
import type { Tree } from '../tree.ts';
import { type Rows, writeDatabase } from './database.ts';

const ECOSYSTEM = 'OSS-Fuzz';
const SCHEMA = `
  CREATE TABLE vulnerabilities (
    id TEXT PRIMARY KEY, summary TEXT, details TEXT, severity TEXT, published TEXT, modified TEXT,
    references_json TEXT);
  CREATE TABLE affected_packages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, vuln_id TEXT NOT NULL, formula TEXT NOT NULL, ecosystem TEXT, package TEXT,
    affected_versions TEXT, fixed_version TEXT, FOREIGN KEY (vuln_id) REFERENCES vulnerabilities(id));
  CREATE TABLE stats (
    ecosystem TEXT PRIMARY KEY, vuln_count INTEGER DEFAULT 0, package_count INTEGER DEFAULT 0);
  CREATE INDEX idx_affected_formula ON affected_packages(formula);
  CREATE INDEX idx_affected_vuln ON affected_packages(vuln_id);`;

/** Writes the advisories' index and its manifest; gives the index's line in the root manifest. */
export async function writeVulnerabilities(
  tree: Tree,
  vulnerabilities: CatalogVulnerability[],
  moment: Moment,
): Promise<IndexEntry> {
  const { version, createdAt } = moment;
  const formulaCount = new Set(vulnerabilities.map(({ formula }) => formula)).size;
  const index = await tree.writeIndex('vulnerabilities', (path) => {
    writeDatabase(path, SCHEMA, rowsOf(vulnerabilities, formulaCount), {
      ...{ version, created_at: createdAt, vuln_count: vulnerabilities.length },
      ...{ affected_count: vulnerabilities.length, formula_count: formulaCount },
    });
  });
  await tree.writeManifest('vulnerabilities/manifest.json', {
    version,
    index_version: version,
    index_sha256: index.sha256,
    index_size: index.size,
    vulnerability_count: vulnerabilities.length,
    affected_mapping_count: vulnerabilities.length,
    formula_count: formulaCount,
    ecosystems: [ECOSYSTEM],
    created_at: createdAt,
  });
  // The root manifest of stout-index counts formulas here, not advisories.
  return indexEntry(formulaCount, index, moment);
}

function rowsOf(vulnerabilities: CatalogVulnerability[], package_count: number): Rows {
  const sorted = vulnerabilities.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  return {
    vulnerabilities: sorted.map(({ id, summary, severity }) => ({ id, summary, severity })),
    affected_packages: sorted.map(({ id, formula, affected_versions, fixed_version }) => ({
      ...{ vuln_id: id, formula, ecosystem: ECOSYSTEM, package: formula, affected_versions, fixed_version },
    })),
    stats: [{ ecosystem: ECOSYSTEM, vuln_count: sorted.length, package_count }],
  };
}
