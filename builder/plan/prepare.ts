import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Manifest, MirrorRequest } from '../../format/manifest.ts';
import type { PublicKey } from '../../format/minisign/public-key.ts';
import { KnownFiles } from '../directory/known-files.ts';
import { expectWhole } from '../directory/mirror.ts';
import { LinkSource } from '../fetch/link-source.ts';
import type { Reporter } from '../reporter.ts';
import { readPrevious } from '../snapshot/previous.ts';
import type { SignedMirror } from '../snapshot/signed-mirror.ts';
import { Staging } from '../snapshot/staging.ts';
import { HomebrewApi } from '../upstream/homebrew/api.ts';
import { HomebrewIndex } from '../upstream/homebrew/index.ts';
import { HomebrewSource } from '../upstream/homebrew/source.ts';
import type { UpstreamLocation } from '../upstream/location.ts';
import { StoutIndex } from '../upstream/stout-index.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { CarriedPackages } from './carried.ts';
import { type Force, makePlan } from './make-plan.ts';
import type { Plan } from './plan.ts';
import type { Newest } from './selection.ts';
import type { PackageNames } from './unknown.ts';

/** What is asked for, and where it comes from. */
export interface Asked {
  request: MirrorRequest;
  /** A stout-index, or Homebrew itself. */
  upstream: UpstreamLocation | HomebrewSource;
  /** Where brew's own index comes from, when it is asked for as a client. */
  homebrew?: HomebrewSource | undefined;
}

/** What a plan for a mirror is made with. */
export interface PrepareOptions {
  directory: string;
  /** Another mirror to take files, and what was asked for, from. */
  from?: string | undefined;
  /** What is asked for and where it comes from, given what the mirror (or the other one) says of itself. Throws `usage`. */
  ask: (before: Manifest | undefined) => Asked;
  /** What somebody named: the upstream must have it. */
  named: PackageNames;
  newest: Newest;
  /** Whether files are fetched that are here: of all packages, or of those named. */
  force: Force;
  /** True to leave out what cannot be had. */
  keepGoing: boolean;
  /** Keys whose snapshots are carried on from. */
  trusted: readonly PublicKey[];
  /** Folder of this user's caches. */
  cache: string;
  reporter: Reporter;
}

/** A plan, and what it was made from. */
export interface Prepared {
  request: MirrorRequest;
  index: Upstream;
  /** Homebrew's API, where packages or clients are Homebrew's. */
  api: HomebrewApi | undefined;
  plan: Plan;
  /** The signed state that is carried on from: the mirror's own, or the other mirror's. */
  previous: SignedMirror | undefined;
  /** Packages of the mirror's own that may stay; absent when none may. */
  carried: CarriedPackages | undefined;
  source: LinkSource | undefined;
  known: KnownFiles;
  staging: Staging;
}

/**
 * Plans what a mirror is to contain and passes that to `work`; the upstream's databases stand in `scratch` until then.
 * Throws `unknown-package`, `upstream`, `usage` or `bad-input`.
 */
export async function withPlan<T>(
  options: PrepareOptions,
  scratch: string,
  work: (prepared: Prepared) => Promise<T>,
): Promise<T> {
  try {
    return await planAndWork(options, scratch, work);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function planAndWork<T>(
  options: PrepareOptions,
  scratch: string,
  work: (prepared: Prepared) => Promise<T>,
): Promise<T> {
  const { directory, from, reporter } = options;
  const own = await readPrevious(directory, options.trusted, reporter);
  const other = from === undefined ? undefined : await openOther(from, options);
  const previous = own ?? other?.mirror;
  const asked = options.ask(previous?.manifest);
  const { request } = asked;
  const known = await KnownFiles.load(directory, options.cache);
  const staging = new Staging(directory, known);
  const carried = own && (await CarriedPackages.open(own, request, staging.stands));
  const { index, api } = await openUpstreams(asked, previous, scratch, reporter);
  const found = { request, index, api, previous, carried, source: other?.source, known, staging };
  try {
    return await work({ ...found, plan: await planWith(options, found) });
  } finally {
    carried?.close();
    await index.close();
  }
}

async function planWith(
  options: PrepareOptions,
  { index, api, request, previous, carried }: Omit<Prepared, 'plan'>,
): Promise<Plan> {
  const { named, newest, force, keepGoing, reporter } = options;
  const label = 'Reading package data';
  const plan = await makePlan({
    ...{ index, request, carried, named, newest, force, keepGoing },
    brew: request.clients.includes('brew') ? api : undefined,
    sha256At: (path) => previous?.sha256At(path),
    onProgress: (done, total) => reporter.progress({ label, done, total, bytes: 0 }),
  });
  for (const endpoint of api?.missing ?? []) plan.skipped.push({ name: endpoint, reason: NO_API });
  return plan;
}

const NO_API = 'Homebrew does not offer it, so brew that asks for it is sent there';

/** Opens the upstream, and Homebrew's API where either the upstream or a client needs it. */
async function openUpstreams(
  { request, upstream, homebrew }: Asked,
  previous: SignedMirror | undefined,
  scratch: string,
  reporter: Reporter,
): Promise<{ index: Upstream; api: HomebrewApi | undefined }> {
  const isForBrew = request.clients.includes('brew');
  const source = upstream instanceof HomebrewSource ? upstream : isForBrew ? homebrew : undefined;
  const api = source && (await openApi(source, request, previous, scratch, reporter));
  if (api && upstream instanceof HomebrewSource) return { index: new HomebrewIndex(api, scratch), api };
  const location = upstream instanceof HomebrewSource ? upstream.location : upstream;
  reporter.note(`Reading the index of ${location.base.href} …`);
  return { index: await StoutIndex.open(location, scratch, reporter), api };
}

function openApi(
  source: HomebrewSource,
  { tags, clients }: MirrorRequest,
  previous: SignedMirror | undefined,
  scratch: string,
  reporter: Reporter,
): Promise<HomebrewApi> {
  reporter.note(`Reading Homebrew's API from ${source.location.base.href} …`);
  return HomebrewApi.open({
    ...{ source, tags, older: clients.includes('brew'), folder: join(scratch, 'homebrew') },
    before: previous?.manifest?.homebrew?.generated_at ?? {},
  });
}

async function openOther(
  directory: string,
  { trusted, reporter }: PrepareOptions,
): Promise<{ mirror: SignedMirror | undefined; source: LinkSource }> {
  await expectWhole(directory);
  const source = await LinkSource.open(directory);
  return { source, mirror: await readPrevious(directory, trusted, reporter) };
}
