import pMap from 'p-map';
import type { IndexedDatabase } from '../../format/index-manifest.ts';
import { packageJsonPath, packageVersion } from '../../format/layout.ts';
import type { Manifest } from '../../format/manifest.ts';
import type { ListedPackage } from '../../format/package-list.ts';
import { parseTag } from '../../format/tags.ts';
import { type FormulaRow, writeFormulasDatabase } from '../database/formulas.ts';
import type { FileDigest } from '../directory/hash.ts';
import type { PlannedFormula } from '../plan/plan.ts';
import { clientFormula } from './client-json.ts';
import { compressDocument, type IndexContext, stageIndexDatabase } from './index-files.ts';
import { storedFile, totalSize } from './stored-file.ts';

const COMPRESSIONS = 4;

/** What a mirror says about its formulas in the places that list them. */
export interface StagedFormulas {
  database: IndexedDatabase;
  manifest: Manifest['formulas'];
  listed: ListedPackage[];
}

/** Stages package JSON and database of the formulas. */
export async function stageFormulas(
  context: IndexContext,
  version: string,
  formulas: readonly PlannedFormula[],
): Promise<StagedFormulas> {
  const digests = context.staging.files;
  const rows = await pMap(
    formulas,
    async (formula) => {
      const json = await compressDocument(clientFormula(formula, digests));
      const { sha256 } = await context.staging.put(packageJsonPath('formulas', formula.json.name), json);
      return formulaRow(formula, sha256, digests);
    },
    { concurrency: COMPRESSIONS },
  );
  const createdAt = context.now.toISOString();
  const database = await stageIndexDatabase(context, 'formulas', rows.length, (local) =>
    writeFormulasDatabase(local, { version, createdAt, formulas: rows, withFiles: true }),
  );
  return {
    database,
    manifest: {
      count: formulas.length,
      packages: Object.fromEntries(formulas.map((one) => [one.json.name, manifestEntry(one, digests)])),
    },
    listed: formulas.map((formula) => listEntry(formula, digests)),
  };
}

function formulaRow(
  { json, updatedAt, bottles }: PlannedFormula,
  jsonHash: string,
  digests: ReadonlyMap<string, FileDigest>,
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
    updatedAt,
    dependencies: json.dependencies,
    aliases: json.aliases,
    bottles: [...bottles].map(([platform, file]) => ({ platform, file: storedFile(file, digests) })),
  };
}

function manifestEntry(
  { json, bottles }: PlannedFormula,
  digests: ReadonlyMap<string, FileDigest>,
): Manifest['formulas']['packages'][string] {
  return {
    version: json.version,
    revision: json.revision,
    json_path: packageJsonPath('formulas', json.name),
    bottles: Object.fromEntries(
      [...bottles].map(([platform, file]) => [platform, storedFile(file, digests)]),
    ),
  };
}

function listEntry(
  { json, bottles }: PlannedFormula,
  digests: ReadonlyMap<string, FileDigest>,
): ListedPackage {
  return {
    kind: 'formula',
    name: json.name,
    version: packageVersion(json.version, json.revision),
    desc: json.desc ?? '',
    tags: [...new Set([...bottles.keys()].map(parseTag))].sort(),
    size: totalSize(bottles.values(), digests),
  };
}
