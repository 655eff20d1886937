import pMap from 'p-map';
import { utf8 } from '../../format/bytes.ts';
import { sha256Hex } from '../../format/digest.ts';
import { MirrorError } from '../../format/errors.ts';
import type { MirrorRequest } from '../../format/manifest.ts';
import { type FormulaJson, formula } from '../../format/packages/formula.ts';
import { KINDS, type Kind, type KindId } from '../../format/packages/kinds.ts';
import type { PolicyDocument, Sighting } from '../../format/policy.ts';
import type { Listed } from '../database/kind-index.ts';
import { type CarriedPackages, LATEST, mayChange } from '../plan/carried.ts';
import type { PackageName } from '../plan/closure.ts';
import type { Catalog } from '../plan/selection.ts';
import type { HomebrewApi } from '../upstream/homebrew/api.ts';
import { licenseText } from '../upstream/homebrew/formula-json.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { buildTime } from './build-time.ts';
import { type Candidate, shownVersion } from './judge.ts';

const REQUESTS = 16;

/** What is known of the packages that a mirror may have. */
export interface Known {
  index: Upstream;
  catalog: Catalog;
  carried: CarriedPackages | undefined;
  /** The indexes of what the mirror has. */
  own: Catalog;
  brew: HomebrewApi | undefined;
  request: MirrorRequest;
  seen: PolicyDocument['seen'];
  /** Unix seconds. */
  now: number;
  /** Called after each package. */
  onProgress: (done: number, total: number) => void;
}

/** A package to decide about, and when the mirror first saw its version at the upstream if that counts. */
export interface SeenCandidate extends Candidate {
  sighting?: Sighting;
}

/** Reads what rules ask about packages: of those that are new or changed their descriptions, of new ones the time of building. */
export function candidatesOf(known: Known, packages: readonly PackageName[]): Promise<SeenCandidate[]> {
  let done = 0;
  const read = async (item: PackageName): Promise<SeenCandidate> => {
    const candidate = await candidateOf(known, item);
    done += 1;
    known.onProgress(done, packages.length);
    return candidate;
  };
  return pMap(packages, read, { concurrency: REQUESTS });
}

async function candidateOf(known: Known, { kind: id, name }: PackageName): Promise<SeenCandidate> {
  const kind = kindOf(id);
  const listed = known.catalog[id]?.find(name);
  const here = known.own[id]?.find(name);
  const of = { kind: id, name, has: here?.version };
  if (listed?.version === undefined || listed.unavailable !== undefined)
    return { ...of, ...(here ? await mirrorSide(known, kind, here) : forBrew(known, of)) };
  const { version, license } = listed;
  const changed = !here || (await isChanged(known, kind, listed, here));
  const unknowable = here?.version === LATEST && !changed && (await isUnknowable(known, kind, here));
  const mirror = here && (changed || unknowable) ? await mirrorSide(known, kind, here) : {};
  const offered = { version, license, changed, ...(unknowable ? { unknowable } : {}) };
  if (!changed || known.request.policy?.min_age === undefined) return { ...of, upstream: offered, ...mirror };
  const sighting = await sight(known, kind, listed, here === undefined);
  if (!sighting) return { ...of, upstream: { ...offered, changed: false }, ...mirror };
  // A version that waits does not become new to the mirror because the one before it goes.
  const isSeen = sighting === known.seen?.[id]?.[name];
  const born = here ? sighting.at : (sighting.built ?? (isSeen ? sighting.at : undefined));
  return { ...of, upstream: { ...offered, born }, ...mirror, sighting };
}

/** True for a file that may be another one tomorrow under the same version. */
async function isUnknowable({ carried }: Known, kind: Kind, { name }: Listed): Promise<boolean> {
  const found = await carried?.find(kind, name, true);
  return found !== undefined && mayChange(found);
}

/** A formula that only Homebrew's API has is for brew alone, and its age is that of the API. */
function forBrew({ brew }: Known, { kind, name }: PackageName): Partial<Candidate> {
  const found = kind === formula.id ? brew?.packages.formulas.find(name) : undefined;
  if (!found) return {};
  const { stable_version: version, license } = found.struct;
  return { upstream: { version, license: licenseText(license), changed: false } };
}

/** The mirror's version counts only if the mirror can keep it. */
async function mirrorSide({ carried }: Known, kind: Kind, here: Listed): Promise<Partial<Candidate>> {
  const found = await carried?.find(kind, here.name, true);
  return found ? { mirror: { version: here.version ?? '', license: here.license } } : {};
}

/**
 * Returns true where the upstream has another version than the mirror, or other files under the same one: also for a platform
 * that the mirror serves and that had none.
 */
async function isChanged(known: Known, kind: Kind, listed: Listed, here: Listed): Promise<boolean> {
  const { carried } = known;
  if (listed.hash !== null && carried?.upstreamHash(kind, here.name) === listed.hash) return false;
  if (listed.version !== here.version) return true;
  const files = carried?.files(kind, here.name) ?? {};
  const offered = await filesOf(known, kind, listed);
  return [...(offered ?? [])].some(([slot, sha256]) => {
    const own = Object.hasOwn(files, slot) ? files[slot] : undefined;
    return own ? own.sha256 !== sha256 : carried?.describesAlike === true;
  });
}

/** Returns when the mirror first saw a version with these files; `undefined` where it cannot be read, which planning reports. */
async function sight(
  known: Known,
  kind: Kind,
  listed: Listed,
  isNew: boolean,
): Promise<Sighting | undefined> {
  const { name } = listed;
  const version = shownVersion(listed.version ?? '');
  const files = await filesOf(known, kind, listed);
  if (!files) return undefined;
  const content = sha256Hex(utf8([...new Set(files.values())].sort().join('\n')));
  const before = known.seen?.[kind.id]?.[name];
  if (before && before.version === version && before.content === content) return before;
  const json = await known.index.describe(kind, listed);
  const isBuilt = isNew && kind.id === formula.id;
  const built = isBuilt ? await buildTime(known.index.location, json as FormulaJson, known.now) : undefined;
  return { version, content, at: known.now, ...(built === undefined ? {} : { built }) };
}

/** Returns the SHA-256 of the files that an upstream offers, by slot; `undefined` where it describes the package wrongly. */
async function filesOf(
  { index, request }: Known,
  kind: Kind,
  listed: Listed,
): Promise<Map<string, string> | undefined> {
  try {
    const json = await index.describe(kind, listed);
    const { files } = kind.offer(json, { tags: request.tags, pathOf: (_sha256, path) => path });
    return new Map(
      [...files].flatMap(([slot, { sha256 }]) => (sha256 === undefined ? [] : [[slot, sha256]])),
    );
  } catch (error) {
    if (error instanceof MirrorError) return undefined;
    throw error;
  }
}

const kindOf = (id: KindId): Kind => {
  const kind = KINDS.find((one) => one.id === id);
  if (!kind) throw new TypeError(`${id} is not a kind of package`);
  return kind;
};
