import { closeSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import * as v from 'valibot';
import { MirrorError, messageOf } from '../../format/errors.ts';
import { openPlainSync } from '../directory/plain-file.ts';

/** Bytes of the longest value, and of the longest row. */
const MAX_VALUE = 16 * 1024 * 1024;
/** Rows of a query that are read into memory: far more than any index has. */
const MAX_ROWS = 500_000;

const COMPUTED = `SELECT name FROM sqlite_master WHERE type = 'view' UNION ALL
  SELECT m.name FROM sqlite_master AS m, pragma_table_xinfo(m.name) AS c WHERE c.hidden IN (2, 3) LIMIT 1`;

/** A database that somebody else made: read-only, its views and triggers not trusted, every row parsed. */
export class DatabaseReader {
  readonly #database: DatabaseSync;
  readonly #where: string;
  /** By their text: preparing one takes far longer than running it. */
  readonly #statements = new Map<string, StatementSync>();

  private constructor(database: DatabaseSync, where: string) {
    this.#database = database;
    this.#where = where;
  }

  /** Opens the file at `path`; errors name `where`. Throws `bad-input` for anything but a SQLite
   * database, `refused` for anything but a plain file, and Node's errors. */
  static open(path: string, where: string): DatabaseReader {
    // SQLite would wait for a pipe, and calls every failure a database that it cannot open.
    closeSync(openPlainSync(path));
    try {
      // Immutable: a journal that lies beside it is not part of it, and is not carried out.
      const database = new DatabaseSync(new URL(`${pathToFileURL(path).href}?immutable=1`), {
        ...{ readOnly: true, allowExtension: false, limits: { length: MAX_VALUE } },
      });
      database.exec('PRAGMA trusted_schema = OFF; PRAGMA query_only = ON; PRAGMA cell_size_check = ON');
      // A view under a table's name could make any query run for ever, a generated column any value endless.
      const [computed] = database.prepare(COMPUTED).all();
      if (computed) throw new Error('it has views or generated columns, which no index has');
      return new DatabaseReader(database, where);
    } catch (cause) {
      throw new MirrorError('bad-input', `${where} is not an index database: ${messageOf(cause)}`, {
        where,
        cause,
      });
    }
  }

  /** Returns all rows of a query, each parsed. Throws `bad-input` naming the database. */
  rows<S extends v.GenericSchema>(schema: S, sql: string, ...values: SQLInputValue[]): v.InferOutput<S>[] {
    return this.#reading(() => {
      const rows: v.InferOutput<S>[] = [];
      for (const row of this.#statement(sql).iterate(...values)) {
        if (rows.length === MAX_ROWS) throw new Error(`a query has more than ${MAX_ROWS} rows`);
        rows.push(v.parse(schema, row));
      }
      return rows;
    });
  }

  /** Returns the only row of a query. Throws as {@link rows}, and when there is none. */
  row<S extends v.GenericSchema>(schema: S, sql: string, ...values: SQLInputValue[]): v.InferOutput<S> {
    return this.#reading(() => v.parse(schema, this.#statement(sql).get(...values)));
  }

  #reading<T>(read: () => T): T {
    try {
      return read();
    } catch (cause) {
      throw new MirrorError('bad-input', `${this.#where} is not an index: ${messageOf(cause)}`, {
        where: this.#where,
        cause,
      });
    }
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  close(): void {
    this.#database.close();
  }
}
