import { writeIndexDatabase } from '../../builder/database/database.ts';
import { imageName } from '../../format/bottle.ts';
import { formula as FORMULA } from '../../format/packages/formula.ts';
import { cellar, makeBottle } from './bottle.ts';
import { sha256 } from './bytes.ts';
import type { CatalogFormula } from './catalog.ts';
import type { SampleBottle, SampleFormula } from './homebrew/packages.ts';
import { indexRows } from './index-rows.ts';
import { type IndexEntry, indexEntry, type Moment } from './moment.ts';
import type { Tree } from './tree.ts';

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
  const packages: ReturnType<typeof indexRows>[] = [];
  const written: SampleFormula[] = [];
  for (const formula of formulas) {
    const bottles = await writeBottles(tree, formula);
    written.push({ formula, bottles });
    const json = formulaJson(formula, bottles);
    const jsonHash = await tree.writePackage('formulas', formula.name, json);
    const facts = { jsonHash, updatedAt: moment.unixSeconds, platforms: formula.platforms };
    packages.push(indexRows(FORMULA, json, facts));
  }
  const { version, createdAt } = moment;
  const index = await tree.writeIndex('formulas', (path) => {
    writeIndexDatabase(path, FORMULA, { version, createdAt, packages, mirror: false });
  });
  await tree.writeManifest('formulas/manifest.json', {
    version,
    index_version: version,
    index_sha256: index.sha256,
    index_size: index.size,
    formula_count: packages.length,
    created_at: createdAt,
    homebrew_commit: TAP_COMMIT,
  });
  return { entry: indexEntry(packages.length, index, moment), written };
}

async function writeBottles(tree: Tree, formula: CatalogFormula): Promise<SampleBottle[]> {
  const bottles: SampleBottle[] = [];
  for (const tag of formula.platforms) {
    const bottle = await makeBottle(formula, tag);
    const digest = sha256(bottle);
    // Relative, so that one index serves as a directory and behind any address.
    const url = `v2/homebrew/core/${imageName(formula.name)}/blobs/sha256:${digest}`;
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
    urls: { stable: null, head: null },
    bottles: Object.fromEntries(
      bottles.map(({ tag, url, sha256, cellar }) => [tag, { url, sha256, cellar }]),
    ),
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
