import { rmSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import type { IndexStamp, PackageKind, Row, Rows, Table } from '../../format/packages/kind.ts';
import { withPath } from '../directory/disk-error.ts';
import { clientTables } from './client-tables.ts';

/**
 * Writes a new SQLite database at `path`, replacing any file there: `schema`, then whatever `fill` inserts, in one
 * transaction. Equal input gives equal bytes. When anything throws, no file is left and the error is passed on.
 */
export function createDatabase(path: string, schema: string, fill: (database: DatabaseSync) => void): void {
  rmSync(path, { force: true });
  const database = new DatabaseSync(path);
  try {
    // The file gets its name in the mirror only once it is complete, so a crash leaves nothing to roll back.
    database.exec('PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; BEGIN');
    database.exec(schema);
    fill(database);
    database.exec('COMMIT');
    database.close();
  } catch (error) {
    database.close();
    rmSync(path, { force: true });
    throw withPath(error, path);
  }
}

/** Returns a function that inserts rows, given by column; `ignoresRepeats` leaves out rows whose key is taken. */
export function inserter(
  database: DatabaseSync,
  table: string,
  columns: readonly string[],
  { ignoresRepeats = false } = {},
): (row: Readonly<Record<string, SQLInputValue>>) => void {
  const verb = ignoresRepeats ? 'INSERT OR IGNORE' : 'INSERT';
  const places = columns.map(() => '?').join(', ');
  const statement = database.prepare(`${verb} INTO ${table} (${columns.join(', ')}) VALUES (${places})`);
  return (row) => {
    statement.run(...columns.map((column) => row[column] ?? null));
  };
}

/** The `meta` table that every stout-index database has. */
export const META_TABLE = 'CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT);';

/** Fills the `meta` table, in which stout-index keeps every value as text. */
export function insertMeta(database: DatabaseSync, meta: Readonly<Record<string, string | number>>): void {
  const insert = inserter(database, 'meta', ['key', 'value']);
  for (const [key, value] of Object.entries(meta)) insert({ key, value: String(value) });
}

/** What an index database of one kind holds. */
export interface IndexDatabase extends IndexStamp {
  packages: readonly { name: string; rows: Rows }[];
  /** True for a mirror's database; false for stout-index's own schema. */
  mirror: boolean;
  /** A further table, with its rows. */
  extra?: { table: Table; rows: readonly Row[] } | undefined;
}

/**
 * Writes the database of a kind at `path` in stout-index's schema, sorted by package name; equal input gives equal bytes.
 * Two packages of one name are SQLite's constraint error, and leave no file.
 */
export function writeIndexDatabase(path: string, kind: PackageKind, contents: IndexDatabase): void {
  const { mirror, extra, ...stamp } = contents;
  const packages = sortedBy(contents.packages, ({ name }) => name);
  const tables = kind.tables.filter(({ mirrorOnly = false }) => mirror || !mirrorOnly);
  const schema = [...tables, ...(extra ? [extra.table] : [])].map((table) => tableSql(table, mirror));
  const forClient = mirror ? clientTables(kind).map((table) => tableSql(table, false)) : [];
  createDatabase(path, [...schema, ...forClient, META_TABLE].join(';\n'), (database) => {
    for (const table of tables) {
      const insert = inserter(database, table.name, columnsOf(table, mirror), table);
      for (const { rows } of packages) for (const row of rows[table.name] ?? []) insert(row);
    }
    if (extra) extra.rows.forEach(inserter(database, extra.table.name, columnsOf(extra.table, mirror)));
    if (kind.afterInsert) database.exec(kind.afterInsert);
    insertMeta(database, kind.meta(stamp, packages.length));
  });
}

/** Returns the names of a table's columns, with those that only a mirror has when `mirror` is true. */
export const columnsOf = ({ columns, mirrorColumns = {} }: Table, mirror: boolean): string[] =>
  Object.keys(mirror ? { ...columns, ...mirrorColumns } : columns);

function tableSql(
  { name, columns, mirrorColumns, constraints = [], search, indexes = {} }: Table,
  mirror: boolean,
): string {
  const all = Object.entries(mirror ? { ...columns, ...mirrorColumns } : columns);
  const parts = [...all.map(([column, type]) => `${column} ${type}`), ...constraints];
  const own = Object.entries(indexes)
    .filter(([, column]) => all.some(([present]) => present === column))
    .map(([index, column]) => `CREATE INDEX ${index} ON ${name}(${column})`);
  const table = [`CREATE TABLE ${name} (${parts.join(', ')})`, ...own].join(';\n');
  return search ? `${table};${searchIndex(name, search)}` : table;
}

/**
 * Returns the DDL of `<table>_fts`, a full-text index over `columns` of `table`, and of the three triggers (`_ai`, `_ad`,
 * `_au`) that keep it in step, with the names that stout-index gives them.
 */
function searchIndex(table: string, columns: readonly string[]): string {
  const fts = `${table}_fts`;
  const names = columns.join(', ');
  const of = (row: 'old' | 'new') => columns.map((column) => `${row}.${column}`).join(', ');
  const add = `INSERT INTO ${fts} (rowid, ${names}) VALUES (new.rowid, ${of('new')});`;
  // An external-content FTS5 table forgets a row only when it is handed the text that it had indexed.
  const drop = `INSERT INTO ${fts} (${fts}, rowid, ${names}) VALUES ('delete', old.rowid, ${of('old')});`;
  return `
    CREATE VIRTUAL TABLE ${fts} USING fts5(${names}, content='${table}', content_rowid='rowid');
    CREATE TRIGGER ${table}_ai AFTER INSERT ON ${table} BEGIN ${add} END;
    CREATE TRIGGER ${table}_ad AFTER DELETE ON ${table} BEGIN ${drop} END;
    CREATE TRIGGER ${table}_au AFTER UPDATE ON ${table} BEGIN ${drop} ${add} END;`;
}

/** Returns a copy sorted by the text that `key` gives, in an order that no locale changes. */
export function sortedBy<Item>(items: readonly Item[], key: (item: Item) => string): Item[] {
  return items.toSorted((a, b) => {
    const [left, right] = [key(a), key(b)];
    return left < right ? -1 : left > right ? 1 : 0;
  });
}
