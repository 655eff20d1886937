import * as v from 'valibot';
import { MirrorError } from '../../format/errors.ts';
import { databasePath, kindOfFile } from '../../format/layout.ts';
import { BREW_BOTTLES, formula } from '../../format/packages/formula.ts';
import type { Table } from '../../format/packages/kind.ts';
import { KINDS, type Kind } from '../../format/packages/kinds.ts';
import type { SnapshotEntry } from '../../format/snapshot/entry.ts';
import type { ReportBuilder } from '../../format/verify/report.ts';
import { columnsOf } from '../database/database.ts';
import { DatabaseReader } from '../database/reader.ts';

const tableSchema = v.object({ name: v.string() });
const rowSchema = v.object({ owner: v.string(), path: v.string(), sha256: v.string(), size: v.number() });

type Row = v.InferOutput<typeof rowSchema>;

/** Where the file at a path of the mirror can be opened. */
export type LocalPathOf = (path: string) => string;

/** Checks that the signed databases and the snapshot name the same package files, both ways. */
export function checkIndexAgreement(
  localPathOf: LocalPathOf,
  entries: readonly SnapshotEntry[],
  report: ReportBuilder,
): void {
  const byPath = new Map(entries.map((entry) => [entry.name, entry]));
  for (const kind of KINDS) {
    const path = databasePath(kind.index);
    if (!byPath.has(path)) continue;
    try {
      const rows = readRows(localPathOf(path), path, tablesOf(kind));
      const problems = [...missingFiles(rows, byPath, path), ...unlistedFiles(rows, byPath, path, kind)];
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

/** Returns the tables of a kind that list files. */
const tablesOf = (kind: Kind): Table[] =>
  [...kind.tables, ...(kind.id === formula.id ? [BREW_BOTTLES] : [])].filter((table) =>
    columnsOf(table, true).includes('path'),
  );

/** Reads the tables that are there: not every mirror has files for brew. */
function readRows(local: string, path: string, tables: readonly Table[]): Row[] {
  const database = DatabaseReader.open(local, path);
  try {
    const present = database.rows(tableSchema, "SELECT name FROM sqlite_master WHERE type = 'table'");
    const names = present.map(({ name }) => name);
    return tables
      .filter(({ name }) => names.includes(name))
      .flatMap(({ name, owner }) =>
        database.rows(rowSchema, `SELECT ${owner} AS owner, path, sha256, size FROM ${name}`),
      );
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
  kind: Kind,
): MirrorError[] {
  const listed = new Set(rows.map((row) => row.path));
  return [...byPath.keys()]
    .filter((path) => kindOfFile(path)?.id === kind.id && !listed.has(path))
    .map(
      (path) =>
        new MirrorError('mismatch', `${path} is in the snapshot but not in ${index}.`, { where: path }),
    );
}
