import { rmSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';

/** A file that the mirror holds: its path inside the mirror, its SHA-256 in hex and its size in bytes. */
export interface StoredFile {
  path: string;
  sha256: string;
  size: number;
}

/**
 * Writes a new SQLite database at `path`, in place of any file there: `schema`, then whatever `fill` inserts, in
 * one transaction. Equal input gives equal bytes. When anything throws, no file is left and the error is passed on.
 */
export function createDatabase(path: string, schema: string, fill: (database: DatabaseSync) => void): void {
  rmSync(path, { force: true });
  const database = new DatabaseSync(path);
  try {
    // The file is new and gets its name in the mirror only once it is whole, so a crash has nothing to roll back to.
    database.exec('PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; BEGIN');
    database.exec(schema);
    fill(database);
    database.exec('COMMIT');
    database.close();
  } catch (error) {
    database.close();
    rmSync(path, { force: true });
    throw error;
  }
}

/**
 * Inserts rows, given as values by column, into `table`; `orIgnore` skips rows whose key is already there. The first
 * row decides the columns.
 */
export function inserter(
  database: DatabaseSync,
  table: string,
  { orIgnore = false } = {},
): (row: Record<string, SQLInputValue>) => void {
  const verb = orIgnore ? 'INSERT OR IGNORE' : 'INSERT';
  let statement: StatementSync | undefined;
  return (row) => {
    statement ??= database.prepare(`${verb} INTO ${table} ${columnsAndValues(Object.keys(row))}`);
    statement.run(row);
  };
}

function columnsAndValues(columns: string[]): string {
  return `(${columns.join(', ')}) VALUES (${columns.map((column) => `:${column}`).join(', ')})`;
}

/** The `meta` table that every stout-index database has. */
export const META_TABLE = 'CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT);';

/** Fills the `meta` table; stout-index keeps every value there as text. */
export function insertMeta(database: DatabaseSync, meta: Record<string, string | number>): void {
  const insert = inserter(database, 'meta');
  for (const [key, value] of Object.entries(meta)) insert({ key, value: String(value) });
}

/**
 * The DDL of `<table>_fts`, a full-text index over `columns` of `table`, and of the three triggers (`_ai`, `_ad`,
 * `_au`) that keep it in step, under the names that stout-index gives them.
 */
export function searchIndex(table: string, columns: readonly string[]): string {
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

/** A sorted copy, by the text that `key` gives, in an order that no locale changes. */
export function sortedBy<Item>(items: readonly Item[], key: (item: Item) => string): Item[] {
  return items.toSorted((a, b) => {
    const [left, right] = [key(a), key(b)];
    return left < right ? -1 : left > right ? 1 : 0;
  });
}
