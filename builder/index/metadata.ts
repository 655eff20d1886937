import { readFile } from 'node:fs/promises';
import { encodeIndexManifest } from '../../format/index-manifest.ts';
import { apiPath, INDEX_MANIFEST, MANIFEST, PACKAGE_LIST } from '../../format/layout.ts';
import { bytesByTag, encodeManifest, homebrewTime, type Manifest } from '../../format/manifest.ts';
import { encodePackageList } from '../../format/package-list.ts';
import type { CreateOptions } from '../create.ts';
import type { Digests } from '../directory/stored-file.ts';
import { GENERATOR } from '../generator.ts';
import type { Plan } from '../plan/plan.ts';
import type { Prepared } from '../plan/prepare.ts';
import type { Staging } from '../snapshot/staging.ts';
import type { HomebrewApi } from '../upstream/homebrew/api.ts';
import { HomebrewIndex } from '../upstream/homebrew/index.ts';
import { NAME, VERSION } from '../version.ts';
import { stageCasks } from './casks.ts';
import { sortedBy } from './database.ts';
import { stageFormulas } from './formulas.ts';
import { stageIndexDatabases } from './index-databases.ts';
import type { IndexContext } from './index-files.ts';
import { stageLinuxApps } from './linux-apps.ts';
import { stageVulnerabilities } from './vulnerabilities.ts';

/** Stages everything that describes the packages: package JSON, databases, lists and manifests, signed. */
export async function stageMetadata(options: CreateOptions, prepared: Prepared): Promise<Manifest> {
  const { index, api, request, plan, staging } = prepared;
  const { version, packages } = await stageIndex(options, prepared);
  const [formulas, casks, linuxApps] = packages;
  const contents = { platforms: request.tags, formulas: counted(formulas.packages) };
  if (plan.brew && api) await stageApi(staging, api);
  const homebrew = api && { url: describe(api.source.location.base), generated_at: api.generatedAt };
  const list = {
    ...{ version, platforms: bytesByTag(contents) },
    homebrew_api: plan.brew && homebrewTime({ homebrew }),
    packages: packages.flatMap(({ listed }) => sortedBy(listed, (item) => item.name)),
  };
  await staging.put(PACKAGE_LIST, encodePackageList(list));
  const manifest: Manifest = {
    version: '1.0',
    created_at: options.now.toISOString(),
    stout_version: `${NAME} ${VERSION}`,
    ...contents,
    casks: counted(casks.packages),
    linux_apps: counted(linuxApps?.packages ?? {}),
    ...sumsOf(staging.files),
    index_version: version,
    generator: GENERATOR,
    request,
    upstream: {
      url: index instanceof HomebrewIndex ? HOMEBREW : describe(index.location.base),
      version: index.version,
    },
    homebrew,
  };
  await staging.put(MANIFEST, encodeManifest(manifest));
  return manifest;
}

/** Stages package JSON, the databases and what names them; returns the version of the index, and what is in it. */
async function stageIndex(
  options: CreateOptions,
  { index, request, plan, staging, previous, carried }: Prepared,
) {
  const { directory, key, now } = options;
  const onPackage = counter(options, plan);
  const context: IndexContext = { directory, staging, key, now, publicUrl: request.public_url, onPackage };
  const formulas = await stageFormulas(context, plan, carried?.brewBottles() ?? []);
  const casks = await stageCasks(context, plan.casks);
  const hasApps = plan.linuxApps.fresh.length + plan.linuxApps.carried.length > 0;
  const apps = hasApps ? [await stageLinuxApps(context, plan.linuxApps)] : [];
  const packages = [formulas, casks, ...apps] as const;
  const databases = packages.map(({ database }) => database);
  const staged = await stageIndexDatabases(context, databases, previous);
  const signedAt = Math.floor(now.getTime() / 1000);
  await staging.put(INDEX_MANIFEST, encodeIndexManifest(staged, signedAt, key));
  if (request.vulnerabilities) {
    const names = new Set(Object.keys(formulas.packages));
    await stageVulnerabilities(context, staged.version, await index.vulnerabilities(), names);
  }
  return { version: staged.version, packages };
}

/** Tells of each package that is described. */
function counter({ reporter }: CreateOptions, plan: Plan): () => void {
  const total = [plan.formulas, plan.casks, plan.linuxApps].reduce((sum, { fresh }) => sum + fresh.length, 0);
  let done = 0;
  const tell = (): void => reporter.progress({ label: 'Writing the index', done, total, bytes: 0 });
  if (total > 0) tell();
  return () => {
    done += 1;
    tell();
  };
}

/** Stages Homebrew's signed files as they came. */
async function stageApi(staging: Staging, { files }: HomebrewApi): Promise<void> {
  for (const [endpoint, local] of files) await staging.put(apiPath(endpoint), await readFile(local));
}

const counted = <Entry>(packages: Record<string, Entry>) => ({
  count: Object.keys(packages).length,
  packages,
});

/** Digests of the index files, and the size of everything staged so far. */
export function sumsOf(files: Digests): Pick<Manifest, 'checksums' | 'total_size'> {
  const index = [...files].filter(([path]) => path.startsWith('index/'));
  const sums = index.map(([path, { sha256 }]) => [path, sha256] as const);
  return {
    checksums: Object.fromEntries(sums.sort(([a], [b]) => (a < b ? -1 : 1))),
    total_size: [...files.values()].reduce((sum, file) => sum + file.size, 0),
  };
}

/** A local folder's name says nothing elsewhere, and it is nobody's business. */
const describe = (base: URL): string => (base.protocol === 'file:' ? FOLDER : base.href);

/** What stands for Homebrew as the upstream of a mirror, and names it on the command line. */
export const HOMEBREW = 'homebrew';

/** What stands for a local folder as the upstream of a mirror. */
export const FOLDER = 'directory';
