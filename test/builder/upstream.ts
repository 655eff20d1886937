import { createHash } from 'node:crypto';
import { writeIndexDatabase } from '../../builder/database/database.ts';
import { cask as CASK } from '../../format/packages/cask.ts';
import { formula as FORMULA } from '../../format/packages/formula.ts';
import { indexRows } from '../../scripts/bench/index-rows.ts';
import { openTree, type Tree } from '../../scripts/sample/tree.ts';

const PUBLISHED = { version: '2026.11.01.0800', createdAt: '2026-11-01T08:00:00.000Z' };

export const sha256 = (bytes: string | Uint8Array): string =>
  createHash('sha256').update(bytes).digest('hex');

/** A formula of a test's own upstream. Its one bottle, for every platform, has the text of `bottle`. */
export interface TestFormula {
  name: string;
  version?: string;
  runtime?: string[];
  recommended?: string[];
  build?: string[];
  test?: string[];
  aliases?: string[];
  license?: string;
  bottle?: string;
  /** What is published where the bottle should be. */
  served?: string;
  /** Replaces parts of the JSON. */
  json?: Record<string, unknown>;
  /** What the index says the JSON hashes to, where that is not true. */
  jsonHash?: string;
}

/** A cask of a test's own upstream; the text of each download by its architecture, '' for the one for all. */
export interface TestCask {
  token: string;
  version?: string;
  downloads?: Record<string, string>;
  json?: Record<string, unknown>;
}

/** Writes an upstream of a few packages into `dir`, in stout-index's layout. */
export async function writeUpstream(
  dir: string,
  { formulas = [], casks = [] }: { formulas?: TestFormula[]; casks?: TestCask[] },
): Promise<void> {
  const tree = openTree(dir);
  const indexes = {
    formulas: await writeFormulas(tree, formulas),
    casks: await writeCasks(tree, casks),
  };
  const { version, createdAt: created_at } = PUBLISHED;
  await tree.writeManifest('manifest.json', { version, created_at, indexes });
}

async function writeFormulas(tree: Tree, formulas: TestFormula[]) {
  const packages: ReturnType<typeof indexRows>[] = [];
  for (const formula of formulas) {
    const hash = await writeFormula(tree, formula);
    const { name, version = '1.0', aliases = [], license, jsonHash = hash } = formula;
    const listed = { name, version, aliases, license, dependencies: dependenciesOf(formula) };
    packages.push(indexRows(FORMULA, listed, { jsonHash, updatedAt: null, platforms: ['all'] }));
  }
  const index = await tree.writeIndex('formulas', (path) =>
    writeIndexDatabase(path, FORMULA, { ...PUBLISHED, packages, mirror: false }),
  );
  return { count: packages.length, db_sha256: index.sha256, db_size: index.size };
}

async function writeFormula(tree: Tree, formula: TestFormula): Promise<string | null> {
  const { name, version = '1.0', bottle = `the bottle of ${name}` } = formula;
  const url = `bottles/${sha256(bottle)}`;
  await tree.write(url, formula.served ?? bottle);
  const json = {
    name,
    version,
    revision: 0,
    bottles: { all: { url, sha256: sha256(bottle) } },
    dependencies: dependenciesOf(formula),
    aliases: formula.aliases ?? [],
    license: formula.license,
    ...formula.json,
  };
  // Some hostile names cannot be file names; then nothing is there to be found.
  return tree.writePackage('formulas', name, json).catch(() => null);
}

const dependenciesOf = ({ runtime = [], recommended = [], build = [], test = [] }: TestFormula) => ({
  runtime,
  build,
  test,
  optional: [],
  recommended,
});

async function writeCasks(tree: Tree, casks: TestCask[]) {
  const packages: ReturnType<typeof indexRows>[] = [];
  for (const cask of casks) {
    const { token, version = '1.0' } = cask;
    const { depends_on } = cask.json ?? {};
    const listed = { token, version, name: [token], sha256: null, url: '', depends_on };
    const jsonHash = await writeCask(tree, cask);
    packages.push(indexRows(CASK, listed, { jsonHash, updatedAt: null }));
  }
  const index = await tree.writeIndex('casks', (path) =>
    writeIndexDatabase(path, CASK, { ...PUBLISHED, packages, mirror: false }),
  );
  return { count: packages.length, db_sha256: index.sha256, db_size: index.size };
}

async function writeCask(
  tree: Tree,
  { token, version = '1.0', downloads, json }: TestCask,
): Promise<string | null> {
  const files = Object.entries(downloads ?? { '': `the app ${token}` }).map(
    ([arch, text]) => [arch, { url: `downloads/${sha256(text)}.dmg`, sha256: sha256(text), text }] as const,
  );
  for (const [, { url, text }] of files) await tree.write(url, text);
  const specs = files
    .filter(([arch]) => arch !== '')
    .map(([arch, { url, sha256 }]) => [arch, { url, sha256 }]);
  const main = files[0]?.[1];
  const document = {
    ...{ token, version, name: [token], sha256: main?.sha256, url: main?.url, artifacts: [] },
    ...(specs.length > 0 ? { url_specs: Object.fromEntries(specs) } : {}),
    ...json,
  };
  return tree.writePackage('casks', token, document).catch(() => null);
}
