import { type FormulaRow, writeFormulasDatabase } from '../../builder/database/formulas.ts';
import { imageName } from '../../format/layout.ts';
import { cellar, makeBottle } from './bottle.ts';
import { sha256 } from './bytes.ts';
import type { CatalogFormula } from './catalog.ts';
import { type IndexEntry, indexEntry, type Moment } from './moment.ts';
import type { Tree } from './tree.ts';

/** The commit that the sample pretends to be made from. */
export const TAP_COMMIT = '0'.repeat(40);

/** Writes the bottles, the package JSON, the index and its manifest; gives the index's line in the root manifest. */
export async function writeFormulas(
  tree: Tree,
  formulas: CatalogFormula[],
  moment: Moment,
): Promise<IndexEntry> {
  const rows: FormulaRow[] = [];
  for (const formula of formulas) {
    const json = formulaJson(formula, await writeBottles(tree, formula));
    const jsonHash = await tree.writePackage('formulas', formula.name, json);
    rows.push(formulaRow(formula, jsonHash, moment));
  }
  const { version, createdAt } = moment;
  const index = await tree.writeIndex('formulas', (path) => {
    writeFormulasDatabase(path, { version, createdAt, formulas: rows });
  });
  await tree.writeManifest('formulas/manifest.json', {
    version,
    index_version: version,
    index_sha256: index.sha256,
    index_size: index.size,
    formula_count: rows.length,
    created_at: createdAt,
    homebrew_commit: TAP_COMMIT,
  });
  return indexEntry(rows.length, index, moment);
}

type Bottles = Record<string, { url: string; sha256: string; cellar: string }>;

async function writeBottles(tree: Tree, formula: CatalogFormula): Promise<Bottles> {
  const bottles: Bottles = {};
  for (const tag of formula.platforms) {
    const bottle = await makeBottle(formula, tag);
    const digest = sha256(bottle);
    // Relative, so that one index serves as a directory and behind any address.
    const url = `v2/homebrew/core/${imageName(formula.name)}/blobs/sha256:${digest}`;
    await tree.write(url, bottle);
    bottles[tag] = { url, sha256: digest, cellar: cellar(formula, tag) };
  }
  return bottles;
}

function formulaJson(formula: CatalogFormula, bottles: Bottles) {
  const { name, version, revision, desc, homepage, license, dependencies, aliases, conflicts_with } = formula;
  return {
    name,
    version,
    revision,
    desc,
    homepage,
    license,
    tap: 'homebrew/core',
    urls: { stable: null, head: null },
    bottles,
    dependencies,
    aliases,
    conflicts_with,
    caveats: null,
    flags: {
      keg_only: formula.keg_only,
      deprecated: formula.deprecated,
      disabled: false,
      has_post_install: false,
    },
    service: null,
    meta: { ruby_source_path: `Formula/${name.charAt(0)}/${name}.rb`, tap_git_head: TAP_COMMIT },
  };
}

function formulaRow(formula: CatalogFormula, jsonHash: string, moment: Moment): FormulaRow {
  const { name, version, revision, desc, homepage, license, deprecated, dependencies, aliases } = formula;
  return {
    name,
    version,
    revision,
    desc,
    homepage,
    license,
    deprecated,
    dependencies,
    aliases,
    tap: 'homebrew/core',
    disabled: false,
    hasBottle: formula.platforms.length > 0,
    jsonHash,
    updatedAt: moment.unixSeconds,
    bottles: formula.platforms.map((platform) => ({ platform })),
  };
}
