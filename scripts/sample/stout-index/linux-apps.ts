import { payload, sha256 } from '../bytes.ts';
import type { CatalogLinuxApp } from '../catalog.ts';
import { type IndexEntry, indexEntry, type Moment } from '../moment.ts';
import type { Tree } from '../tree.ts';
import { type Rows, searchSchema, writeDatabase } from './database.ts';

const SCHEMA = `
  CREATE TABLE linux_apps (
    token TEXT PRIMARY KEY, name TEXT NOT NULL, version TEXT NOT NULL, desc TEXT, homepage TEXT, source TEXT NOT NULL,
    download_url TEXT, sha256 TEXT, icon_url TEXT, categories TEXT, license TEXT, flatpak_id TEXT, snap_name TEXT,
    json_hash TEXT);
  ${searchSchema('linux_apps', ['token', 'name', 'desc', 'categories'])}
  CREATE INDEX idx_linux_apps_source ON linux_apps(source);
  CREATE INDEX idx_linux_apps_name ON linux_apps(name);`;

/** Writes the downloads, the package JSON, the index and its manifest; gives the index's line in the root manifest. */
export async function writeLinuxApps(
  tree: Tree,
  apps: CatalogLinuxApp[],
  moment: Moment,
): Promise<IndexEntry> {
  const rows: Rows[string][number][] = [];
  for (const app of apps) {
    const json = linuxAppJson(app, app.source === 'appimage' ? await writeAppImage(tree, app) : null);
    await tree.writePackage('linux-apps', app.token, json);
    rows.push({ ...json, categories: json.categories.join(','), json_hash: changeMarker(json) });
  }
  const index = await tree.writeIndex('linux-apps', (path) => {
    writeDatabase(path, SCHEMA, { linux_apps: rows }, { app_count: rows.length, version: '1' });
  });
  await tree.writeManifest('linux-apps/manifest.json', {
    count: apps.length,
    index_sha256: index.sha256,
    index_size: index.size,
    created_at: moment.createdAt,
  });
  return indexEntry(apps.length, index, moment);
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
