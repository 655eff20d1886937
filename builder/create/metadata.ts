import { encodeIndexManifest } from '../../format/index-manifest.ts';
import { indexVersion } from '../../format/index-version.ts';
import { INDEX_MANIFEST, MANIFEST, PACKAGE_LIST } from '../../format/layout.ts';
import { encodeManifest, type Manifest } from '../../format/manifest.ts';
import { encodePackageList } from '../../format/package-list.ts';
import type { Plan } from '../plan/plan.ts';
import type { StoutIndex } from '../upstream/stout-index.ts';
import { GENERATOR, NAME, VERSION } from '../version.ts';
import { stageCasks } from './casks.ts';
import type { CreateOptions } from './create.ts';
import { stageFormulas } from './formulas.ts';
import type { IndexContext } from './index-files.ts';
import type { Previous } from './previous.ts';
import type { Staging } from './staging.ts';
import { stageVulnerabilities } from './vulnerabilities.ts';

/** Stages everything that describes the packages: package JSON, databases, lists and manifests, signed. */
export async function stageMetadata(
  { directory, request, key, now, reporter, upstream }: CreateOptions,
  index: StoutIndex,
  plan: Plan,
  staging: Staging,
  previous: Previous | undefined,
): Promise<Manifest> {
  reporter.note('Writing the index …');
  const context: IndexContext = { directory, staging, key, now };
  const version = indexVersion(now, previous?.manifest?.index_version);
  const formulas = await stageFormulas(context, version, plan.formulas);
  const casks = await stageCasks(context, version, plan.casks);
  if (request.vulnerabilities) {
    const names = new Set(plan.formulas.map((formula) => formula.json.name));
    await stageVulnerabilities(context, version, await index.vulnerabilities(), names);
  }
  const created_at = now.toISOString();
  const indexes = { formulas: formulas.database, casks: casks.database };
  const signedAt = Math.floor(now.getTime() / 1000);
  await staging.put(INDEX_MANIFEST, encodeIndexManifest({ version, created_at, indexes }, signedAt, key));
  await staging.put(
    PACKAGE_LIST,
    encodePackageList({ version, packages: [...formulas.listed, ...casks.listed] }),
  );
  const manifest: Manifest = {
    version: '1.0',
    created_at,
    stout_version: `${NAME} ${VERSION}`,
    platforms: request.tags,
    formulas: formulas.manifest,
    casks: casks.manifest,
    linux_apps: { count: 0, packages: {} },
    ...sumsOf(staging),
    index_version: version,
    generator: GENERATOR,
    request,
    upstream: { url: describe(upstream.base), version: index.manifest.version },
  };
  await staging.put(MANIFEST, encodeManifest(manifest));
  return manifest;
}

/** Digests of the index files, and the size of everything staged so far. */
function sumsOf({ files }: Staging): Pick<Manifest, 'checksums' | 'total_size'> {
  const index = [...files].filter(([path]) => path.startsWith('index/'));
  const sums = index.map(([path, { sha256 }]) => [path, sha256] as const);
  return {
    checksums: Object.fromEntries(sums.sort(([a], [b]) => (a < b ? -1 : 1))),
    total_size: [...files.values()].reduce((sum, file) => sum + file.size, 0),
  };
}

/** A local folder's name says nothing elsewhere, and it is nobody's business. */
const describe = (base: URL): string => (base.protocol === 'file:' ? 'directory' : base.href);
