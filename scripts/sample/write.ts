import { CATALOG, type CatalogFormula, type CatalogVulnerability } from './catalog.ts';
import { writeHomebrew } from './homebrew/api.ts';
import { momentOf } from './moment.ts';
import { writeCasks } from './stout-index/casks.ts';
import { writeFormulas } from './stout-index/formulas.ts';
import { writeLinuxApps } from './stout-index/linux-apps.ts';
import { writeVulnerabilities } from './stout-index/vulnerabilities.ts';
import { openTree } from './tree.ts';

/** What a sample upstream holds; `bytes` of all files together. */
export interface SampleSummary {
  version: string;
  formulas: number;
  casks: number;
  linuxApps: number;
  vulnerabilities: number;
  files: number;
  bytes: number;
}

/**
 * Writes a small upstream into `dir`, in stout-index's layout and, below `api/` and `v2/`, in Homebrew's: indexes, package
 * JSON and the files themselves, at the relative URLs that the package JSON gives. The same `now` gives the same bytes
 * in every file. `formulas` and `vulnerabilities` replace those of the catalog. With `origin`, the address at which it will be served, casks have
 * absolute URLs there, as real ones do; brew needs that. Without, they are relative, and the folder may be anywhere.
 */
export async function writeSampleUpstream(
  dir: string,
  {
    now,
    formulas: given = CATALOG.formulas,
    vulnerabilities: known = CATALOG.vulnerabilities,
    origin,
  }: {
    now: Date;
    formulas?: CatalogFormula[];
    vulnerabilities?: CatalogVulnerability[];
    origin?: string;
  },
): Promise<SampleSummary> {
  const tree = openTree(dir);
  const moment = momentOf(now);
  const formulas = await writeFormulas(tree, given, moment);
  const casks = await writeCasks(tree, CATALOG.casks, { ...moment, origin });
  const linux_apps = await writeLinuxApps(tree, CATALOG.linux_apps, moment);
  const vulnerabilities = await writeVulnerabilities(tree, known, moment);
  await writeHomebrew(tree, formulas.written, casks.written, moment);
  await tree.writeManifest('manifest.json', {
    version: moment.version,
    created_at: moment.createdAt,
    stout_min_version: '0.1.0',
    indexes: { formulas: formulas.entry, casks: casks.entry, linux_apps, vulnerabilities },
  });
  return {
    version: moment.version,
    formulas: formulas.entry.count,
    casks: casks.entry.count,
    linuxApps: linux_apps.count,
    vulnerabilities: known.length,
    files: tree.files,
    bytes: tree.bytes,
  };
}
