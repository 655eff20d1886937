import { type LinuxAppRow, writeLinuxAppsDatabase } from '../../builder/index/linux-apps-database.ts';
import { payload, sha256 } from './bytes.ts';
import type { CatalogLinuxApp } from './catalog.ts';
import { type IndexEntry, indexEntry, type Moment } from './moment.ts';
import type { Tree } from './tree.ts';

/** Writes the downloads, the package JSON, the index and its manifest; gives the index's line in the root manifest. */
export async function writeLinuxApps(
  tree: Tree,
  apps: CatalogLinuxApp[],
  moment: Moment,
): Promise<IndexEntry> {
  const rows: LinuxAppRow[] = [];
  for (const app of apps) {
    const json = linuxAppJson(app, app.source === 'appimage' ? await writeAppImage(tree, app) : null);
    await tree.writePackage('linux-apps', app.token, json);
    rows.push(linuxAppRow(json));
  }
  const index = await tree.writeIndex('linux-apps', (path) => {
    writeLinuxAppsDatabase(path, { version: '1', apps: rows });
  });
  await tree.writeManifest('linux-apps/manifest.json', {
    count: rows.length,
    index_sha256: index.sha256,
    index_size: index.size,
    created_at: moment.createdAt,
  });
  return indexEntry(rows.length, index, moment);
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

function linuxAppRow(json: ReturnType<typeof linuxAppJson>): LinuxAppRow {
  const { token, name, version, desc, homepage, source, sha256, categories, license } = json;
  return {
    token,
    name,
    version,
    desc,
    homepage,
    source,
    sha256,
    categories,
    license,
    downloadUrl: json.download_url,
    iconUrl: json.icon_url,
    flatpakId: json.flatpak_id,
    snapName: json.snap_name,
    jsonHash: changeMarker(json),
  };
}

/** stout-index's `json_hash` of a Linux app: of five fields only, in the spacing of Python's json module. */
function changeMarker({ token, name, version, desc, source }: Record<string, unknown>): string {
  const fields = Object.entries({ desc, name, source, token, version });
  const members = fields.map(([key, value]) => `${JSON.stringify(key)}: ${JSON.stringify(value)}`);
  return sha256(`{${members.join(', ')}}`).slice(0, 16);
}
