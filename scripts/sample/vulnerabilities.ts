import { type Advisories, writeVulnerabilityDatabase } from '../../builder/database/vulnerabilities.ts';
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
  const formulaCount = new Set(vulnerabilities.map(({ formula }) => formula)).size;
  const index = await tree.writeIndex('vulnerabilities', (path) => {
    writeVulnerabilityDatabase(path, advisoriesOf(vulnerabilities), { version, createdAt });
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

function advisoriesOf(vulnerabilities: CatalogVulnerability[]): Advisories {
  const sorted = vulnerabilities.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  return {
    vulnerabilities: sorted.map(({ id, summary, severity }) => ({
      ...{ id, summary, severity, details: null, published: null, modified: null, references_json: null },
    })),
    affected: sorted.map(({ id, formula, affected_versions, fixed_version }) => ({
      ...{ vuln_id: id, formula, ecosystem: ECOSYSTEM, package: formula, affected_versions, fixed_version },
    })),
  };
}
