import { writeIndexDatabase } from '../../builder/database/database.ts';
import { cask as CASK } from '../../format/packages/cask.ts';
import { payload, sha256 } from './bytes.ts';
import type { CatalogCask } from './catalog.ts';
import { TAP_COMMIT } from './formulas.ts';
import type { SampleCask, SampleDownload } from './homebrew/packages.ts';
import { indexRows } from './index-rows.ts';
import { type IndexEntry, indexEntry, type Moment } from './moment.ts';
import type { Tree } from './tree.ts';

/**
 * Writes the downloads, the package JSON, the index and its manifest; gives the index's line in the root manifest, and the
 * downloads.
 */
export async function writeCasks(
  tree: Tree,
  casks: CatalogCask[],
  moment: Moment,
): Promise<{ entry: IndexEntry; written: SampleCask[] }> {
  const packages: ReturnType<typeof indexRows>[] = [];
  const written: SampleCask[] = [];
  for (const cask of casks) {
    const downloads = await writeDownloads(tree, cask);
    written.push({
      cask,
      ...('only' in downloads ? { arm64: downloads.only, intel: downloads.only } : downloads),
    });
    const json = caskJson(cask, downloads);
    const jsonHash = await tree.writePackage('casks', cask.token, json);
    packages.push(indexRows(CASK, json, { jsonHash, updatedAt: moment.unixSeconds }));
  }
  const { version, createdAt } = moment;
  const index = await tree.writeIndex('casks', (path) => {
    writeIndexDatabase(path, CASK, { version, createdAt, packages, mirror: false });
  });
  await tree.writeManifest('casks/manifest.json', {
    version,
    cask_index_version: version,
    cask_index_sha256: index.sha256,
    cask_index_size: index.size,
    cask_count: packages.length,
    created_at: createdAt,
  });
  return { entry: indexEntry(packages.length, index, moment), written };
}

type Downloads = { only: SampleDownload } | { arm64: SampleDownload; intel: SampleDownload };

async function writeDownloads(tree: Tree, cask: CatalogCask): Promise<Downloads> {
  if (!cask.arch) return { only: await writeDownload(tree, cask) };
  return { arm64: await writeDownload(tree, cask, 'arm64'), intel: await writeDownload(tree, cask, 'intel') };
}

/** Real casks hold apps; a client that only downloads and checks them is served as well by arbitrary bytes. */
async function writeDownload(tree: Tree, cask: CatalogCask, arch?: string): Promise<SampleDownload> {
  const stem = [cask.token, cask.version, ...(arch === undefined ? [] : [arch])].join('-');
  const file = `${stem}.${cask.ext}`;
  const data = payload(file);
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
    deprecated: false,
    disabled: false,
    container: null,
    ...('only' in downloads ? {} : { url_specs: downloads }),
    meta: { ruby_source_path: `Casks/${token.charAt(0)}/${token}.rb`, tap_git_head: TAP_COMMIT },
  };
}
