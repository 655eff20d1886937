import type { Decision } from '../../format/policy.ts';
import type { Amount } from '../fetch/fetch.ts';
import { type Change, changesBetween, type FileState, withReasons } from '../plan/changes.ts';
import { packageKey } from '../plan/closure.ts';
import type { Remark } from '../plan/plan.ts';
import type { MirrorState, SnapshotHead, Vulnerability } from './state.ts';

/** Package files that one state has and the other has not. `bytes` are those of files whose size is known. */
export interface ToFetch extends Amount {
  of_unknown_size: number;
}

/** One of the two sides. */
export interface Side extends Partial<SnapshotHead> {
  place: string;
  /** The upstream's name for its state. */
  upstream?: string;
}

/** A decision of the policy. */
export interface DiffDecision extends Decision {
  /** True if the other side had not decided so. */
  is_new: boolean;
}

/** How two states of a mirror, or of two mirrors, differ. */
export interface Diff {
  from: Side;
  to: Side;
  /** False for two mirrors: then they have nothing to do with each other, and are compared all the same. */
  same_mirror: boolean;
  /** True for one and the same snapshot. */
  same_snapshot: boolean;
  /** True if packages, their files, decisions or known vulnerabilities differ. */
  differs: boolean;
  changes: (Change & { fetch: ToFetch })[];
  /** Package files that `to` has, and `from` has not; without those on demand. */
  fetch: ToFetch;
  /** Files on demand that `to` lists, and `from` has not. */
  on_demand: number;
  /** Package files that `from` has, and `to` has not. */
  drop: ToFetch;
  /** What the policy of `to` decided. */
  decisions: DiffDecision[];
  /** Of packages that both have: `fixed`; of packages in `to`: `found`. `null` where one side has no vulnerability database. */
  vulnerabilities: { fixed: Vulnerability[]; found: Vulnerability[] } | null;
  /** Of an upstream: what is not available there, and what stays all the same. */
  skipped: readonly Remark[];
  kept: readonly string[];
  warnings: string[];
}

/** Compares two states. */
export function compareStates(from: MirrorState, to: MirrorState): Diff {
  const { neededBy = new Map() } = to;
  const packages = new Map(to.packages.map((item) => [packageKey(item), item]));
  const have = shasOf(from.files);
  const later = new Set(to.files.flatMap(({ path, on_demand }) => (on_demand ? path : [])));
  const isFetched = ({ path }: FileState): boolean => !later.has(path);
  const changes = withReasons(changesBetween(from.packages, to.packages), { neededBy }).map((change) => {
    const files = Object.values(packages.get(packageKey(change))?.files ?? {});
    return { ...change, fetch: lacking(have, files.filter(isFetched)) };
  });
  const fetch = lacking(have, to.files.filter(isFetched));
  const { files: on_demand } = lacking(
    have,
    to.files.filter((file) => !isFetched(file)),
  );
  const drop = lacking(shasOf(to.files), from.files);
  const decisions = decisionsOf(from, to);
  const vulnerabilities = vulnerabilitiesBetween(from, to);
  const isSame = to.snapshot === undefined || from.snapshot?.mirror === to.snapshot.mirror;
  const isNews = decisions.some(({ is_new }) => is_new) || decisionsOf(to, from).some(({ is_new }) => is_new);
  const { fixed = [], found = [] } = vulnerabilities ?? {};
  return {
    ...{ from: sideOf(from), to: sideOf(to), same_mirror: isSame },
    same_snapshot:
      isSame &&
      to.snapshot?.version === from.snapshot?.version &&
      to.snapshot?.signed_by === from.snapshot?.signed_by,
    differs:
      isNews ||
      [changes, fixed, found].some((list) => list.length > 0) ||
      fetch.files + on_demand + drop.files > 0,
    ...{ changes, fetch, on_demand, drop, decisions, vulnerabilities, skipped: to.skipped, kept: to.kept },
    warnings: [
      ...[...from.warnings, ...to.warnings, ...(isSame ? [] : [otherMirror(from, to)])],
      ...notCompared(from, to),
    ],
  };
}

const sideOf = ({ place, snapshot, upstream }: MirrorState): Side => ({
  ...{ place, ...snapshot },
  ...(upstream === undefined ? {} : { upstream }),
});

const otherMirror = (from: MirrorState, to: MirrorState): string =>
  `These are two mirrors: ${from.place} is ${from.snapshot?.mirror}, ${to.place} is ${to.snapshot?.mirror}.`;

/** Without a word, no vulnerability would seem to be known. */
function notCompared(from: MirrorState, to: MirrorState): string[] {
  const without = [from, to].filter(({ vulnerabilities }) => !vulnerabilities);
  const [first] = without;
  return first && without.length === 1
    ? [`Known vulnerabilities are not compared: ${first.place} has no vulnerability database.`]
    : [];
}

/** Returns the SHA-256 of files: what has one of them need not be fetched, whatever its name is. */
export const shasOf = (files: readonly FileState[]): Set<string> =>
  new Set(files.flatMap(({ sha256 }) => sha256 ?? []));

/** Returns how many of the distinct files are not among those with these SHA-256. */
function lacking(have: ReadonlySet<string>, files: readonly FileState[]): ToFetch {
  const lacks = files.filter(({ sha256 }) => sha256 === undefined || !have.has(sha256));
  const distinct = [...new Map(lacks.map((file) => [file.sha256 ?? file.path, file])).values()];
  return {
    files: distinct.length,
    bytes: distinct.reduce((sum, { size = 0 }) => sum + size, 0),
    of_unknown_size: distinct.filter(({ size }) => size === undefined).length,
  };
}

/** The reason and the time may be put in other words every day. */
function decisionsOf(from: MirrorState, to: MirrorState): DiffDecision[] {
  const keyOf = ({ kind, name, version, rule, outcome }: Decision): string =>
    JSON.stringify([kind, name, version, rule, outcome]);
  const known = new Set(from.decisions.map(keyOf));
  return to.decisions.map((decision) => ({ ...decision, is_new: !known.has(keyOf(decision)) }));
}

function vulnerabilitiesBetween(from: MirrorState, to: MirrorState): Diff['vulnerabilities'] {
  const [before, after] = [from.vulnerabilities, to.vulnerabilities];
  if (!before || !after) return null;
  const keyOf = ({ formula, id }: Vulnerability): string => JSON.stringify([formula, id]);
  const [known, remaining] = [new Set(before.map(keyOf)), new Set(after.map(keyOf))];
  const stays = new Set(to.packages.map(packageKey));
  return {
    fixed: before.filter(
      (item) => !remaining.has(keyOf(item)) && stays.has(packageKey({ kind: 'formula', name: item.formula })),
    ),
    found: after.filter((item) => !known.has(keyOf(item))),
  };
}
