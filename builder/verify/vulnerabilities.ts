import * as v from 'valibot';
import { MirrorError } from '../../format/errors.ts';
import { VULNERABILITIES } from '../../format/layout.ts';
import type { SnapshotEntry } from '../../format/snapshot/entry.ts';
import type { ReportBuilder } from '../../format/verify/report.ts';
import { DatabaseReader } from '../database/reader.ts';
import type { LocalPathOf } from './index-agreement.ts';

const resultSchema = v.object({ integrity_check: v.string() });

/** Runs SQLite's integrity check over the vulnerability database, where a mirror has one. */
export function checkVulnerabilities(
  localPathOf: LocalPathOf,
  entries: readonly SnapshotEntry[],
  report: ReportBuilder,
): void {
  if (!entries.some((entry) => entry.name === VULNERABILITIES)) return;
  const check = { name: 'vulnerabilities', path: VULNERABILITIES } as const;
  try {
    const database = DatabaseReader.open(localPathOf(VULNERABILITIES), VULNERABILITIES);
    const result = integrityOf(database);
    if (result === 'ok') {
      report.check({ ...check, state: 'passed', evidence: "SQLite's integrity check passed" });
      return;
    }
    throw new MirrorError('mismatch', `${VULNERABILITIES} is damaged: ${result}`, {
      where: VULNERABILITIES,
    });
  } catch (error) {
    report.failCheck(check, error);
  }
}

function integrityOf(database: DatabaseReader): string | undefined {
  try {
    return database.rows(resultSchema, 'PRAGMA integrity_check')[0]?.integrity_check;
  } finally {
    database.close();
  }
}
