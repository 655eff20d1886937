import { readFile } from 'node:fs/promises';
import { utf8 } from '../../format/bytes.ts';
import { encodeIndexManifest } from '../../format/index-manifest.ts';
import {
  apiPath,
  CHANGES,
  gzipPath,
  INDEX_MANIFEST,
  MANIFEST,
  PACKAGE_LIST,
  POLICY,
  VULNERABILITIES,
} from '../../format/layout.ts';
import { bytesByTag, encodeManifest, homebrewTime, type Manifest } from '../../format/manifest.ts';
import { encodePackageList } from '../../format/package-list.ts';
import { formula } from '../../format/packages/formula.ts';
import { KINDS, type Kind } from '../../format/packages/kinds.ts';
import { encodePolicyDocument } from '../../format/policy.ts';
import { sortedBy } from '../database/database.ts';
import type { DatabaseReader } from '../database/reader.ts';
import { readAdvisories, writeVulnerabilityDatabase } from '../database/vulnerabilities.ts';
import { GENERATOR } from '../generator.ts';
import type { Plan } from '../plan/plan.ts';
import type { Prepared } from '../prepare.ts';
import type { Reporter } from '../reporter.ts';
import { sumsOf } from '../snapshot/renew.ts';
import type { SnapshotSigning } from '../snapshot/sign.ts';
import type { Stage } from '../snapshot/stage.ts';
import type { HomebrewApi } from '../upstream/homebrew/api.ts';
import { placeName } from '../upstream/upstream.ts';
import { NAME, VERSION } from '../version.ts';
import { type IndexContext, stageSignedDatabase } from './context.ts';
import { type BrewRows, brewRowsOf, stageDatabases } from './databases.ts';
import { gzipped } from './gzip.ts';
import { type DescribedPackages, stagePackages } from './packages.ts';

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
  const version = await stageIndex(context, described, brew, previous);
  if (request.vulnerabilities) {
    await stageVulnerabilities(context, described, await index.vulnerabilities(), version);
  }
  if (plan.images && api) await stageApi(stage, api);
  await held?.stageWaiting(stage);
  const homebrew = api && {
    ...{ url: placeName(api.source.location), generated_at: api.generatedAt },
    ...(api.source.otherKey === undefined ? {} : { key: api.source.otherKey }),
  };
  await stage.put(POLICY, encodePolicyDocument(plan.policy));
  await stage.put(CHANGES, utf8('{"snapshots":[]}\n'));
  const upstream = { url: index.name, version: index.version };
  return stageLists(context, described, { version, request, upstream, homebrew });
}

/** Stages the list of packages and the manifest, once all other files are on the stage. */
export async function stageLists(
  { stage, now }: Pick<IndexContext, 'stage' | 'now'>,
  described: readonly DescribedPackages[],
  { version, ...origin }: Pick<Manifest, 'request' | 'upstream' | 'homebrew'> & { version: string },
): Promise<Manifest> {
  const contents = { platforms: origin.request.tags, ...countsOf(described) };
  const isForBrew = origin.request.clients.includes('brew');
  const list = {
    ...{ version, platforms: bytesByTag(contents) },
    homebrew_api: isForBrew ? homebrewTime(origin) : undefined,
    packages: described.flatMap(({ listed }) => sortedBy(listed, (item) => item.name)),
  };
  await stage.put(PACKAGE_LIST, encodePackageList(list));
  const manifest: Manifest = {
    ...{ version: '1.0', created_at: now.toISOString(), stout_version: `${NAME} ${VERSION}` },
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

/** Stages the databases and the index manifest; returns the version of the index. */
export async function stageIndex(
  context: IndexContext,
  described: readonly DescribedPackages[],
  brew: BrewRows,
  previous: Prepared['previous'],
): Promise<string> {
  const staged = await stageDatabases(context, described, brew, previous);
  const signedAt = Math.floor(context.now.getTime() / 1000);
  await context.stage.put(INDEX_MANIFEST, encodeIndexManifest(staged, signedAt, context.key));
  return staged.version;
}

/** Stages the advisories that `from` has about the described formulas. */
export async function stageVulnerabilities(
  context: IndexContext,
  described: readonly DescribedPackages[],
  from: DatabaseReader,
  version: string,
): Promise<void> {
  const names = new Set(Object.keys(entriesOf(described, formula)));
  const advisories = readAdvisories(from, names);
  await stageSignedDatabase(context, VULNERABILITIES, (local) =>
    writeVulnerabilityDatabase(local, advisories, { version, createdAt: context.now.toISOString() }),
  );
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

const entriesOf = (described: readonly DescribedPackages[], { id }: Pick<Kind, 'id'>) =>
  described.find(({ kind }) => kind.id === id)?.entries ?? {};

/** Returns what manifest.json says of each kind. */
function countsOf(described: readonly DescribedPackages[]): Pick<Manifest, Kind['key']> {
  const counts = KINDS.map((kind) => {
    const packages = entriesOf(described, kind);
    return [kind.key, { count: Object.keys(packages).length, packages }];
  });
  return Object.fromEntries(counts);
}
