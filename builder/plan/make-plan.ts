import pMap from 'p-map';
import { MirrorError, messageOf } from '../../format/errors.ts';
import type { MirrorRequest } from '../../format/manifest.ts';
import { formula } from '../../format/packages/formula.ts';
import type { Offer } from '../../format/packages/kind.ts';
import { KINDS } from '../../format/packages/kinds.ts';
import type { Listed } from '../database/kind-index.ts';
import type { Asked } from '../request/request.ts';
import type { HomebrewApi } from '../upstream/homebrew/api.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { BottleNames, planBrew } from './brew.ts';
import type { CarriedPackages } from './carried.ts';
import { expectName, named } from './naming.ts';
import type { CarriedPackage, Plan, PlannedFile, PlannedPackage, Remark } from './plan.ts';
import { type Catalog, type Choice, selectPackages } from './selection.ts';
import { expectKnown, isKnown } from './unknown.ts';

const METADATA_REQUESTS = 16;
/** The version of a package whose file is replaced without notice. */
const LATEST = 'latest';
const UNCHECKED = 'no checksum upstream, so its file cannot be checked (--allow-unchecked takes it)';
const GONE = 'no longer available upstream, and its files here are damaged';
const NOTHING: Offer = { files: new Map(), lacks: [] };

/** What a plan is made from. */
export interface PlanOptions {
  index: Upstream;
  request: MirrorRequest;
  asked: Pick<Asked, 'named' | 'newest' | 'force'>;
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

/** What planning takes besides: the upstream's indexes, and names. */
interface Planning extends PlanOptions {
  catalog: Catalog;
  bottleNames: BottleNames;
  /** True for a package that somebody wrote down. */
  isNamed: (name: string) => boolean;
  /** True for a package whose files are fetched again. */
  isForced: (name: string) => boolean;
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
  const catalog = await openCatalog(options);
  const selection = selectPackages({
    ...{ upstream: catalog, mirror: carried?.catalog(), request, asked },
    brew: brew && { find: brew.packages.findFormula, dependencies: brew.packages.dependencies },
  });
  const names = new Set(
    KINDS.flatMap(({ id }) => asked.named[id].map((name) => catalog[id]?.find(name)?.name ?? name)),
  );
  const isNamed = (name: string): boolean => names.has(name);
  const isForced = (name: string): boolean =>
    asked.force === 'all' || (asked.force === 'named' && isNamed(name));
  const forBrew = brew && planBrew(brew, selection.brew, request.tags, isForced);
  const bottleNames = new BottleNames(forBrew?.images);
  const outcomes = await planAll({ ...options, catalog, bottleNames, isNamed, isForced }, selection.choices);
  return {
    fresh: outcomes.flatMap(({ fresh }) => fresh ?? []),
    carried: outcomes.flatMap(({ carried: stays }) => stays ?? []),
    images: forBrew?.images,
    skipped: [
      ...(forBrew?.skipped ?? []),
      ...selection.missing.map(missingRemark),
      ...remarks(outcomes, 'skipped'),
    ],
    failed: remarks(outcomes, 'failed'),
    kept: outcomes.flatMap(({ name, kept }) => (kept ? name : [])),
  };
}

/** Opens the indexes that are asked for, or all of them when a name may be of another kind. */
async function openCatalog({ index, request, asked: { named: names } }: PlanOptions): Promise<Catalog> {
  const catalog: Catalog = {};
  const wanted = KINDS.filter(
    (kind) =>
      kind.id === formula.id ||
      request[kind.request].length > 0 ||
      (kind.inAll && (request.all || request.full_index)),
  );
  for (const kind of wanted) catalog[kind.id] = await index.index(kind);
  if (isKnown(catalog, names)) return catalog;
  const all = { ...catalog };
  for (const kind of KINDS) all[kind.id] ??= await index.index(kind).catch(() => undefined);
  expectKnown(all, names);
  return catalog;
}

async function planAll(
  planning: Planning,
  choices: readonly Choice[],
): Promise<(Outcome & { name: string })[]> {
  let done = 0;
  const planOne = async (choice: Choice): Promise<Outcome & { name: string }> => {
    const outcome = await plan(planning, choice).catch((error: unknown) =>
      leaveOut(planning, choice.name, error),
    );
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
  if (!carried || (listed && isForced(name))) return undefined;
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
  const { name, hash: upstreamHash, updatedAt } = listed;
  const { index, request, bottleNames, isForced, sha256At } = planning;
  const json = await index.describe(kind, listed);
  const { name: found, version } = kind.summary(json);
  expectName(found, name);
  const wanted = { tags: request.tags, pathOf: bottleNames.pathOf };
  const offer = mirrored ? named(name, () => kind.offer(json, wanted)) : NOTHING;
  const isUnchecked = [...offer.files.values()].some(({ sha256 }) => sha256 === undefined);
  if (isUnchecked && !request.unchecked) return { skipped: [UNCHECKED] };
  const files = new Map<string, PlannedFile>();
  for (const [slot, file] of offer.files) {
    const before = file.sha256 === undefined && version !== LATEST ? sha256At(file.path) : undefined;
    files.set(slot, { ...file, of: name, before, forced: isForced(name) });
  }
  return {
    fresh: { kind, name, version, json, upstreamHash, updatedAt, files, mirrored },
    skipped: offer.lacks,
  };
}

/** Of all packages of an upstream, a few have names or versions that no file can have. Nobody asked for those. */
function leaveOut({ request, isNamed, keepGoing }: Planning, name: string, error: unknown): Outcome {
  if (!(error instanceof MirrorError)) throw error;
  if (request.all && !isNamed(name) && error.code === 'bad-input') return { skipped: [messageOf(error)] };
  if (!keepGoing) throw error;
  return { failed: messageOf(error) };
}

const missingRemark = ({ name, neededBy }: { name: string; neededBy: string | undefined }): Remark => ({
  name,
  reason: neededBy === undefined ? 'not available upstream' : `needed by ${neededBy}, unknown upstream`,
});

const remarks = (outcomes: readonly (Outcome & { name: string })[], key: 'skipped' | 'failed'): Remark[] =>
  outcomes.flatMap(({ name, [key]: reasons = [] }) => [reasons].flat().map((reason) => ({ name, reason })));
