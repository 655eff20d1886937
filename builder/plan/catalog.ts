import { distance } from 'fastest-levenshtein';
import * as v from 'valibot';
import { MirrorError } from '../../format/errors.ts';
import type { DatabaseReader } from '../database/reader.ts';

const formulaSchema = v.object({
  name: v.string(),
  json_hash: v.nullable(v.string()),
  updated_at: v.nullable(v.number()),
});
const caskSchema = v.object({
  token: v.string(),
  json_hash: v.nullable(v.string()),
  updated_at: v.nullable(v.number()),
});
const nameSchema = v.object({ name: v.string() });
const dependencySchema = v.object({ dep_name: v.string(), dep_type: v.string() });

export type CatalogFormula = v.InferOutput<typeof formulaSchema>;
export type CatalogCask = v.InferOutput<typeof caskSchema>;

/** What an upstream offers: names, aliases and dependencies, straight from its databases. */
export class Catalog {
  readonly #formulas: DatabaseReader;
  readonly #casks: DatabaseReader | undefined;

  constructor(formulas: DatabaseReader, casks: DatabaseReader | undefined) {
    this.#formulas = formulas;
    this.#casks = casks;
  }

  /** A formula by its name or an alias. */
  findFormula(name: string): CatalogFormula | undefined {
    const select = 'SELECT name, json_hash, updated_at FROM formulas WHERE name = ?';
    const [exact] = this.#formulas.rows(formulaSchema, select, name);
    if (exact) return exact;
    const [alias] = this.#formulas.rows(
      nameSchema,
      'SELECT formula AS name FROM aliases WHERE alias = ?',
      name,
    );
    return alias && this.#formulas.rows(formulaSchema, select, alias.name)[0];
  }

  /** As {@link findFormula}; throws `unknown-package` that offers near names. */
  formula(name: string): CatalogFormula {
    const found = this.findFormula(name);
    if (found) return found;
    throw unknown('formula', name, this.#formulas.rows(nameSchema, 'SELECT name FROM formulas'));
  }

  /** A cask by its token. Throws `unknown-package`. */
  cask(token: string): CatalogCask {
    const select = 'SELECT token, json_hash, updated_at FROM casks WHERE token = ?';
    const [found] = this.#casks?.rows(caskSchema, select, token) ?? [];
    if (found) return found;
    throw unknown('cask', token, this.#casks?.rows(nameSchema, 'SELECT token AS name FROM casks') ?? []);
  }

  /** Names that a formula depends on, of the given types, sorted. */
  dependencies(name: string, types: readonly string[]): string[] {
    const sql = 'SELECT dep_name, dep_type FROM dependencies WHERE formula = ? ORDER BY dep_name';
    const rows = this.#formulas.rows(dependencySchema, sql, name);
    return rows.filter((row) => types.includes(row.dep_type)).map((row) => row.dep_name);
  }
}

function unknown(kind: string, name: string, known: readonly { name: string }[]): MirrorError {
  const near = known
    .map((candidate) => ({ name: candidate.name, distance: distance(name, candidate.name) }))
    .filter(
      (candidate) => candidate.distance <= Math.max(2, name.length / 3) || candidate.name.startsWith(name),
    )
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 3)
    .map((candidate) => candidate.name);
  const hint = near.length > 0 ? ` Did you mean ${near.join(', ')}?` : '';
  return new MirrorError(
    'unknown-package',
    `The upstream has no ${kind} named ${JSON.stringify(name)}.${hint}`,
    {
      expected: near.join(', ') || undefined,
      found: name,
    },
  );
}
