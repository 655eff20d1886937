import { readFile } from 'node:fs/promises';
import { encodeIndexManifest } from '../../format/index-manifest.ts';
import {
  apiPath,
  gzipPath,
  INDEX_MANIFEST,
  MANIFEST,
  PACKAGE_LIST,
  POLICY,
  SUMMARY,
  VULNERABILITIES,
} from '../../format/layout.ts';
import { encodeManifest, type Manifest } from '../../format/manifest.ts';
import { encodePackageList } from '../../format/package-list.ts';
import { KINDS } from '../../format/packages/kinds.ts';
import { encodePolicyDocument } from '../../format/policy.ts';
import { encodeSummary, summaryOf } from '../../format/summary.ts';
import type { DatabaseReader } from '../database/reader.ts';
import { type Advisories, readAdvisories, writeVulnerabilityDatabase } from '../database/vulnerabilities.ts';
import { GENERATOR } from '../generator.ts';
import type { Plan } from '../plan/plan.ts';
import type { Prepared } from '../prepare.ts';
import type { Reporter } from '../reporter.ts';
import { sumsOf } from '../snapshot/renew.ts';
import type { SnapshotSigning } from '../snapshot/sign.ts';
import type { Stage } from '../snapshot/stage.ts';
import { stageStaticHost } from '../snapshot/static-host.ts';
import type { HomebrewApi } from '../upstream/homebrew/api.ts';
import { placeName } from '../upstream/upstream.ts';
import { NAME, VERSION } from '../version.ts';
import { type IndexContext, stageSignedDatabase } from './context.ts';
import { type BrewRows, brewRowsOf, stageDatabases } from './databases.ts';
import { gzipped } from './gzip.ts';
import { type DescribedPackages, entriesByKind, formulaNames, stagePackages } from './packages.ts';
import { stagePageData } from './page-data.ts';

/** What describing a mirror takes besides its plan. */
export interface MetadataOptions extends SnapshotSigning {
  directory: string;
  reporter: Reporter;
}

/** Stages everything that describes the packages of a plan: package JSON, databases, lists and manifests, signed. */
export async function stageMetadata(
  { directory, key, now, validFor, reporter }: MetadataOptions,
  { index, api, held, request, previous, carried, stage }: Prepared,
  plan: Plan,
): Promise<Manifest> {
  const onPackage = counter(reporter, plan);
  const signing = { key, now, validFor };
  const context: IndexContext = { directory, stage, ...signing, publicUrl: request.public_url, onPackage };
  const described = await stageKinds(context, plan);
  const brew = brewRowsOf(context, plan.images, carried?.brewBottles() ?? []);
  const { version, isSame } = await stageIndex(context, described, brew, previous);
  const advisories = request.vulnerabilities
    ? await stageVulnerabilities(context, described, await index.vulnerabilities(), version)
    : undefined;
  if (plan.images && api) await stageApi(stage, api);
  await held?.stageWaiting(stage);
  const homebrew = api && {
    ...{ url: placeName(api.source.location), generated_at: api.generatedAt },
    ...(api.source.otherKey === undefined ? {} : { key: api.source.otherKey }),
  };
  await stage.put(POLICY, encodePolicyDocument(plan.policy));
  const sources = { request, decisions: plan.policy.decisions, advisories };
  await stagePageData(context, described, { ...sources, brew: brew.now }, previous, isSame);
  const upstream = { url: index.name, version: index.version };
  return stageLists(context, described, { version, request, upstream, homebrew });
}

/** Stages the list of packages, the files for static hosts and the manifest, once all other files are on the stage. */
export async function stageLists(
  { stage, ...signing }: Pick<IndexContext, 'stage' | keyof SnapshotSigning>,
  described: readonly DescribedPackages[],
  { version, ...origin }: Pick<Manifest, 'request' | 'upstream' | 'homebrew'> & { version: string },
): Promise<Manifest> {
  const contents = { platforms: origin.request.tags, ...entriesByKind(described) };
  const packages = described.flatMap(({ listed }) => listed);
  await stage.put(PACKAGE_LIST, encodePackageList(packages));
  const summary = summaryOf(packages, { version, ...contents, ...origin });
  await stage.put(SUMMARY, encodeSummary(summary));
  await stageStaticHost(stage, signing, origin.request.public_url, summary);
  const manifest: Manifest = {
    ...{ version: '1.0', created_at: signing.now.toISOString(), stout_version: `${NAME} ${VERSION}` },
    ...{ ...contents, ...sumsOf(stage.files), index_version: version, generator: GENERATOR, ...origin },
  };
  await stage.put(MANIFEST, encodeManifest(manifest));
  return manifest;
}

/** Stages and describes the packages of each kind. An index without a database of formulas and casks is not one. */
async function stageKinds(context: IndexContext, plan: Plan): Promise<DescribedPackages[]> {
  const described: DescribedPackages[] = [];
  for (const kind of KINDS) {
    const fresh = plan.fresh.filter((item) => item.kind.id === kind.id);
    const carried = plan.carried.filter((item) => item.kind.id === kind.id);
    if (kind.inAll || fresh.length + carried.length > 0) {
      described.push(await stagePackages(context, kind, fresh, carried));
    }
  }
  return described;
}

/** Stages the databases and the index manifest; returns the version of the index, and whether all packages stay as they are. */
export async function stageIndex(
  context: IndexContext,
  described: readonly DescribedPackages[],
  brew: BrewRows,
  previous: Prepared['previous'],
): Promise<{ version: string; isSame: boolean }> {
  const { index, isSame } = await stageDatabases(context, described, brew, previous);
  const signedAt = Math.floor(context.now.getTime() / 1000);
  await context.stage.put(INDEX_MANIFEST, encodeIndexManifest(index, signedAt, context.key));
  return { version: index.version, isSame };
}

/** Stages the advisories that `from` has about the described formulas, and returns them. */
export async function stageVulnerabilities(
  context: IndexContext,
  described: readonly DescribedPackages[],
  from: DatabaseReader,
  version: string,
): Promise<Advisories> {
  const advisories = readAdvisories(from, formulaNames(described));
  await stageSignedDatabase(context, VULNERABILITIES, (local) =>
    writeVulnerabilityDatabase(local, advisories, { version, createdAt: context.now.toISOString() }),
  );
  return advisories;
}

/** Returns a function that reports each package that is described. */
function counter(reporter: Reporter, { fresh }: Plan): () => void {
  let done = 0;
  const report = (): void =>
    reporter.progress({ label: 'Writing the index', done, total: fresh.length, bytes: 0 });
  if (fresh.length > 0) report();
  return () => {
    done += 1;
    report();
  };
}

/** Stages Homebrew's signed files, byte for byte, and each a second time in the form that most clients ask for. */
async function stageApi(stage: Stage, { files }: HomebrewApi): Promise<void> {
  for (const [endpoint, local] of files) {
    const bytes = await readFile(local);
    await stage.put(apiPath(endpoint), bytes);
    await stage.put(gzipPath(apiPath(endpoint)), await gzipped(bytes));
  }
}
