import { readFile } from 'node:fs/promises';
import { encodeIndexManifest } from '../../format/index-manifest.ts';
import { apiPath, INDEX_MANIFEST, MANIFEST, PACKAGE_LIST } from '../../format/layout.ts';
import {
  bytesByTag,
  encodeManifest,
  homebrewTime,
  type Manifest,
  type MirrorRequest,
} from '../../format/manifest.ts';
import { encodePackageList } from '../../format/package-list.ts';
import { sortedBy } from '../database/database.ts';
import type { SignedMirror } from '../directory/signed-mirror.ts';
import { GENERATOR } from '../generator.ts';
import type { CarriedPackages } from '../plan/carried.ts';
import type { Plan } from '../plan/plan.ts';
import type { HomebrewApi } from '../upstream/homebrew/api.ts';
import { HomebrewIndex } from '../upstream/homebrew/index.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { NAME, VERSION } from '../version.ts';
import { stageCasks } from './casks.ts';
import type { CreateOptions } from './create.ts';
import { stageFormulas } from './formulas.ts';
import { stageIndexDatabases } from './index-databases.ts';
import type { IndexContext } from './index-files.ts';
import { stageLinuxApps } from './linux-apps.ts';
import type { Staging } from './staging.ts';
import type { Digests } from './stored-file.ts';
import { stageVulnerabilities } from './vulnerabilities.ts';

/** What the description of a mirror is made from. */
export interface MetadataInput {
  index: Upstream;
  api: HomebrewApi | undefined;
  request: MirrorRequest;
  plan: Plan;
  staging: Staging;
  /** The signed state that is carried on from, and those packages of it that may stay. */
  previous: SignedMirror | undefined;
  carried: CarriedPackages | undefined;
}

/** Stages everything that describes the packages: package JSON, databases, lists and manifests, signed. */
export async function stageMetadata(
  { directory, key, now, reporter }: CreateOptions,
  { index, api, request, plan, staging, previous, carried }: MetadataInput,
): Promise<Manifest> {
  const total = [plan.formulas, plan.casks, plan.linuxApps].reduce((sum, { fresh }) => sum + fresh.length, 0);
  let done = 0;
  const tell = (): void => reporter.progress({ label: 'Writing the index', done, total, bytes: 0 });
  if (total > 0) tell();
  const onPackage = (): void => {
    done += 1;
    tell();
  };
  const context: IndexContext = { directory, staging, key, now, publicUrl: request.public_url, onPackage };
  const formulas = await stageFormulas(context, plan, carried?.brewBottles() ?? []);
  const casks = await stageCasks(context, plan.casks);
  const hasApps = plan.linuxApps.fresh.length + plan.linuxApps.carried.length > 0;
  const linuxApps = hasApps ? await stageLinuxApps(context, plan.linuxApps) : undefined;
  const kinds = [formulas, casks, ...(linuxApps ? [linuxApps] : [])];
  const databases = kinds.map(({ database }) => database);
  const { version, ...stagedIndex } = await stageIndexDatabases(context, databases, previous);
  const signedAt = Math.floor(now.getTime() / 1000);
  await staging.put(INDEX_MANIFEST, encodeIndexManifest({ version, ...stagedIndex }, signedAt, key));
  if (request.vulnerabilities) {
    const names = new Set(Object.keys(formulas.packages));
    await stageVulnerabilities(context, version, await index.vulnerabilities(), names);
  }
  const packages = kinds.flatMap(({ listed }) => sortedBy(listed, (item) => item.name));
  const contents = { platforms: request.tags, formulas: counted(formulas.packages) };
  const platforms = bytesByTag(contents);
  if (plan.brew && api) await stageApi(staging, api);
  const homebrew = api && { url: describe(api.source.location.base), generated_at: api.generatedAt };
  const homebrew_api = plan.brew && homebrewTime({ homebrew });
  await staging.put(PACKAGE_LIST, encodePackageList({ version, platforms, homebrew_api, packages }));
  const manifest: Manifest = {
    version: '1.0',
    created_at: now.toISOString(),
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
