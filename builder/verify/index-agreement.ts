import * as v from 'valibot';
import { MirrorError } from '../../format/errors.ts';
import { databasePath, type IndexKind } from '../../format/layout.ts';
import type { SnapshotEntry } from '../../format/snapshot/entry.ts';
import type { ReportBuilder } from '../../format/verify/report.ts';
import { DatabaseReader } from '../index/reader.ts';

const tableSchema = v.object({ name: v.string() });
const rowSchema = v.object({ owner: v.string(), path: v.string(), sha256: v.string(), size: v.number() });

type Row = v.InferOutput<typeof rowSchema>;

/** The tables of each database that list files, with the column of their package, and the folder that those stand in. */
const TABLES: { kind: IndexKind; tables: Record<string, string>; folder: RegExp }[] = [
  {
    kind: 'formulas',
    tables: { bottles: 'formula', brew_bottles: 'formula' },
    folder: /^bottles\/[^/]+$/,
  },
  { kind: 'casks', tables: { artifacts: 'cask' }, folder: /^casks\// },
  { kind: 'linux-apps', tables: { artifacts: 'token' }, folder: /^linux-apps\// },
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
  for (const { kind, tables, folder } of TABLES) {
    const path = databasePath(kind);
    if (!byPath.has(path)) continue;
    try {
      const rows = readRows(localPathOf(path), path, tables);
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

/** Reads the tables that are there: not every mirror has files for brew. */
function readRows(local: string, path: string, tables: Record<string, string>): Row[] {
  const database = DatabaseReader.open(local, path);
  try {
    const present = database.rows(tableSchema, "SELECT name FROM sqlite_master WHERE type = 'table'");
    return present.flatMap(({ name }) => {
      const owner = Object.hasOwn(tables, name) ? tables[name] : undefined;
      if (owner === undefined) return [];
      return database.rows(rowSchema, `SELECT ${owner} AS owner, path, sha256, size FROM ${name}`);
    });
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
