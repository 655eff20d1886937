import * as v from 'valibot';
import { packageVersion } from '../../format/bottle.ts';
import type { Rows, Table } from '../../format/packages/kind.ts';
import type { Kind } from '../../format/packages/kinds.ts';
import { columnsOf } from './database.ts';
import type { DatabaseReader } from './reader.ts';

/** A package as an index lists it. */
export interface Listed {
  name: string;
  /** With its revision; absent where nothing can be mirrored. */
  version?: string | undefined;
  /** `null` where the package declares none; absent for a kind that has no licences. */
  license?: string | null | undefined;
  /** Hash of the package's description, which shows when that changes. */
  hash: string | null;
  /** Unix seconds. */
  updatedAt: number | null;
  /** Why nothing of the package can be mirrored, if that is so. */
  unavailable?: string | undefined;
  /** Headers to send for its files, by URL. */
  headers?: Readonly<Record<string, Readonly<Record<string, string>>>> | undefined;
}

/** What an index, an upstream's or a mirror's, lists of one kind of package. */
export interface KindIndex {
  /** Returns a package by its name or an alias. */
  find(name: string): Listed | undefined;
  names(): string[];
  /** Returns where a package that is no longer here went to, if the index knows: `owner/tap`, or `owner/tap/name`. */
  movedTo?(name: string): string | undefined;
  /** Returns the names that a package depends on, for the given reasons, sorted. */
  dependencies(name: string, types: readonly string[]): string[];
}

const listedSchema = v.object({
  name: v.string(),
  hash: v.nullable(v.string()),
  updatedAt: v.nullable(v.number()),
  version: v.nullable(v.string()),
  revision: v.nullable(v.number()),
  license: v.nullable(v.string()),
});
const nameSchema = v.object({ name: v.string() });
const dependencySchema = v.object({ name: v.string(), type: v.string() });
const rowSchema = v.record(v.string(), v.nullable(v.union([v.string(), v.number()])));

/** The index of a kind in a SQLite database. */
export class DatabaseIndex implements KindIndex {
  readonly #reader: DatabaseReader;
  readonly #kind: Kind;
  readonly #select: string;
  readonly #declaresLicenses: boolean;
  /** Read at once when all names are asked for, because then each of them is looked up. */
  #all: ReadonlyMap<string, Listed> | undefined;

  constructor(reader: DatabaseReader, kind: Kind) {
    this.#reader = reader;
    this.#kind = kind;
    const [{ name, owner, columns }] = kind.tables;
    const optional = (column: string): string => (column in columns ? column : 'NULL');
    this.#select = `SELECT ${owner} AS name, json_hash AS hash, version, ${optional('revision')} AS revision,
      ${optional('license')} AS license, ${optional('updated_at')} AS updatedAt FROM ${name}`;
    this.#declaresLicenses = 'license' in columns;
  }

  find(name: string): Listed | undefined {
    const exact = this.#all?.get(name) ?? this.#find(name);
    const { findAlias } = this.#kind;
    if (exact || !findAlias) return exact;
    const [alias] = this.#reader.rows(nameSchema, findAlias, name);
    return alias && this.#find(alias.name);
  }

  names(): string[] {
    this.#all ??= new Map(
      this.#reader.rows(listedSchema, this.#select).map((row) => [row.name, this.#listed(row)]),
    );
    return [...this.#all.keys()];
  }

  dependencies(name: string, types: readonly string[]): string[] {
    const { findDependencies } = this.#kind;
    const rows = findDependencies ? this.#reader.rows(dependencySchema, findDependencies, name) : [];
    return rows.filter(({ type }) => types.includes(type)).map((row) => row.name);
  }

  /** Returns the hashes of all packages' descriptions at the upstream, by name. For a mirror's database. */
  upstreamHashes(): ReadonlyMap<string, string | null> {
    const [{ name, owner }] = this.#kind.tables;
    const schema = v.object({ name: v.string(), hash: v.nullable(v.string()) });
    const rows = this.#reader.rows(schema, `SELECT ${owner} AS name, upstream_hash AS hash FROM ${name}`);
    return new Map(rows.map((row) => [row.name, row.hash]));
  }

  /** Returns a package's row in the main table as the upstream describes it there. Throws `bad-input`. */
  describe(name: string): unknown {
    const [main] = this.#kind.tables;
    return this.#reader.row(this.#kind.schema, `SELECT * FROM ${main.name} WHERE ${main.owner} = ?`, name);
  }

  /** Returns all rows of a package. For a mirror's database. */
  rows(name: string): Rows {
    const { tables } = this.#kind;
    return Object.fromEntries(tables.map((table) => [table.name, readRows(this.#reader, table, name)]));
  }

  #find(name: string): Listed | undefined {
    const [{ owner }] = this.#kind.tables;
    const [row] = this.#reader.rows(listedSchema, `${this.#select} WHERE ${owner} = ?`, name);
    return row && this.#listed(row);
  }

  #listed({ name, hash, updatedAt, version, revision, license }: v.InferOutput<typeof listedSchema>): Listed {
    return {
      ...{ name, hash, updatedAt },
      version: packageVersion(version ?? '', revision ?? 0),
      ...(this.#declaresLicenses ? { license } : {}),
    };
  }
}

/** Returns the rows of a table in a mirror's database, in the order they were inserted: all, or those of one package. */
export function readRows(reader: DatabaseReader, table: Table, owner?: string): Rows[string] {
  const select = `SELECT ${columnsOf(table, true).join(', ')} FROM ${table.name}`;
  if (owner === undefined) return reader.rows(rowSchema, `${select} ORDER BY rowid`);
  return reader.rows(rowSchema, `${select} WHERE ${table.owner} = ? ORDER BY rowid`, owner);
}
