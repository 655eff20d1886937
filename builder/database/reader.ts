import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import * as v from 'valibot';
import { MirrorError, messageOf } from '../../format/errors.ts';

/** A database that somebody else made: read-only, its views and triggers not trusted, every row parsed. */
export class DatabaseReader {
  readonly #database: DatabaseSync;
  readonly #where: string;

  private constructor(database: DatabaseSync, where: string) {
    this.#database = database;
    this.#where = where;
  }

  /** Opens the file at `path`; errors name `where`. Throws `bad-input` for what is no SQLite database. */
  static open(path: string, where: string): DatabaseReader {
    try {
      const database = new DatabaseSync(path, { readOnly: true, allowExtension: false });
      database.exec('PRAGMA trusted_schema = OFF; PRAGMA query_only = ON; PRAGMA cell_size_check = ON');
      const [view] = database.prepare("SELECT name FROM sqlite_master WHERE type = 'view'").all();
      // A view under a table's name could make any query run for ever.
      if (view) throw new Error('it has views, which no index has');
      return new DatabaseReader(database, where);
    } catch (cause) {
      throw new MirrorError('bad-input', `${where} is not an index database: ${messageOf(cause)}`, {
        where,
        cause,
      });
    }
  }

  /** All rows of a query, each parsed. Throws `bad-input` naming the database. */
  rows<S extends v.GenericSchema>(schema: S, sql: string, ...values: SQLInputValue[]): v.InferOutput<S>[] {
    try {
      return this.#database
        .prepare(sql)
        .all(...values)
        .map((row) => v.parse(schema, row));
    } catch (cause) {
      throw new MirrorError('bad-input', `${this.#where} is not an index: ${messageOf(cause)}`, {
        where: this.#where,
        cause,
      });
    }
  }

  close(): void {
    this.#database.close();
  }
}
