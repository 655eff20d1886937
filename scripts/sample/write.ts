import { writeCasks } from './casks.ts';
import { CATALOG, type CatalogFormula } from './catalog.ts';
import { writeFormulas } from './formulas.ts';
import { writeHomebrew } from './homebrew/api.ts';
import { writeLinuxApps } from './linux-apps.ts';
import { momentOf } from './moment.ts';
import { openTree } from './tree.ts';
import { writeVulnerabilities } from './vulnerabilities.ts';

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
 * in every file. `formulas` replaces those of the catalog.
 */
export async function writeSampleUpstream(
  dir: string,
  { now, formulas: given = CATALOG.formulas }: { now: Date; formulas?: CatalogFormula[] },
): Promise<SampleSummary> {
  const tree = openTree(dir);
  const moment = momentOf(now);
  const formulas = await writeFormulas(tree, given, moment);
  const casks = await writeCasks(tree, CATALOG.casks, moment);
  const linux_apps = await writeLinuxApps(tree, CATALOG.linux_apps, moment);
  const vulnerabilities = await writeVulnerabilities(tree, CATALOG.vulnerabilities, moment);
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
    vulnerabilities: CATALOG.vulnerabilities.length,
    files: tree.files,
    bytes: tree.bytes,
  };
}
