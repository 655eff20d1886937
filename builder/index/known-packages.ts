import { bottleVersion } from '../../format/bottle.ts';
import type { PackageRecord } from '../../format/package-record.ts';
import { formula } from '../../format/packages/formula.ts';
import type { PackageFacts, Row, Rows } from '../../format/packages/kind.ts';
import { type ByKind, byKind, type Kind } from '../../format/packages/kinds.ts';
import { type PackageName, packageKey } from '../plan/closure.ts';
import { compareVersions } from '../policy/versions.ts';
import { withoutOwnTap } from '../request/names.ts';
import type { DescribedPackages } from './packages.ts';

/** A package with the facts that its rows give. */
export interface KnownPackage extends PackageName {
  facts: Omit<PackageFacts, 'files'> & Pick<PackageRecord, 'files'>;
  isUnchecked: boolean;
  /** True for a formula that only brew gets: no advisories are kept for it. */
  isForBrew: boolean;
}

/** The packages of a mirror, by any of their names. */
export interface KnownPackages {
  all: readonly KnownPackage[];
  find(wanted: PackageName): { name: string } | undefined;
}

/** Returns the packages that are here with their files, by their rows; `brew` are the rows of bottles for brew. */
export function knownPackages(described: readonly DescribedPackages[], brew: readonly Row[]): KnownPackages {
  const forBrew = Map.groupBy(brew, ({ formula: name }) => String(name));
  const all = described.flatMap(({ kind, mirrored }) =>
    mirrored.map(({ name, rows, isUnchecked }): KnownPackage => {
      const own = kind.id === formula.id ? forBrew.get(name) : undefined;
      const facts = withVersions(kind.facts(withBrew(rows(), own)), own ? name : undefined);
      return { kind: kind.id, name, facts, isUnchecked, isForBrew: false };
    }),
  );
  const listed = new Set(all.map(packageKey));
  for (const [name, own] of forBrew)
    if (!listed.has(packageKey({ kind: formula.id, name }))) all.push(brewOnly(name, own));
  return { all, find: finder(all) };
}

/** Adds the bottles for brew to a formula's own. Most are the same ones. */
const withBrew = (rows: Rows, brew: readonly Row[] = []): Rows =>
  brew.length === 0
    ? rows
    : {
        ...rows,
        bottles: [...(rows.bottles ?? []), ...brew.map((row) => ({ ...row, platform: row.tag ?? '' }))],
      };

/** Gives each bottle of a formula that brew gets too its version, if it is another: Homebrew may be ahead of the index. */
const withVersions = (facts: PackageFacts, formulaName: string | undefined): KnownPackage['facts'] =>
  formulaName === undefined
    ? facts
    : {
        ...facts,
        files: facts.files.map((file) => {
          const version = bottleVersion(file.path, formulaName);
          return version === undefined || version === facts.version ? file : { ...file, version };
        }),
      };

/** Returns a formula that is here for brew alone. */
function brewOnly(name: string, rows: readonly Row[]): KnownPackage {
  const facts = (formula as Kind).facts(withBrew({}, rows));
  const versions = facts.files.flatMap(({ path }) => bottleVersion(path, name) ?? []);
  const version = versions.sort(compareVersions).at(-1) ?? '';
  const known = withVersions({ ...facts, version }, name);
  return { kind: formula.id, name, facts: known, isUnchecked: false, isForBrew: true };
}

/** Returns a function that finds packages by name or alias, as the databases do: a name hides an alias. */
function finder(all: readonly KnownPackage[]): KnownPackages['find'] {
  const names: ByKind<Map<string, { name: string }>> = byKind(() => new Map());
  for (const { kind, name } of all) names[kind].set(name, { name });
  for (const { name, facts } of all.filter(({ kind }) => kind === formula.id))
    for (const alias of facts.other_names)
      if (!names[formula.id].has(alias)) names[formula.id].set(alias, { name });
  return ({ kind, name }) => names[kind].get(name);
}

/** Returns what a package depends on, each under its own name if it is here. */
export function dependenciesOf(
  { facts }: KnownPackage,
  { find }: KnownPackages,
): PackageRecord['dependencies'] {
  return facts.dependencies.map(({ kind, name: written, type }) => {
    const name = withoutOwnTap(kind, written);
    const here = find({ kind, name });
    return { kind, name: here?.name ?? name, type, ...(here ? { here: true } : {}) };
  });
}

/** Returns by {@link packageKey} which of some packages depend on each package for one of these reasons, sorted. */
export function dependentsOf(
  some: readonly PackageName[],
  dependencies: ReadonlyMap<string, PackageRecord['dependencies']>,
  types: readonly string[],
): ReadonlyMap<string, PackageName[]> {
  const dependents = new Map<string, Map<string, PackageName>>();
  for (const { kind, name } of some) {
    const by = packageKey({ kind, name });
    for (const needed of dependencies.get(by) ?? []) {
      if (!needed.here || !types.includes(needed.type)) continue;
      const key = packageKey(needed);
      dependents.set(key, (dependents.get(key) ?? new Map()).set(by, { kind, name }));
    }
  }
  const sorted = (own: ReadonlyMap<string, PackageName>): PackageName[] =>
    [...own].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, item]) => item);
  return new Map([...dependents].map(([key, own]) => [key, sorted(own)]));
}
