import pMap from 'p-map';
import { MirrorError, messageOf } from '../../format/errors.ts';
import { type MirrorRequest, withdrawnKey } from '../../format/manifest.ts';
import { formula } from '../../format/packages/formula.ts';
import type { Offer } from '../../format/packages/kind.ts';
import { byKind } from '../../format/packages/kinds.ts';
import type { Listed } from '../database/kind-index.ts';
import type { Asked } from '../request/request.ts';
import type { HomebrewApi } from '../upstream/homebrew/api.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { BottleNames, type IsChosen, type IsWithdrawn, planBrew } from './brew.ts';
import type { CarriedPackages } from './carried.ts';
import { expectName, named } from './naming.ts';
import { openCatalog } from './open-catalog.ts';
import type { BrewImage, CarriedPackage, Plan, PlannedFile, PlannedPackage, Remark } from './plan.ts';
import { PORTABLE_RUBY, planOlderRubies } from './portable-ruby.ts';
import { type Catalog, type Choice, selectPackages } from './selection.ts';
import { unknownError } from './unknown.ts';

const METADATA_REQUESTS = 16;
/** The version of a package whose file is replaced without notice. */
const LATEST = 'latest';
const UNCHECKED = 'no checksum upstream, so its file cannot be checked (--allow-unchecked takes it)';
const WITHDRAWN =
  'this version was withdrawn; a newer one comes by itself, and this one with create --force and its name';
const GONE = 'no longer available upstream, and its files here are damaged';
const NOTHING: Offer = { files: new Map(), lacks: [] };

/** What a plan is made from. */
export interface PlanOptions {
  index: Upstream;
  request: MirrorRequest;
  asked: Pick<Asked, 'named' | 'newest' | 'force'> & { request: Pick<MirrorRequest, 'portable_ruby'> };
  /** Homebrew's API, where brew is a client. */
  brew: HomebrewApi | undefined;
  /** The packages that the mirror has; absent when none of them can stay. */
  carried: CarriedPackages | undefined;
  /** Returns the SHA-256 of the file that the mirror has at a path. */
  sha256At: (path: string) => string | undefined;
  /** True to go on without packages whose data cannot be read. */
  keepGoing: boolean;
  /** Called after each package. */
  onProgress: (done: number, total: number) => void;
}

/** How a run treats packages. */
interface Rules {
  /** True for a package that somebody wrote down. */
  isNamed: IsChosen;
  /** True for a package whose files are fetched again. */
  isForced: IsChosen;
  /** True for a version that was withdrawn, unless somebody insists on it by name. */
  isWithdrawn: IsWithdrawn;
}

/** What planning takes besides: the upstream's indexes, names and rules. */
interface Planning extends PlanOptions, Rules {
  catalog: Catalog;
  bottleNames: BottleNames;
}

/** The result of planning one package. */
interface Outcome {
  fresh?: PlannedPackage;
  carried?: CarriedPackage;
  skipped?: string[];
  failed?: string;
  kept?: boolean;
}

/**
 * Decides what a mirror contains. Downloads the descriptions of packages that are new or changed, nothing else.
 * Throws `unknown-package`, or what the upstream throws.
 */
export async function makePlan(options: PlanOptions): Promise<Plan> {
  const { request, asked, brew, carried } = options;
  const { catalog, unknown } = await openCatalog(options);
  const selection = selectPackages({
    ...{ upstream: catalog, mirror: carried?.catalog(), request, asked },
    brew: brew && { find: brew.packages.formulas.find, dependencies: brew.packages.dependencies },
  });
  const rules = rulesOf(options, catalog);
  const forBrew = brew && (await planForBrew(brew, selection.brew, options, rules));
  const bottleNames = new BottleNames(forBrew?.images);
  const outcomes = await planAll({ ...options, ...rules, catalog, bottleNames }, selection.choices);
  if (unknown.length > 0 && !selection.choices.some(({ mirrored }) => mirrored)) throw unknownError(unknown);
  const reported = new Set(unknown.map(({ name }) => name));
  return {
    fresh: outcomes.flatMap(({ fresh }) => fresh ?? []),
    carried: outcomes.flatMap(({ carried: stays }) => stays ?? []),
    images: forBrew?.images,
    skipped: [
      ...(forBrew?.skipped ?? []),
      ...selection.missing.filter(({ name }) => !reported.has(name)).map(missingRemark),
      ...remarks(outcomes, 'skipped'),
    ],
    failed: [
      ...unknown.map(({ name, reason }) => ({ name, reason })),
      ...(forBrew?.failed ?? []),
      ...remarks(outcomes, 'failed'),
    ],
    kept: outcomes.flatMap(({ name, kept }) => (kept ? name : [])),
  };
}

/** Returns what this run makes of a package of a kind. */
function rulesOf({ asked, request }: PlanOptions, catalog: Catalog): Rules {
  const names = byKind(
    ({ id }) => new Set(asked.named[id].map((name) => catalog[id]?.find(name)?.name ?? name)),
  );
  const isNamed: IsChosen = (kind, name) => names[kind].has(name);
  const isForced: IsChosen = (kind, name) =>
    asked.force === 'all' || (asked.force === 'named' && isNamed(kind, name));
  const withdrawn = new Set(request.withdrawn);
  const isWithdrawn: IsWithdrawn = (kind, name, version) =>
    withdrawn.has(withdrawnKey({ kind, name, version })) && !(isForced(kind, name) && isNamed(kind, name));
  return { isNamed, isForced, isWithdrawn };
}

