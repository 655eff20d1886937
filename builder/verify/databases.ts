import * as v from 'valibot';
import { MirrorError } from '../../format/errors.ts';
import { databasePath, kindOfFile, VULNERABILITIES } from '../../format/layout.ts';
import { BREW_BOTTLES, formula } from '../../format/packages/formula.ts';
import type { Table } from '../../format/packages/kind.ts';
import { KINDS, type Kind } from '../../format/packages/kinds.ts';
import type { SnapshotEntry } from '../../format/snapshot/entry.ts';
import type { ReportBuilder } from '../../format/verify/report.ts';
import { columnsOf } from '../database/database.ts';
import { DatabaseReader } from '../database/reader.ts';

const tableSchema = v.object({ name: v.string() });
const resultSchema = v.object({ integrity_check: v.string() });
const rowSchema = v.object({
  owner: v.string(),
  path: v.string(),
  sha256: v.string(),
  size: v.nullable(v.number()),
});

type Row = v.InferOutput<typeof rowSchema>;

/** Returns the tables of a kind that list files. */
const tablesOf = (kind: Kind): Table[] =>
  [...kind.tables, ...(kind.id === formula.id ? [BREW_BOTTLES] : [])].filter((table) =>
    columnsOf(table, true).includes('path'),
  );

/**
 * Checks that databases and snapshot list the same files, superseded ones aside, and that vulns/cve.db is sound
 * (docs/format.md section 9, step 8).
 * `localPathOf` returns the local file that holds a path of the mirror.
 */
export async function checkDatabases(
  localPathOf: (path: string) => string,
  entries: readonly SnapshotEntry[],
  report: ReportBuilder,
): Promise<void> {
  const current = entries.filter(({ until }) => until === undefined);
  const byPath = new Map(current.map((entry) => [entry.name, entry]));
  for (const kind of KINDS) {
    const path = databasePath(kind.index);
    if (!byPath.has(path)) continue;
    await report.attempt('index', path, async () => {
      const rows = readDatabase(localPathOf(path), path, (database) => listedFiles(database, kind));
      const problems = [...missingFiles(rows, byPath, path), ...unlistedFiles(rows, byPath, path, kind)];
      return problems.length > 0 ? problems : `agrees with the snapshot (entries: ${rows.length})`;
    });
  }
  const path = VULNERABILITIES;
  if (byPath.has(path)) {
    await report.attempt('vulnerabilities', path, async () =>
      readDatabase(localPathOf(path), path, integrity),
    );
  }
}

function readDatabase<T>(local: string, where: string, read: (database: DatabaseReader) => T): T {
  const database = DatabaseReader.open(local, where);
  try {
    return read(database);
  } finally {
    database.close();
  }
}

/** Returns the evidence of SQLite's integrity check. Throws `mismatch`. */
function integrity(database: DatabaseReader): string {
  const result = database.rows(resultSchema, 'PRAGMA integrity_check')[0]?.integrity_check;
  if (result === 'ok') return "SQLite's integrity check passed";
  const where = VULNERABILITIES;
  throw new MirrorError('mismatch', `${where} is damaged: ${result}`, { where });
}

/** Returns the rows of the tables that exist: not every mirror has files for brew. */
function listedFiles(database: DatabaseReader, kind: Kind): Row[] {
  const present = database.rows(tableSchema, "SELECT name FROM sqlite_master WHERE type = 'table'");
  const names = present.map(({ name }) => name);
  const tables = tablesOf(kind).filter(({ name }) => names.includes(name));
  return tables.flatMap(({ name, owner }) =>
    database.rows(rowSchema, `SELECT ${owner} AS owner, path, sha256, size FROM ${name}`),
  );
}

/** Returns an error for each row whose file the snapshot lacks, or lists with other bytes. */
function missingFiles(rows: Row[], byPath: ReadonlyMap<string, SnapshotEntry>, index: string): MirrorError[] {
  return rows.flatMap(({ owner, path, sha256: expected, size }) => {
    const entry = byPath.get(path);
    if (entry?.sha256 === expected && (entry.size ?? null) === size) return [];
    const what = entry ? 'has other bytes in the snapshot' : 'is not in the snapshot';
    const message = `${path}, which ${index} lists for ${owner}, ${what}.`;
    const details = { where: path, expected, found: entry?.sha256 };
    return [new MirrorError(entry ? 'mismatch' : 'missing', message, details)];
  });
}

/** Returns an error for each package file of the snapshot that no row lists. */
function unlistedFiles(
  rows: Row[],
  byPath: ReadonlyMap<string, SnapshotEntry>,
  index: string,
  kind: Kind,
): MirrorError[] {
  const listed = new Set(rows.map((row) => row.path));
  const unlisted = [...byPath.keys()].filter((path) => kindOfFile(path)?.id === kind.id && !listed.has(path));
  return unlisted.map((where) => {
    return new MirrorError('mismatch', `${where} is in the snapshot but not in ${index}.`, { where });
  });
}
