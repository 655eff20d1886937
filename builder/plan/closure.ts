import { MirrorError } from '../../format/errors.ts';
import type { MirrorRequest } from '../../format/manifest.ts';
import { type ByKind, byKind, type KindId } from '../../format/packages/kinds.ts';
import { withoutOwnTap } from '../request/names.ts';

/** Why a package of some kind needs packages of another, or of its own. */
type Reasons = readonly { kind: KindId; types: readonly string[] }[];

/** Why a formula needs another one when it runs. */
export const RUNTIME_TYPES: readonly string[] = ['runtime', 'recommended'];
/** What comes along with every package. */
export const RUNTIME: Partial<ByKind<Reasons>> = {
  formula: [{ kind: 'formula', types: RUNTIME_TYPES }],
  cask: [
    { kind: 'formula', types: ['formula'] },
    { kind: 'cask', types: ['cask'] },
  ],
};
/** Why a formula needs another one when it is built. */
export const DEVELOPMENT_TYPES: readonly string[] = ['build', 'test'];
/** What comes along with those that are asked for. */
export const DEVELOPMENT: Partial<ByKind<Reasons>> = {
  formula: [{ kind: 'formula', types: DEVELOPMENT_TYPES }],
};
/** Far more than any sound index lacks, and few enough to report. */
const MAX_MISSING = 10_000;

/** A package of some kind, by name. */
export interface PackageName {
  kind: KindId;
  name: string;
}

/** Packages and their dependencies. */
export interface PackageGraph {
  /** Returns a package by its name or an alias. */
  find(wanted: PackageName): { name: string } | undefined;
  /** Returns the names that a package depends on, for the given reasons. */
  dependencies(of: PackageName, types: readonly string[]): string[];
}

/** By {@link packageKey}, the package that brought each one along on the shortest way from something that was asked for. */
export type NeededBy = ReadonlyMap<string, PackageName>;

export interface Closure {
  /** Canonical names, sorted. */
  names: ByKind<string[]>;
  neededBy: NeededBy;
  /** What the graph lacks, and who needs it; `undefined` for what was asked for. */
  missing: (PackageName & { neededBy: string | undefined })[];
}

/** Returns a text that names a package of a kind. */
export const packageKey = ({ kind, name }: PackageName): string => `${kind} ${name}`;

/**
 * Returns everything that installing the requested packages takes: the packages, the formulas and casks that casks need,
 * the build and test dependencies of requested formulas, and the runtime and recommended dependencies of all formulas, as
 * far as the request wants dependencies. Throws `bad-input` when the graph lacks more than ten thousand of them.
 */
export function closureOf(
  graph: PackageGraph,
  requested: readonly PackageName[],
  request: Pick<MirrorRequest, 'dependencies' | 'dev_dependencies'>,
): Closure {
  const found = new Map<string, PackageName>();
  const neededBy = new Map<string, PackageName>();
  const missing: Closure['missing'] = [];
  const visit = (wanted: readonly PackageName[], by?: PackageName): void => {
    for (const { kind, name } of wanted) {
      const known = graph.find({ kind, name });
      if (!known) missing.push({ kind, name, neededBy: by?.name });
      if (missing.length > MAX_MISSING) throw tooManyMissing(by?.name);
      const item = { kind, name: known?.name ?? name };
      const key = packageKey(item);
      if (!known || found.has(key)) continue;
      found.set(key, item);
      if (by) neededBy.set(key, by);
    }
  };
  visit(requested);
  const asked = new Set(found.keys());
  // What is found on the way comes after everything that is nearer to what was asked for.
  for (const [key, item] of request.dependencies ? found : []) {
    visit(needs(graph, item, RUNTIME), item);
    if (asked.has(key) && request.dev_dependencies) visit(needs(graph, item, DEVELOPMENT), item);
  }
  const names = Map.groupBy(found.values(), ({ kind }) => kind);
  return {
    names: byKind(({ id }) => (names.get(id) ?? []).map(({ name }) => name).sort()),
    neededBy,
    missing,
  };
}

/** Returns what a package needs for the given reasons. A cask may name that together with Homebrew's own tap. */
export const needs = (
  graph: Pick<PackageGraph, 'dependencies'>,
  of: PackageName,
  reasons: Partial<ByKind<Reasons>>,
): PackageName[] =>
  (reasons[of.kind] ?? []).flatMap(({ kind, types }) =>
    graph.dependencies(of, types).map((name) => ({ kind, name: withoutOwnTap(kind, name) })),
  );

const tooManyMissing = (neededBy: string | undefined): MirrorError =>
  new MirrorError('bad-input', `More than ${MAX_MISSING} required packages are missing upstream.`, {
    where: neededBy,
  });
