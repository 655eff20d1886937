import pMap from 'p-map';
import type { IndexedDatabase } from '../../format/index-manifest.ts';
import { packageJsonPath } from '../../format/layout.ts';
import type { Manifest } from '../../format/manifest.ts';
import type { ListedPackage } from '../../format/package-list.ts';
import { caskDependencies, caskParts } from '../database/cask-relations.ts';
import { type CaskRow, writeCasksDatabase } from '../database/casks.ts';
import type { FileDigest } from '../directory/hash.ts';
import type { PlannedCask } from '../plan/plan.ts';
import { clientCask } from './client-json.ts';
import { compressDocument, type IndexContext, stageIndexDatabase } from './index-files.ts';
import { storedFile, totalSize } from './stored-file.ts';

const COMPRESSIONS = 4;

/** What a mirror says about its casks in the places that list them. */
export interface StagedCasks {
  database: IndexedDatabase;
  manifest: Manifest['casks'];
  listed: ListedPackage[];
}

/** Stages package JSON and database of the casks. */
export async function stageCasks(
  context: IndexContext,
  version: string,
  casks: readonly PlannedCask[],
): Promise<StagedCasks> {
  const digests = context.staging.files;
  const rows = await pMap(
    casks,
    async (cask) => {
      const json = await compressDocument(clientCask(cask, digests));
      const { sha256 } = await context.staging.put(packageJsonPath('casks', cask.json.token), json);
      return caskRow(cask, sha256, digests);
    },
    { concurrency: COMPRESSIONS },
  );
  const createdAt = context.now.toISOString();
  const database = await stageIndexDatabase(context, 'casks', rows.length, (local) =>
    writeCasksDatabase(local, { version, createdAt, casks: rows, withFiles: true }),
  );
  return {
    database,
    manifest: {
      count: casks.length,
      packages: Object.fromEntries(casks.map((cask) => [cask.json.token, manifestEntry(cask, digests)])),
    },
    listed: casks.map((cask) => listEntry(cask, digests)),
  };
}

function caskRow(
  { json, updatedAt, files }: PlannedCask,
  jsonHash: string,
  digests: ReadonlyMap<string, FileDigest>,
): CaskRow {
  return {
    token: json.token,
    names: json.name,
    version: json.version,
    sha256: json.sha256,
    url: json.url,
    homepage: json.homepage,
    desc: json.desc,
    tap: json.tap,
    autoUpdates: json.auto_updates ?? false,
    deprecated: json.deprecated ?? false,
    disabled: json.disabled ?? false,
    jsonHash,
    updatedAt,
    parts: caskParts(json.artifacts),
    dependencies: caskDependencies(json.depends_on ?? {}),
    files: [...files].map(([arch, file]) => ({ arch, file: storedFile(file, digests) })),
  };
}

function manifestEntry(
  { json, files }: PlannedCask,
  digests: ReadonlyMap<string, FileDigest>,
): Manifest['casks']['packages'][string] {
  const stored = [...files].map(([arch, file]) => [arch, storedFile(file, digests)] as const);
  const artifact = stored.find(([, file]) => file.sha256 === json.sha256)?.[1];
  const byArchitecture = stored.filter(([arch]) => arch !== '');
  return {
    version: json.version,
    json_path: packageJsonPath('casks', json.token),
    ...(artifact ? { artifact } : {}),
    ...(byArchitecture.length > 0 ? { artifacts: Object.fromEntries(byArchitecture) } : {}),
  };
}

function listEntry({ json, files }: PlannedCask, digests: ReadonlyMap<string, FileDigest>): ListedPackage {
  return {
    kind: 'cask',
    name: json.token,
    version: json.version,
    desc: json.desc ?? '',
    tags: [...files.keys()].filter((arch) => arch !== '').sort(),
    size: totalSize(files.values(), digests),
  };
}
