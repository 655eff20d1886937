import {
  type VulnerabilityRow,
  writeVulnerabilitiesDatabase,
} from '../../builder/index/vulnerability-database.ts';
import type { CatalogVulnerability } from './catalog.ts';
import { type IndexEntry, indexEntry, type Moment } from './moment.ts';
import type { Tree } from './tree.ts';

const ECOSYSTEM = 'OSS-Fuzz';

/** Writes the advisories' index and its manifest; gives the index's line in the root manifest. */
export async function writeVulnerabilities(
  tree: Tree,
  vulnerabilities: CatalogVulnerability[],
  moment: Moment,
): Promise<IndexEntry> {
  const { version, createdAt } = moment;
  const rows = vulnerabilities.map(vulnerabilityRow);
  const formulaCount = new Set(vulnerabilities.map(({ formula }) => formula)).size;
  const index = await tree.writeIndex('vulnerabilities', (path) => {
    writeVulnerabilitiesDatabase(path, { version, createdAt, vulnerabilities: rows });
  });
  await tree.writeManifest('vulnerabilities/manifest.json', {
    version,
    index_version: version,
    index_sha256: index.sha256,
    index_size: index.size,
    vulnerability_count: rows.length,
    affected_mapping_count: rows.length,
    formula_count: formulaCount,
    ecosystems: [ECOSYSTEM],
    created_at: createdAt,
  });
  // The root manifest of stout-index counts formulas here, not advisories.
  return indexEntry(formulaCount, index, moment);
}

function vulnerabilityRow(vulnerability: CatalogVulnerability): VulnerabilityRow {
  const { id, summary, severity, formula, affected_versions, fixed_version } = vulnerability;
  return {
    id,
    summary,
    severity,
    details: null,
    published: null,
    modified: null,
    referencesJson: null,
    affected: [
      {
        formula,
        ecosystem: ECOSYSTEM,
        package: formula,
        affectedVersions: affected_versions,
        fixedVersion: fixed_version,
      },
    ],
  };
}
