import * as v from 'valibot';
import { MirrorError } from '../../format/errors.ts';
import { databasePath, type IndexKind } from '../../format/layout.ts';
import type { SnapshotEntry } from '../../format/snapshot/entry.ts';
import type { ReportBuilder } from '../../format/verify/report.ts';
import { DatabaseReader } from '../database/reader.ts';

const rowSchema = v.object({ owner: v.string(), path: v.string(), sha256: v.string(), size: v.number() });

type Row = v.InferOutput<typeof rowSchema>;

/** Where each database keeps its files, and the folder that they stand in. */
const TABLES: { kind: IndexKind; sql: string; folder: RegExp }[] = [
  {
    kind: 'formulas',
    sql: 'SELECT formula AS owner, path, sha256, size FROM bottles',
    folder: /^bottles\/[^/]+$/,
  },
  { kind: 'casks', sql: 'SELECT cask AS owner, path, sha256, size FROM artifacts', folder: /^casks\// },
  {
    kind: 'linux-apps',
    sql: 'SELECT token AS owner, path, sha256, size FROM artifacts',
    folder: /^linux-apps\//,
  },
];

/** Where the file at a path of the mirror can be opened. */
export type LocalPathOf = (path: string) => string;

/** Checks that the signed databases and the snapshot name the same package files, both ways. */
export function checkIndexAgreement(
  localPathOf: LocalPathOf,
  entries: readonly SnapshotEntry[],
  report: ReportBuilder,
): void {
  const byPath = new Map(entries.map((entry) => [entry.name, entry]));
  for (const { kind, sql, folder } of TABLES) {
    const path = databasePath(kind);
    if (!byPath.has(path)) continue;
    try {
      const rows = readRows(localPathOf(path), path, sql);
      const problems = [...missingFiles(rows, byPath, path), ...unlistedFiles(rows, byPath, path, folder)];
      for (const problem of problems) report.failCheck({ name: 'index', path }, problem);
      if (problems.length > 0) continue;
      report.check({
        name: 'index',
        path,
        state: 'passed',
        evidence: `agrees with the snapshot (entries: ${rows.length})`,
      });
    } catch (error) {
      report.failCheck({ name: 'index', path }, error);
    }
  }
}

function readRows(local: string, path: string, sql: string): Row[] {
  const database = DatabaseReader.open(local, path);
  try {
    return database.rows(rowSchema, sql);
  } finally {
    database.close();
  }
}

function missingFiles(rows: Row[], byPath: ReadonlyMap<string, SnapshotEntry>, index: string): MirrorError[] {
  return rows.flatMap(({ owner, path, sha256, size }) => {
    const entry = byPath.get(path);
    if (entry?.sha256 === sha256 && entry.size === size) return [];
    const what = entry ? 'has other bytes in the snapshot' : 'is not in the snapshot';
    return new MirrorError(
      entry ? 'mismatch' : 'missing',
      `${path}, which ${index} lists for ${owner}, ${what}.`,
      {
        where: path,
        expected: sha256,
        found: entry?.sha256,
      },
    );
  });
}

function unlistedFiles(
  rows: Row[],
  byPath: ReadonlyMap<string, SnapshotEntry>,
  index: string,
  folder: RegExp,
): MirrorError[] {
  const listed = new Set(rows.map((row) => row.path));
  return [...byPath.keys()]
    .filter((path) => folder.test(path) && !listed.has(path))
    .map(
      (path) =>
        new MirrorError('mismatch', `${path} is in the snapshot but not in ${index}.`, { where: path }),
    );
}
