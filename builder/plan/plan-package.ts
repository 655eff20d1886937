import { MirrorError, messageOf } from '../../format/errors.ts';
import type { Offer } from '../../format/packages/kind.ts';
import type { Listed } from '../database/kind-index.ts';
import type { BottleNames } from './brew.ts';
import { LATEST, mayChange } from './carried.ts';
import { expectName, expectVersion, named } from './naming.ts';
import type { CarriedPackage, PlannedFile, PlannedPackage } from './plan.ts';
import type { PlanOptions } from './plan-options.ts';
import type { Rules } from './rules.ts';
import type { Catalog, Choice } from './selection.ts';
import { sourceOf } from './source.ts';

const UNCHECKED = 'no checksum upstream, so its file cannot be checked (--allow-unchecked takes it)';
const WITHDRAWN =
  'this version was withdrawn; a newer one comes by itself, and this one with create --force and its name';
const HELD_LOST = 'a rule keeps it at the version here, and its files here cannot be used any more';
const GONE = 'no longer available upstream, and its files here are damaged';
const NOTHING: Offer = { files: new Map(), lacks: [] };

/** What planning takes besides: the upstream's indexes, names and rules. */
export interface Planning extends PlanOptions, Rules {
  catalog: Catalog;
  bottleNames: BottleNames;
}

/** The result of planning one package. */
export interface Outcome {
  fresh?: PlannedPackage;
  carried?: CarriedPackage;
  skipped?: string[];
  failed?: string;
  kept?: boolean;
}

/**
 * Plans one package: as the mirror has it, or as the upstream describes it. Throws what the upstream throws, unless the package
 * may be left out.
 */
export const planPackage = (planning: Planning, choice: Choice): Promise<Outcome> =>
  plan(planning, choice).catch((error: unknown) => leaveOut(planning, choice, error));

async function plan(planning: Planning, choice: Choice): Promise<Outcome> {
  const { kind, name, from } = choice;
  const listed = planning.catalog[kind.id]?.find(name);
  const carried = await carry(planning, choice, listed);
  if (!carried && choice.held) return { skipped: [HELD_LOST] };
  if (!carried) return listed ? planFresh(planning, choice, listed) : { skipped: [GONE] };
  const lacks = carried.entry ? kind.entryLacks(carried.entry, planning.request.tags) : [];
  return { carried, kept: from === 'mirror' && !listed, skipped: lacks };
}

/** Returns a package that stays: because it was chosen to, or because the upstream describes it as before. */
async function carry(
  { carried, bottleNames, isForced, isOnDemand }: Planning,
  { kind, name, from, mirrored, held = false }: Choice,
  listed: Listed | undefined,
): Promise<CarriedPackage | undefined> {
  if (!carried || (!held && (!carried.describesAlike || (listed && isForced(kind.id, name)))))
    return undefined;
  const found = await carried.find(kind, name, mirrored);
  const files = found?.entry ? Object.values(kind.entryFiles(found.entry)) : [];
  // Brew may have learned other names for its bottles.
  const isInPlace = held ? bottleNames.mayStay : bottleNames.agrees;
  if (!found || !files.every(({ path, sha256 }) => isInPlace(path, sha256))) return undefined;
  if (from === 'mirror') return found;
  const isSame = listed !== undefined && listed.hash !== null && found.upstreamHash === listed.hash;
  const mayStay = !found.isOnDemand || isOnDemand(kind.id, name);
  return isSame && mayStay && !mayChange(found) ? found : undefined;
}

async function planFresh(planning: Planning, { kind, mirrored }: Choice, listed: Listed): Promise<Outcome> {
  const { name, hash: upstreamHash, updatedAt, unavailable, headers } = listed;
  // Nobody asked for what is only listed.
  if (unavailable !== undefined) return mirrored ? { skipped: [unavailable] } : {};
  const { index, request, bottleNames, isWithdrawn } = planning;
  const json = await index.describe(kind, listed);
  const { name: found, version } = kind.summary(json);
  expectName(found, name);
  if (request.policy) expectVersion(name, version, listed.version);
  if (isWithdrawn(kind.id, name, version)) return { skipped: [WITHDRAWN] };
  const wanted = { tags: request.tags, pathOf: bottleNames.pathOf };
  const offer = mirrored ? named(name, () => kind.offer(json, wanted)) : NOTHING;
  if (offer.unavailable !== undefined) return { skipped: [offer.unavailable] };
  const isUnchecked = [...offer.files.values()].some(({ sha256 }) => sha256 === undefined);
  if (isUnchecked && !request.unchecked) return { skipped: [UNCHECKED] };
  const files = plannedFilesOf(planning, { kind, name, version, files: offer.files, headers });
  if (typeof files === 'string') return { skipped: [files] };
  return {
    fresh: { kind, name, version, json, upstreamHash, updatedAt, files, mirrored },
    skipped: offer.lacks,
  };
}

/** Returns the files of a package as they are to be fetched or listed, or the reason why one of them can be neither. */
function plannedFilesOf(
  { index, isForced, isOnDemand, sha256At }: Planning,
  {
    kind,
    name,
    version,
    files,
    headers,
  }: Pick<PlannedPackage, 'kind' | 'name' | 'version'> & Pick<Offer, 'files'> & Pick<Listed, 'headers'>,
): Map<string, PlannedFile> | string {
  const planned = new Map<string, PlannedFile>();
  for (const [slot, offered] of files) {
    const { path, url, sha256 } = offered;
    const before = sha256 === undefined && version !== LATEST ? sha256At(path) : undefined;
    const file = { ...offered, of: name, before, forced: isForced(kind.id, name), headers: headers?.[url] };
    if (!isOnDemand(kind.id, name)) planned.set(slot, file);
    else {
      try {
        planned.set(slot, { ...file, source: sourceOf(file, index.location) });
      } catch (error) {
        if (!(error instanceof MirrorError)) throw error;
        return error.message;
      }
    }
  }
  return planned;
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
