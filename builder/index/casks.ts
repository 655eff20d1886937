import pMap from 'p-map';
import { packageJsonPath } from '../../format/layout.ts';
import type { ManifestCask } from '../../format/manifest.ts';
import type { ListedPackage } from '../../format/package-list.ts';
import { type Digests, storedFile, totalSize } from '../directory/stored-file.ts';
import { filesOf, type Plan, type PlannedCask } from '../plan/plan.ts';
import { caskDependencies, caskParts } from './cask-relations.ts';
import { type CaskRow, writeCasksDatabase } from './casks-database.ts';
import { ClientJson, mainFile } from './client-json.ts';
import {
  entriesByName,
  type IndexContext,
  type StagedPackages,
  stageCarried,
  stagePackageJson,
} from './index-files.ts';

const DOCUMENTS = 16;

/** Stages package JSON of the casks. */
export async function stageCasks(
  context: IndexContext,
  { fresh, carried }: Plan['casks'],
): Promise<StagedPackages<ManifestCask>> {
  const digests = context.staging.files;
  await stageCarried(context, carried);
  const client = new ClientJson(digests, context.publicUrl);
  const written = await pMap(
    fresh,
    async (cask) => {
      const jsonHash = await stagePackageJson(context, 'casks', cask.json.token, client.cask(cask));
      return caskRow(cask, jsonHash, digests);
    },
    { concurrency: DOCUMENTS },
  );
  const mirrored = fresh.filter((cask) => cask.mirrored);
  return {
    database: {
      kind: 'casks',
      count: written.length + carried.length,
      carried: written.length === 0,
      write: (local, stamp) =>
        writeCasksDatabase(local, {
          ...stamp,
          casks: [...written, ...carried.map(({ row }) => row())],
          withFiles: true,
        }),
    },
    packages: entriesByName([
      ...mirrored.map((cask) => [cask.json.token, manifestEntry(cask, digests)] as const),
      ...carried.map(({ name, entry }) => [name, entry] as const),
    ]),
    listed: [
      ...mirrored.map((cask) => listEntry(cask, digests)),
      ...carried.flatMap(({ listed }) => listed ?? []),
    ],
  };
}

function caskRow(cask: PlannedCask, jsonHash: string, digests: Digests): CaskRow {
  const { json, updatedAt, upstreamHash, files } = cask;
  const main = mainFile(cask);
  return {
    token: json.token,
    names: json.name,
    version: json.version,
    sha256: main ? storedFile(main, digests).sha256 : json.sha256,
    url: json.url,
    homepage: json.homepage,
    desc: json.desc,
    tap: json.tap,
    autoUpdates: json.auto_updates ?? false,
    deprecated: json.deprecated ?? false,
    disabled: json.disabled ?? false,
    jsonHash,
    upstreamHash,
    updatedAt,
    parts: caskParts(json.artifacts),
    dependencies: caskDependencies(json.depends_on ?? {}),
    files: [...files].map(([arch, file]) => ({ arch, file: storedFile(file, digests) })),
  };
}

function manifestEntry(cask: PlannedCask, digests: Digests): ManifestCask {
  const { json, files } = cask;
  const main = mainFile(cask);
  const byArchitecture = [...files].filter(([arch]) => arch !== '');
  const artifacts = byArchitecture.map(([arch, file]) => [arch, storedFile(file, digests)] as const);
  const unchecked = [...files.values()].some(({ sha256 }) => sha256 === undefined);
  return {
    version: json.version,
    json_path: packageJsonPath('casks', json.token),
    ...(main ? { artifact: storedFile(main, digests) } : {}),
    ...(artifacts.length > 0 ? { artifacts: Object.fromEntries(artifacts) } : {}),
    ...(unchecked ? { unchecked } : {}),
  };
}

function listEntry(cask: PlannedCask, digests: Digests): ListedPackage {
  const { json, files } = cask;
  return {
    kind: 'cask',
    name: json.token,
    version: json.version,
    desc: json.desc ?? '',
    tags: [...files.keys()].filter((arch) => arch !== '').sort(),
    size: totalSize(filesOf(cask), digests),
  };
}
