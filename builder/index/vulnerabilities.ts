import * as v from 'valibot';
import { VULNERABILITIES } from '../../format/layout.ts';
import { type IndexContext, stageSignedDatabase } from './index-files.ts';
import type { DatabaseReader } from './reader.ts';
import { type VulnerabilityRow, writeVulnerabilitiesDatabase } from './vulnerability-database.ts';

const text = v.nullable(v.string());
const advisorySchema = v.object({
  id: v.string(),
  summary: text,
  details: text,
  severity: text,
  published: text,
  modified: text,
  references_json: text,
});
const affectedSchema = v.object({
  vuln_id: v.string(),
  formula: v.string(),
  ecosystem: text,
  package: text,
  affected_versions: text,
  fixed_version: text,
});

/** Stages the advisories that concern the mirrored formulas, as a signed database of our own. */
export async function stageVulnerabilities(
  context: IndexContext,
  version: string,
  upstream: DatabaseReader,
  formulas: ReadonlySet<string>,
): Promise<void> {
  const createdAt = context.now.toISOString();
  const vulnerabilities = advisoriesFor(upstream, formulas);
  await stageSignedDatabase(context, VULNERABILITIES, (local) =>
    writeVulnerabilitiesDatabase(local, { version, createdAt, vulnerabilities }),
  );
}

function advisoriesFor(upstream: DatabaseReader, formulas: ReadonlySet<string>): VulnerabilityRow[] {
  const affected = Map.groupBy(
    upstream
      .rows(affectedSchema, 'SELECT * FROM affected_packages ORDER BY id')
      .filter((row) => formulas.has(row.formula)),
    (row) => row.vuln_id,
  );
  return upstream
    .rows(advisorySchema, 'SELECT * FROM vulnerabilities ORDER BY id')
    .filter((advisory) => affected.has(advisory.id))
    .map(({ references_json, ...advisory }) => ({
      ...advisory,
      referencesJson: references_json,
      affected: (affected.get(advisory.id) ?? []).map((row) => ({
        formula: row.formula,
        ecosystem: row.ecosystem,
        package: row.package,
        affectedVersions: row.affected_versions,
        fixedVersion: row.fixed_version,
      })),
    }));
}
