import { writeIndexDatabase } from '../../builder/database/database.ts';
import { linuxApp as LINUX_APP } from '../../format/packages/linux-app.ts';
import { payload, sha256 } from './bytes.ts';
import type { CatalogLinuxApp } from './catalog.ts';
import { indexRows } from './index-rows.ts';
import { type IndexEntry, indexEntry, type Moment } from './moment.ts';
import type { Tree } from './tree.ts';

/** Writes the downloads, the package JSON, the index and its manifest; gives the index's line in the root manifest. */
export async function writeLinuxApps(
  tree: Tree,
  apps: CatalogLinuxApp[],
  moment: Moment,
): Promise<IndexEntry> {
  const packages: ReturnType<typeof indexRows>[] = [];
  for (const app of apps) {
    const json = linuxAppJson(app, app.source === 'appimage' ? await writeAppImage(tree, app) : null);
    await tree.writePackage('linux-apps', app.token, json);
    const row = { ...json, categories: json.categories.join(',') };
    packages.push(indexRows(LINUX_APP, row, { jsonHash: changeMarker(json), updatedAt: null }));
  }
  const index = await tree.writeIndex('linux-apps', (path) => {
    writeIndexDatabase(path, LINUX_APP, { version: '1', createdAt: '', packages, mirror: false });
  });
  await tree.writeManifest('linux-apps/manifest.json', {
    count: packages.length,
    index_sha256: index.sha256,
    index_size: index.size,
    created_at: moment.createdAt,
  });
  return indexEntry(packages.length, index, moment);
}

async function writeAppImage(tree: Tree, app: CatalogLinuxApp): Promise<string> {
  const file = `${app.token}-${app.version}.AppImage`;
  await tree.write(`downloads/${file}`, payload(file));
  return `downloads/${encodeURIComponent(file)}`;
}

function linuxAppJson(app: CatalogLinuxApp, download_url: string | null) {
  const { token, name, version, desc, homepage, source, categories, license, flatpak_id = null } = app;
  return {
    token,
    name,
    version,
    desc,
    homepage,
    source,
    download_url,
    sha256: null, // stout-index never fills it
    icon_url: null,
    categories,
    license,
    flatpak_id,
    snap_name: null,
  };
}

/** stout-index's `json_hash` of a Linux app: of five fields only, in the spacing of Python's json module. */
function changeMarker({ token, name, version, desc, source }: Record<string, unknown>): string {
  const fields = Object.entries({ desc, name, source, token, version });
  const members = fields.map(([key, value]) => `${JSON.stringify(key)}: ${JSON.stringify(value)}`);
  return sha256(`{${members.join(', ')}}`).slice(0, 16);
}