/** Plans the bottles for brew, and the Ruby that brew runs on: the newest, and those that were asked for. */
async function planForBrew(
  api: HomebrewApi,
  names: readonly string[],
  { request, asked, keepGoing }: PlanOptions,
  rules: Rules,
): Promise<Pick<Plan, 'skipped' | 'failed'> & { images: BrewImage[] }> {
  const { tags } = request;
  const all = api.packages.formulas.find(PORTABLE_RUBY) ? new Set([...names, PORTABLE_RUBY]) : names;
  const newest = planBrew(api, [...all], tags, rules);
  const versions = request.portable_ruby.filter(
    (version) => !rules.isWithdrawn(formula.id, PORTABLE_RUBY, version),
  );
  const named = asked.request.portable_ruby;
  const older = await planOlderRubies(api, { versions, named, tags, keepGoing });
  const known = new Set(newest.images.map(({ path }) => path));
  return {
    images: [...newest.images, ...older.images.filter(({ path }) => !known.has(path))],
    skipped: [...newest.skipped, ...older.skipped],
    failed: older.failed,
  };
}

async function planAll(
  planning: Planning,
  choices: readonly Choice[],
): Promise<(Outcome & { name: string })[]> {
  let done = 0;
  const planOne = async (choice: Choice): Promise<Outcome & { name: string }> => {
    const outcome = await plan(planning, choice).catch((error: unknown) => leaveOut(planning, choice, error));
    done += 1;
    planning.onProgress(done, choices.length);
    return { ...outcome, name: choice.name };
  };
  return pMap(choices, planOne, { concurrency: METADATA_REQUESTS });
}

async function plan(planning: Planning, choice: Choice): Promise<Outcome> {
  const { kind, name, from } = choice;
  const listed = planning.catalog[kind.id]?.find(name);
  const carried = await carry(planning, choice, listed);
  if (!carried) return listed ? planFresh(planning, choice, listed) : { skipped: [GONE] };
  const lacks = carried.entry ? kind.entryLacks(carried.entry, planning.request.tags) : [];
  return { carried, kept: from === 'mirror' && !listed, skipped: lacks };
}

/** Returns a package that stays: because it was chosen to, or because the upstream describes it as before. */
async function carry(
  { carried, bottleNames, isForced }: Planning,
  { kind, name, from, mirrored }: Choice,
  listed: Listed | undefined,
): Promise<CarriedPackage | undefined> {
  if (!carried || (listed && isForced(kind.id, name))) return undefined;
  const found = await carried.find(kind, name, mirrored);
  const files = found?.entry ? Object.values(kind.entryFiles(found.entry)) : [];
  // Brew may have learned other names for its bottles.
  if (!found || !files.every(({ path, sha256 }) => bottleNames.agrees(path, sha256))) return undefined;
  if (from === 'mirror') return found;
  const isSame = listed !== undefined && listed.hash !== null && found.upstreamHash === listed.hash;
  return isSame && !mayChange(found) ? found : undefined;
}

/** True for a file without a checksum under a version that says nothing: it may be another file tomorrow. */
const mayChange = ({ entry }: CarriedPackage): boolean =>
  entry?.unchecked === true && entry.version === LATEST;

async function planFresh(planning: Planning, { kind, mirrored }: Choice, listed: Listed): Promise<Outcome> {
  const { name, hash: upstreamHash, updatedAt, unavailable, headers } = listed;
  // Nobody asked for what is only listed.
  if (unavailable !== undefined) return mirrored ? { skipped: [unavailable] } : {};
  const { index, request, bottleNames, isForced, isWithdrawn, sha256At } = planning;
  const json = await index.describe(kind, listed);
  const { name: found, version } = kind.summary(json);
  expectName(found, name);
  if (isWithdrawn(kind.id, name, version)) return { skipped: [WITHDRAWN] };
  const wanted = { tags: request.tags, pathOf: bottleNames.pathOf };
  const offer = mirrored ? named(name, () => kind.offer(json, wanted)) : NOTHING;
  if (offer.unavailable !== undefined) return { skipped: [offer.unavailable] };
  const isUnchecked = [...offer.files.values()].some(({ sha256 }) => sha256 === undefined);
  if (isUnchecked && !request.unchecked) return { skipped: [UNCHECKED] };
  const files = new Map<string, PlannedFile>();
  for (const [slot, file] of offer.files) {
    const before = file.sha256 === undefined && version !== LATEST ? sha256At(file.path) : undefined;
    files.set(slot, {
      ...file,
      of: name,
      before,
      forced: isForced(kind.id, name),
      headers: headers?.[file.url],
    });
  }
  return {
    fresh: { kind, name, version, json, upstreamHash, updatedAt, files, mirrored },
    skipped: offer.lacks,
  };
}

/** Of all packages of an upstream, a few have names or versions that no file can have. Nobody asked for those. */
function leaveOut(
  { request, isNamed, keepGoing }: Planning,
  { kind, name }: Choice,
  error: unknown,
): Outcome {
  if (!(error instanceof MirrorError)) throw error;
  if (request.all && !isNamed(kind.id, name) && error.code === 'bad-input')
    return { skipped: [messageOf(error)] };
  if (!keepGoing) throw error;
  return { failed: messageOf(error) };
}

const missingRemark = ({ name, neededBy }: { name: string; neededBy: string | undefined }): Remark => ({
  name,
  reason: neededBy === undefined ? 'not available upstream' : `needed by ${neededBy}, unknown upstream`,
});

const remarks = (outcomes: readonly (Outcome & { name: string })[], key: 'skipped' | 'failed'): Remark[] =>
  outcomes.flatMap(({ name, [key]: reasons = [] }) => [reasons].flat().map((reason) => ({ name, reason })));
