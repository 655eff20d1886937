import { cellar, makeBottle } from '../bottle.ts';
import { sha256 } from '../bytes.ts';
import type { CatalogFormula } from '../catalog.ts';
import {
  imageOf,
  type SampleBottle,
  type SampleFormula,
  sourcePath,
  sourceUrl,
} from '../homebrew/formulas.ts';
import { type IndexEntry, indexEntry, type Moment } from '../moment.ts';
import type { Tree } from '../tree.ts';
import { type Rows, searchSchema, writeDatabase } from './database.ts';

const SCHEMA = `
  CREATE TABLE formulas (
    name TEXT PRIMARY KEY, version TEXT NOT NULL, revision INTEGER DEFAULT 0, desc TEXT, homepage TEXT, license TEXT,
    tap TEXT DEFAULT 'homebrew/core', deprecated INTEGER DEFAULT 0, disabled INTEGER DEFAULT 0,
    has_bottle INTEGER DEFAULT 1, json_hash TEXT, updated_at INTEGER);
  ${searchSchema('formulas', ['name', 'desc'])}
  CREATE TABLE dependencies (
    formula TEXT NOT NULL, dep_name TEXT NOT NULL, dep_type TEXT NOT NULL, PRIMARY KEY (formula, dep_name, dep_type),
    FOREIGN KEY (formula) REFERENCES formulas(name));
  CREATE TABLE bottles (
    formula TEXT NOT NULL, platform TEXT NOT NULL, PRIMARY KEY (formula, platform),
    FOREIGN KEY (formula) REFERENCES formulas(name));
  CREATE TABLE aliases (
    alias TEXT PRIMARY KEY, formula TEXT NOT NULL, FOREIGN KEY (formula) REFERENCES formulas(name));
  CREATE INDEX idx_dependencies_formula ON dependencies(formula);
  CREATE INDEX idx_dependencies_dep ON dependencies(dep_name);
  CREATE INDEX idx_bottles_formula ON bottles(formula);
  CREATE INDEX idx_formulas_tap ON formulas(tap);`;

/** The commit that the sample pretends to be made from. */
export const TAP_COMMIT = '0'.repeat(40);

/**
 * Writes the bottles, the package JSON, the index and its manifest; gives the index's line in the root manifest, and the
 * bottles.
 */
export async function writeFormulas(
  tree: Tree,
  formulas: CatalogFormula[],
  moment: Moment,
): Promise<{ entry: IndexEntry; written: SampleFormula[] }> {
  const formulaRows: Rows[string][number][] = [];
  const written: SampleFormula[] = [];
  for (const formula of formulas) {
    const bottles = await writeBottles(tree, formula);
    written.push({ formula, bottles });
    const json = formulaJson(formula, bottles);
    const jsonHash = await tree.writePackage('formulas', formula.name, json);
    formulaRows.push(formulaRow(formula, jsonHash, moment));
  }
  const { version, createdAt } = moment;
  const index = await tree.writeIndex('formulas', (path) => {
    const meta = { version, created_at: createdAt, formula_count: formulas.length };
    writeDatabase(path, SCHEMA, { formulas: formulaRows, ...detailRows(formulas) }, meta);
  });
  await tree.writeManifest('formulas/manifest.json', {
    version,
    index_version: version,
    index_sha256: index.sha256,
    index_size: index.size,
    formula_count: formulas.length,
    created_at: createdAt,
    homebrew_commit: TAP_COMMIT,
  });
  return { entry: indexEntry(formulas.length, index, moment), written };
}

function formulaRow(formula: CatalogFormula, json_hash: string, { unixSeconds }: Moment) {
  const { name, version, revision, desc, homepage, license, deprecated } = formula;
  return {
    ...{
      name,
      version,
      revision,
      desc,
      homepage,
      license,
      tap: 'homebrew/core',
      deprecated: Number(deprecated),
    },
    ...{ disabled: 0, has_bottle: 1, json_hash, updated_at: unixSeconds },
  };
}

const detailRows = (formulas: readonly CatalogFormula[]): Rows => ({
  dependencies: formulas.flatMap(({ name: formula, dependencies }) =>
    Object.entries(dependencies).flatMap(([dep_type, names]) =>
      names.map((dep_name) => ({ formula, dep_name, dep_type })),
    ),
  ),
  bottles: formulas.flatMap(({ name: formula, platforms }) =>
    platforms.map((platform) => ({ formula, platform })),
  ),
  aliases: formulas.flatMap(({ name: formula, aliases }) => aliases.map((alias) => ({ alias, formula }))),
});

async function writeBottles(tree: Tree, formula: CatalogFormula): Promise<SampleBottle[]> {
  const bottles: SampleBottle[] = [];
  for (const tag of formula.platforms) {
    const bottle = await makeBottle(formula, tag);
    const digest = sha256(bottle);
    // Relative, so that one index serves as a directory and behind any address.
    const url = `v2/homebrew/core/${imageOf(formula.name)}/blobs/sha256:${digest}`;
    await tree.write(url, bottle);
    bottles.push({ tag, url, sha256: digest, cellar: cellar(formula, tag), bytes: bottle });
  }
  return bottles;
}

function formulaJson(formula: CatalogFormula, bottles: SampleBottle[]) {
  const { name, version, revision, desc, homepage, license, dependencies, aliases, conflicts_with } = formula;
  return {
    name,
    version,
    revision,
    desc,
    homepage,
    license,
    tap: 'homebrew/core',
    urls: { stable: { url: sourceUrl(formula), sha256: sha256(sourceUrl(formula)) }, head: null },
    bottles: Object.fromEntries(
      bottles.map(({ tag, url, sha256, cellar }) => [tag, { url, sha256, cellar }]),
    ),
    dependencies,
    aliases,
    conflicts_with,
    caveats: formula.caveats,
    flags: {
      keg_only: formula.keg_only,
      deprecated: formula.deprecated,
      disabled: false,
      has_post_install: formula.post_install,
    },
    service: null,
    meta: { ruby_source_path: sourcePath(name), tap_git_head: TAP_COMMIT },
  };
}
