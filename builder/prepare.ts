import { rm } from 'node:fs/promises';
import { MirrorError } from '../format/errors.ts';
import { type MirrorRequest, withdrawnKey } from '../format/manifest.ts';
import type { PublicKey } from '../format/minisign/public-key.ts';
import { KnownFiles } from './directory/known-files.ts';
import { expectWhole } from './directory/mirror.ts';
import { LinkSource } from './fetch/link-source.ts';
import { CarriedPackages } from './plan/carried.ts';
import { makePlan } from './plan/make-plan.ts';
import type { Plan } from './plan/plan.ts';
import { type HeldApi, type Holding, holdApi } from './policy/hold-api.ts';
import type { Reporter } from './reporter.ts';
import { mergeRequest } from './request/merge-request.ts';
import { type Asked, expectPackages } from './request/request.ts';
import { FolderStorage } from './snapshot/folder-storage.ts';
import { ListedFiles } from './snapshot/listed-files.ts';
import { readPrevious } from './snapshot/previous.ts';
import type { SignedMirror } from './snapshot/signed-mirror.ts';
import { Stage } from './snapshot/stage.ts';
import type { HomebrewApi } from './upstream/homebrew/api.ts';
import { openUpstream } from './upstream/open.ts';
import type { Upstream } from './upstream/upstream.ts';

/** What planning a mirror takes. */
export interface PrepareOptions {
  directory: string;
  /** Another mirror to take files, and its list of packages, from. */
  from?: string | undefined;
  asked: Asked;
  /** True to leave out packages that are not available. */
  keepGoing: boolean;
  now: Date;
  /** Keys whose snapshots are continued. */
  trusted: readonly PublicKey[];
  /** Folder of this user's caches. */
  cache: string;
  reporter: Reporter;
  /** True for a folder with the documents of a mirror alone: what it lists counts as here. Nothing can be made in it. */
  filesElsewhere?: boolean;
}

/** A plan, and what it was made from. To be closed. */
export interface Prepared {
  request: MirrorRequest;
  index: Upstream;
  /** Homebrew's API, where packages or clients are Homebrew's. */
  api: HomebrewApi | undefined;
  /** The state of that API which brew gets, where its age counts. */
  held: HeldApi | undefined;
  plan: Plan;
  /** The mirror's own signed state, if it has one that can be continued. */
  own: SignedMirror | undefined;
  /** The signed state that is continued: the mirror's, or else the other mirror's. */
  previous: SignedMirror | undefined;
  /** The mirror's packages that may stay; absent when none may. */
  carried: CarriedPackages | undefined;
  source: LinkSource | undefined;
  known: KnownFiles;
  stage: Stage;
  /** Closes the databases and removes `scratch`. */
  close(): Promise<void>;
}

const NO_API = 'Homebrew does not offer it, so brew is sent there for it';

/**
 * Plans what a mirror will contain: reads what it has, merges the request with what was asked before, opens the upstream
 * (its databases are in `scratch` until `close`) and makes the plan.
 * Throws `unknown-package`, `upstream`, `usage` or `bad-input`.
 */
export async function prepare(options: PrepareOptions, scratch: string): Promise<Prepared> {
  const closing: (() => unknown)[] = [() => rm(scratch, { recursive: true, force: true })];
  const close = async (): Promise<void> => {
    for (const step of closing.toReversed()) await step();
  };
  try {
    return { ...(await open(options, scratch, closing)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function open(
  options: PrepareOptions,
  scratch: string,
  closing: (() => unknown)[],
): Promise<Omit<Prepared, 'close'>> {
  const { directory, from, asked, trusted, reporter } = options;
  const own = await readPrevious(directory, trusted, reporter);
  if (from !== undefined) await expectWhole(from);
  const source = from === undefined ? undefined : await LinkSource.open(from);
  const previous = own ?? (await readOther(options));
  const before = previous?.manifest;
  expectPackages(asked, before, from ?? directory);
  const request = mergeRequest(asked, before?.request, own !== undefined);
  const known = await KnownFiles.load(directory, options.cache);
  const storage = options.filesElsewhere
    ? new ListedFiles(previous?.entries ?? [])
    : new FolderStorage(directory, known);
  const stage = new Stage(storage, previous?.entries);
  const carried = own && (await CarriedPackages.open(own, request, stage.holds));
  closing.push(() => carried?.close());
  const opened = await openUpstream({ origin: asked.origin, request, before, scratch, reporter });
  const { index } = opened;
  closing.push(() => index.close());
  const held = await heldFor(options, { request, newest: opened.api, own, stage, folder: scratch });
  const api = held?.api ?? opened.api;
  const found = { request, index, api, held, own, previous, carried, source, known, stage };
  const plan = await planWith(options, found);
  return { ...found, plan, request: withoutReturned(request, plan) };
}

/** Returns the state of Homebrew's API that brew gets where its age counts; `undefined` where it does not. */
async function heldFor(
  { now, reporter }: PrepareOptions,
  {
    request,
    newest,
    ...more
  }: Pick<Holding, 'own' | 'stage' | 'folder'> & {
    request: MirrorRequest;
    newest: HomebrewApi | undefined;
  },
): Promise<HeldApi | undefined> {
  const minAge = request.policy?.min_age;
  if (minAge === undefined || !newest || !request.clients.includes('brew')) return undefined;
  const seconds = Math.floor(now.getTime() / 1000);
  return holdApi({ ...more, newest, minAge, tags: request.tags, now: seconds, reporter });
}

/** A version that somebody took back by name is not withdrawn any more. */
function withoutReturned(request: MirrorRequest, { fresh }: Plan): MirrorRequest {
  const taken = new Set(fresh.map(({ kind, ...item }) => withdrawnKey({ ...item, kind: kind.id })));
  const { withdrawn = [], ...rest } = request;
  const still = withdrawn.filter((key) => !taken.has(key));
  return still.length > 0 ? { ...rest, withdrawn: still } : rest;
}

/** Returns the signed state of the other mirror. With packages named, only its files are taken, by their checksums. */
async function readOther({
  from,
  asked,
  trusted,
  reporter,
}: PrepareOptions): Promise<SignedMirror | undefined> {
  if (from === undefined) return undefined;
  try {
    return await readPrevious(from, trusted, reporter);
  } catch (error) {
    if (asked.extend || !(error instanceof MirrorError && error.code === 'refused')) throw error;
    reporter.warn(
      `Only files are taken from ${from}: it is signed by ${error.found}, which is not among yours.`,
    );
    return undefined;
  }
}

async function planWith(
  { asked, keepGoing, now, reporter }: PrepareOptions,
  { index, api, held, request, previous, carried }: Omit<Prepared, 'plan' | 'close'>,
): Promise<Plan> {
  const label = 'Reading package data';
  const plan = await makePlan({
    ...{ index, request, asked, carried, keepGoing, now },
    seen: previous?.policy.seen,
    brew: request.clients.includes('brew') ? api : undefined,
    sha256At: (path) => previous?.sha256At(path),
    onProgress: (done, total) => reporter.progress({ label, done, total, bytes: 0 }),
  });
  for (const warning of plan.warnings) reporter.warn(warning);
  const missing = (api?.missing ?? []).map((endpoint) => ({ name: endpoint, reason: NO_API }));
  const policy = held ? { ...plan.policy, homebrew_api: held.summary } : plan.policy;
  return { ...plan, skipped: [...plan.skipped, ...missing], policy };
}
