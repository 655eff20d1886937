import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeVulnerabilityDatabase } from '../../builder/database/vulnerabilities.ts';
import { openTree } from '../../scripts/sample/tree.ts';

/** An advisory about a formula, as stout-index describes its versions. */
interface TestAdvisory {
  id: string;
  formula: string;
  severity?: string;
  affected: string;
  fixed: string | null;
}

const NO_TEXT = { summary: null, details: null, published: null, modified: null, references_json: null };

/** Adds a vulnerability database to the upstream in a folder. */
export async function writeAdvisories(dir: string, advisories: readonly TestAdvisory[]): Promise<void> {
  const contents = {
    vulnerabilities: advisories.map(({ id, severity = 'high' }) => ({ id, ...NO_TEXT, severity })),
    affected: advisories.map(({ id, formula, affected, fixed }) => ({
      ...{ vuln_id: id, formula, ecosystem: 'OSS-Fuzz', package: formula },
      ...{ affected_versions: affected, fixed_version: fixed },
    })),
  };
  const { sha256: db_sha256, size: db_size } = await openTree(dir).writeIndex('vulnerabilities', (path) =>
    writeVulnerabilityDatabase(path, contents, { version: '1', createdAt: '2026-11-01T08:00:00.000Z' }),
  );
  const manifest = JSON.parse(await readFile(join(dir, 'manifest.json'), 'utf8'));
  manifest.indexes.vulnerabilities = { count: advisories.length, db_sha256, db_size };
  await writeFile(join(dir, 'manifest.json'), JSON.stringify(manifest));
}
