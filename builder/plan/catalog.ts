import * as v from 'valibot';
import type { DatabaseReader } from '../index/reader.ts';

const nullableText = v.nullable(v.string());

const formulaSchema = v.object({
  name: v.string(),
  version: v.string(),
  revision: v.nullable(v.number()),
  json_hash: nullableText,
  updated_at: v.nullable(v.number()),
});
const caskSchema = v.object({
  token: v.string(),
  version: nullableText,
  json_hash: nullableText,
  updated_at: v.nullable(v.number()),
});
const SELECT_FORMULAS = 'SELECT name, version, revision, json_hash, updated_at FROM formulas';
const SELECT_CASKS = 'SELECT token, version, json_hash, updated_at FROM casks';
const linuxAppSchema = v.object({
  token: v.string(),
  name: v.string(),
  version: v.string(),
  desc: nullableText,
  homepage: nullableText,
  source: v.string(),
  download_url: nullableText,
  sha256: nullableText,
  icon_url: nullableText,
  categories: nullableText,
  license: nullableText,
  flatpak_id: nullableText,
  snap_name: nullableText,
  json_hash: nullableText,
});
const nameSchema = v.object({ name: v.string() });
const dependencySchema = v.object({ dep_name: v.string(), dep_type: v.string() });

export type CatalogFormula = v.InferOutput<typeof formulaSchema>;
export type CatalogCask = v.InferOutput<typeof caskSchema>;
export type CatalogLinuxApp = v.InferOutput<typeof linuxAppSchema>;

/** The databases of an index; those that nobody asks for may be left out. */
export interface CatalogDatabases {
  formulas: DatabaseReader;
  casks?: DatabaseReader | undefined;
  linuxApps?: DatabaseReader | undefined;
}

/** Where packages are looked up. */
export type PackageIndex = Pick<Catalog, 'findFormula' | 'findCask' | 'findLinuxApp' | 'dependencies'>;

/** What an index offers, an upstream's or a mirror's: names, aliases, versions and dependencies from its databases. */
export class Catalog {
  readonly #databases: CatalogDatabases;
  /** Read all at once when all names are asked for, as each of them is looked up then. */
  #formulas: ReadonlyMap<string, CatalogFormula> | undefined;
  #casks: ReadonlyMap<string, CatalogCask> | undefined;

  constructor(databases: CatalogDatabases) {
    this.#databases = databases;
  }

  /** A formula by its name or an alias. */
  findFormula(name: string): CatalogFormula | undefined {
    const { formulas } = this.#databases;
    const select = `${SELECT_FORMULAS} WHERE name = ?`;
    const exact = this.#formulas?.get(name) ?? formulas.rows(formulaSchema, select, name)[0];
    if (exact) return exact;
    const [alias] = formulas.rows(nameSchema, 'SELECT formula AS name FROM aliases WHERE alias = ?', name);
    return alias && formulas.rows(formulaSchema, select, alias.name)[0];
  }

  findCask(token: string): CatalogCask | undefined {
    const select = `${SELECT_CASKS} WHERE token = ?`;
    return this.#casks?.get(token) ?? this.#databases.casks?.rows(caskSchema, select, token)[0];
  }

  findLinuxApp(token: string): CatalogLinuxApp | undefined {
    const select = 'SELECT * FROM linux_apps WHERE token = ?';
    return this.#databases.linuxApps?.rows(linuxAppSchema, select, token)[0];
  }

  formulaNames(): string[] {
    const rows = () => this.#databases.formulas.rows(formulaSchema, SELECT_FORMULAS);
    this.#formulas ??= new Map(rows().map((row) => [row.name, row]));
    return [...this.#formulas.keys()];
  }

  caskTokens(): string[] {
    const rows = () => this.#databases.casks?.rows(caskSchema, SELECT_CASKS) ?? [];
    this.#casks ??= new Map(rows().map((row) => [row.token, row]));
    return [...this.#casks.keys()];
  }

  linuxAppTokens = (): string[] => namesIn(this.#databases.linuxApps, 'SELECT token AS name FROM linux_apps');

  /** Names that a formula depends on, of the given types, sorted. */
  dependencies(name: string, types: readonly string[]): string[] {
    const sql = 'SELECT dep_name, dep_type FROM dependencies WHERE formula = ? ORDER BY dep_name';
    const rows = this.#databases.formulas.rows(dependencySchema, sql, name);
    return rows.filter((row) => types.includes(row.dep_type)).map((row) => row.dep_name);
  }
}

const namesIn = (database: DatabaseReader | undefined, sql: string): string[] =>
  database?.rows(nameSchema, sql).map((row) => row.name) ?? [];
