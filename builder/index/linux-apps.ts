import { packageJsonPath } from '../../format/layout.ts';
import type { ManifestLinuxApp } from '../../format/manifest.ts';
import type { ListedPackage } from '../../format/package-list.ts';
import { type Digests, storedFile, totalSize } from '../directory/stored-file.ts';
import { filesOf, type Plan, type PlannedLinuxApp } from '../plan/plan.ts';
import { ClientJson, listOf } from './client-json.ts';
import {
  entriesByName,
  type IndexContext,
  type StagedPackages,
  stageCarried,
  stagePackageJson,
} from './index-files.ts';
import { type LinuxAppRow, writeLinuxAppsDatabase } from './linux-apps-database.ts';

/** Stages package JSON of the Linux apps. */
export async function stageLinuxApps(
  context: IndexContext,
  { fresh, carried }: Plan['linuxApps'],
): Promise<StagedPackages<ManifestLinuxApp>> {
  const digests = context.staging.files;
  await stageCarried(context, carried);
  const client = new ClientJson(digests, context.publicUrl);
  const written: LinuxAppRow[] = [];
  for (const item of fresh) {
    const jsonHash = await stagePackageJson(context, 'linux-apps', item.app.token, client.linuxApp(item));
    written.push(linuxAppRow(item, jsonHash, digests));
  }
  return {
    database: {
      kind: 'linux-apps',
      count: written.length + carried.length,
      carried: written.length === 0,
      write: (local, { version }) =>
        writeLinuxAppsDatabase(local, {
          version,
          apps: [...written, ...carried.map(({ row }) => row())],
          withFiles: true,
        }),
    },
    packages: entriesByName([
      ...fresh.map((item) => [item.app.token, manifestEntry(item, digests)] as const),
      ...carried.map(({ name, entry }) => [name, entry] as const),
    ]),
    listed: [
      ...fresh.map((item) => listEntry(item, digests)),
      ...carried.flatMap(({ listed }) => listed ?? []),
    ],
  };
}

function linuxAppRow(
  { app, upstreamHash, file }: PlannedLinuxApp,
  jsonHash: string,
  digests: Digests,
): LinuxAppRow {
  const stored = file && storedFile(file, digests);
  return {
    token: app.token,
    name: app.name,
    version: app.version,
    desc: app.desc,
    homepage: app.homepage,
    source: app.source,
    downloadUrl: app.download_url,
    sha256: stored?.sha256 ?? app.sha256,
    iconUrl: app.icon_url,
    categories: listOf(app.categories),
    license: app.license,
    flatpakId: app.flatpak_id,
    snapName: app.snap_name,
    jsonHash,
    upstreamHash,
    file: stored,
  };
}

function manifestEntry({ app, file }: PlannedLinuxApp, digests: Digests): ManifestLinuxApp {
  return {
    version: app.version,
    json_path: packageJsonPath('linux-apps', app.token),
    ...(file ? { appimage: storedFile(file, digests) } : {}),
    flatpak_id: app.flatpak_id,
    ...(file && file.sha256 === undefined ? { unchecked: true } : {}),
  };
}

function listEntry(item: PlannedLinuxApp, digests: Digests): ListedPackage {
  const { app } = item;
  return {
    kind: 'linux-app',
    name: app.token,
    version: app.version,
    desc: app.desc ?? '',
    tags: [],
    size: totalSize(filesOf(item), digests),
  };
}
