import { rmSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';

/** Rows by table, in the order in which they are inserted. */
export type Rows = Readonly<Record<string, readonly Readonly<Record<string, SQLInputValue>>[]>>;

/** Writes a database of stout-index at `path`: its schema, then the rows, then `meta`. Equal input gives equal bytes. */
export function writeDatabase(
  path: string,
  schema: string,
  rows: Rows,
  meta: Readonly<Record<string, string | number>>,
): void {
  rmSync(path, { force: true });
  const database = new DatabaseSync(path);
  database.exec('PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; BEGIN');
  database.exec(`${schema} CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT);`);
  const values = Object.entries(meta).map(([key, value]) => ({ key, value: String(value) }));
  const tables: Rows = { ...rows, meta: values };
  for (const [table, all] of Object.entries(tables)) {
    const [first] = all;
    if (!first) continue;
    const columns = Object.keys(first);
    const places = columns.map(() => '?').join(', ');
    const insert = database.prepare(
      `INSERT OR IGNORE INTO ${table} (${columns.join(', ')}) VALUES (${places})`,
    );
    for (const row of all) insert.run(...columns.map((column) => row[column] ?? null));
  }
  database.exec('COMMIT');
  database.close();
}

/** Full-text search over a table, kept up to date by triggers, as stout-index declares it. */
export function searchSchema(table: string, columns: readonly string[]): string {
  const names = columns.join(', ');
  const oldNames = columns.map((name) => `OLD.${name}`).join(', ');
  const newNames = columns.map((name) => `NEW.${name}`).join(', ');
  const remove = `INSERT INTO ${table}_fts(${table}_fts, rowid, ${names}) VALUES('delete', OLD.rowid, ${oldNames});`;
  const insert = `INSERT INTO ${table}_fts(rowid, ${names}) VALUES (NEW.rowid, ${newNames});`;
  return `
    CREATE VIRTUAL TABLE ${table}_fts USING fts5(${names}, content='${table}', content_rowid='rowid');
    CREATE TRIGGER ${table}_ai AFTER INSERT ON ${table} BEGIN ${insert} END;
    CREATE TRIGGER ${table}_ad AFTER DELETE ON ${table} BEGIN ${remove} END;
    CREATE TRIGGER ${table}_au AFTER UPDATE ON ${table} BEGIN ${remove} ${insert} END;`;
}
