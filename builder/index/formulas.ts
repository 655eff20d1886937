import { isDeepStrictEqual } from 'node:util';
import pMap from 'p-map';
import { packageJsonPath, packageVersion } from '../../format/layout.ts';
import type { ManifestFormula } from '../../format/manifest.ts';
import type { ListedPackage } from '../../format/package-list.ts';
import { parseTag } from '../../format/tags.ts';
import { type Digests, storedFile, totalSize } from '../directory/stored-file.ts';
import type { PlannedBrew } from '../plan/brew.ts';
import { filesOf, type Plan, type PlannedFormula } from '../plan/plan.ts';
import { ClientJson } from './client-json.ts';
import {
  type BrewBottleRow,
  type FormulaRow,
  sortedBrewBottles,
  writeFormulasDatabase,
} from './formulas-database.ts';
import {
  entriesByName,
  type IndexContext,
  type StagedPackages,
  stageCarried,
  stagePackageJson,
} from './index-files.ts';

const DOCUMENTS = 16;

/** Stages package JSON of the formulas. `brewBefore` is what the mirror so far says of bottles for brew. */
export async function stageFormulas(
  context: IndexContext,
  { formulas: { fresh, carried }, brew }: Pick<Plan, 'formulas' | 'brew'>,
  brewBefore: readonly BrewBottleRow[],
): Promise<StagedPackages<ManifestFormula>> {
  const digests = context.staging.files;
  await stageCarried(context, carried);
  const client = new ClientJson(digests, context.publicUrl);
  const written = await pMap(
    fresh,
    async (formula) => {
      const { name } = formula.json;
      const jsonHash = await stagePackageJson(context, 'formulas', name, client.formula(formula));
      return formulaRow(formula, jsonHash, digests);
    },
    { concurrency: DOCUMENTS },
  );
  const brewBottles = brew && brewRows(brew, digests);
  const isForBrewAsBefore = isDeepStrictEqual(brewBottles ?? [], sortedBrewBottles(brewBefore));
  const mirrored = fresh.filter((formula) => formula.mirrored);
  return {
    database: {
      kind: 'formulas',
      count: written.length + carried.length,
      carried: written.length === 0 && isForBrewAsBefore,
      write: (local, stamp) => {
        const formulas = [...written, ...carried.map(({ row }) => row())];
        writeFormulasDatabase(local, { ...stamp, formulas, withFiles: true, brewBottles });
      },
    },
    packages: entriesByName([
      ...mirrored.map((formula) => [formula.json.name, manifestEntry(formula, digests)] as const),
      ...carried.map(({ name, entry }) => [name, entry] as const),
    ]),
    listed: [
      ...mirrored.map((formula) => listEntry(formula, digests)),
      ...carried.flatMap(({ listed }) => listed ?? []),
    ],
  };
}

const brewRows = ({ images }: PlannedBrew, digests: Digests): BrewBottleRow[] =>
  sortedBrewBottles(
    images.flatMap(({ of: formula, bottles }) =>
      bottles.flatMap((bottle) =>
        bottle.tags.map((tag) => ({ formula, tag, file: storedFile(bottle, digests) })),
      ),
    ),
  );

function formulaRow(
  { json, updatedAt, upstreamHash, bottles }: PlannedFormula,
  jsonHash: string,
  digests: Digests,
): FormulaRow {
  return {
    name: json.name,
    version: json.version,
    revision: json.revision,
    desc: json.desc,
    homepage: json.homepage,
    license: json.license,
    tap: json.tap,
    deprecated: json.flags.deprecated ?? false,
    disabled: json.flags.disabled ?? false,
    hasBottle: bottles.size > 0,
    jsonHash,
    upstreamHash,
    updatedAt,
    dependencies: json.dependencies,
    aliases: json.aliases,
    bottles: [...bottles].map(([platform, file]) => ({ platform, file: storedFile(file, digests) })),
  };
}

function manifestEntry({ json, bottles }: PlannedFormula, digests: Digests): ManifestFormula {
  return {
    version: json.version,
    revision: json.revision,
    json_path: packageJsonPath('formulas', json.name),
    bottles: Object.fromEntries(
      [...bottles].map(([platform, file]) => [platform, storedFile(file, digests)]),
    ),
  };
}

function listEntry(formula: PlannedFormula, digests: Digests): ListedPackage {
  const { json, bottles } = formula;
  return {
    kind: 'formula',
    name: json.name,
    version: packageVersion(json.version, json.revision),
    desc: json.desc ?? '',
    tags: [...new Set([...bottles.keys()].map(parseTag))].sort(),
    size: totalSize(filesOf(formula), digests),
  };
}
