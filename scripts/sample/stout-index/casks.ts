import { makeArchive } from '../archive.ts';
import { payload, sha256 } from '../bytes.ts';
import type { CatalogCask } from '../catalog.ts';
import type { SampleCask, SampleDownload } from '../homebrew/casks.ts';
import { type IndexEntry, indexEntry, type Moment } from '../moment.ts';
import type { Tree } from '../tree.ts';
import { type Rows, searchSchema, writeDatabase } from './database.ts';
import { TAP_COMMIT } from './formulas.ts';

const SCHEMA = `
  CREATE TABLE casks (
    token TEXT PRIMARY KEY, name TEXT, version TEXT, sha256 TEXT, url TEXT, homepage TEXT, desc TEXT,
    tap TEXT DEFAULT 'homebrew/cask', auto_updates INTEGER DEFAULT 0, deprecated INTEGER DEFAULT 0,
    disabled INTEGER DEFAULT 0, json_hash TEXT, updated_at INTEGER);
  ${searchSchema('casks', ['token', 'name', 'desc'])}
  CREATE TABLE cask_artifacts (
    cask TEXT NOT NULL, artifact_type TEXT NOT NULL, source TEXT, target TEXT,
    FOREIGN KEY (cask) REFERENCES casks(token));
  CREATE TABLE cask_dependencies (
    cask TEXT NOT NULL, dep_type TEXT NOT NULL, dep_value TEXT NOT NULL, PRIMARY KEY (cask, dep_type, dep_value),
    FOREIGN KEY (cask) REFERENCES casks(token));
  CREATE INDEX idx_cask_artifacts_cask ON cask_artifacts(cask);
  CREATE INDEX idx_cask_artifacts_type ON cask_artifacts(artifact_type);
  CREATE INDEX idx_cask_dependencies_cask ON cask_dependencies(cask);
  CREATE INDEX idx_casks_tap ON casks(tap);`;

/**
 * Writes the downloads, the package JSON, the index and its manifest; gives the index's line in the root manifest, and the
 * downloads.
 */
export async function writeCasks(
  tree: Tree,
  casks: CatalogCask[],
  { origin, ...moment }: Moment & { origin: string | undefined },
): Promise<{ entry: IndexEntry; written: SampleCask[] }> {
  const caskRows: Rows[string][number][] = [];
  const written: SampleCask[] = [];
  const listed = casks.filter(({ only_homebrew }) => !only_homebrew);
  for (const cask of casks) {
    const downloads = await writeDownloads(tree, cask, origin);
    written.push({
      cask,
      ...('only' in downloads ? { arm64: downloads.only, intel: downloads.only } : downloads),
    });
    if (cask.only_homebrew) continue;
    const json = caskJson(cask, downloads);
    const jsonHash = await tree.writePackage('casks', cask.token, json);
    caskRows.push(caskRow(json, jsonHash, moment));
  }
  const { version, createdAt } = moment;
  const index = await tree.writeIndex('casks', (path) => {
    const meta = { version, created_at: createdAt, cask_count: listed.length };
    writeDatabase(path, SCHEMA, { casks: caskRows, ...detailRows(listed) }, meta);
  });
  await tree.writeManifest('casks/manifest.json', {
    version,
    cask_index_version: version,
    cask_index_sha256: index.sha256,
    cask_index_size: index.size,
    cask_count: listed.length,
    created_at: createdAt,
  });
  return { entry: indexEntry(listed.length, index, moment), written };
}

function caskRow(json: ReturnType<typeof caskJson>, json_hash: string, { unixSeconds }: Moment) {
  const { token, version, sha256: digest, url, homepage, desc, tap } = json;
  return {
    ...{ token, name: json.name.join(', '), version, sha256: digest, url, homepage, desc, tap },
    ...{ auto_updates: Number(json.auto_updates), deprecated: Number(json.deprecated), disabled: 0 },
    ...{ json_hash, updated_at: unixSeconds },
  };
}

const detailRows = (casks: readonly CatalogCask[]): Rows => ({
  cask_artifacts: casks.flatMap(({ token: cask, artifacts }) =>
    artifacts.map(({ type = '', source, path, target }) => ({
      ...{ cask, artifact_type: type, source: source ?? path ?? null, target: target ?? null },
    })),
  ),
  cask_dependencies: casks.flatMap(({ token: cask, depends_on: { formula, cask: others, macos } }) =>
    [
      ...[formula ?? []].flat().map((dep_value) => ['formula', dep_value]),
      ...[others ?? []].flat().map((dep_value) => ['cask', dep_value]),
      ...Object.entries(macos ?? {}).map(([operator, versions]) => [
        `macos_${operator}`,
        [versions].flat()[0],
      ]),
    ].map(([dep_type, dep_value]) => ({ cask, dep_type: String(dep_type), dep_value: String(dep_value) })),
  ),
});

type Downloads = { only: SampleDownload } | { arm64: SampleDownload; intel: SampleDownload };

async function writeDownloads(tree: Tree, cask: CatalogCask, origin: string | undefined): Promise<Downloads> {
  const write = async (arch?: string): Promise<SampleDownload> => {
    const { url, sha256 } = await writeDownload(tree, cask, arch);
    return { url: origin === undefined ? url : new URL(url, origin).href, sha256 };
  };
  return cask.arch ? { arm64: await write('arm64'), intel: await write('intel') } : { only: await write() };
}

/**
 * Real casks hold apps; a client that only downloads and checks them is served as well by arbitrary bytes. An archive is one
 * that Linux can install, too.
 */
async function writeDownload(tree: Tree, cask: CatalogCask, arch?: string): Promise<SampleDownload> {
  if (cask.url !== undefined) return { url: cask.url, sha256: cask.no_check ? 'no_check' : sha256(cask.url) };
  const stem = [cask.token, cask.version, ...(arch === undefined ? [] : [arch])].join('-');
  const file = `${stem}.${cask.ext}`;
  const data = cask.ext === 'tar.gz' ? await makeArchive(cask) : payload(file);
  await tree.write(`downloads/${file}`, data);
  return { url: `downloads/${encodeURIComponent(file)}`, sha256: cask.no_check ? 'no_check' : sha256(data) };
}

function caskJson(cask: CatalogCask, downloads: Downloads) {
  const { token, name, version, homepage, desc, artifacts, depends_on, auto_updates } = cask;
  const main = 'only' in downloads ? downloads.only : downloads.arm64;
  return {
    token,
    name,
    version,
    sha256: main.sha256,
    url: main.url,
    homepage,
    desc,
    tap: 'homebrew/cask',
    artifacts,
    caveats: null,
    depends_on,
    conflicts_with: null,
    auto_updates,
    deprecated: cask.deprecated,
    disabled: false,
    container: null,
    ...('only' in downloads ? {} : { url_specs: downloads }),
    meta: { ruby_source_path: `Casks/${token.charAt(0)}/${token}.rb`, tap_git_head: TAP_COMMIT },
  };
}
