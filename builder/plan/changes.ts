import { entryOf, type Manifest } from '../../format/manifest.ts';
import type { ListedPackage } from '../../format/package-list.ts';
import { KINDS, type Kind } from '../../format/packages/kinds.ts';
import { type PackageName, packageKey } from './closure.ts';
import type { Plan } from './plan.ts';

/** A file of a package; without a SHA-256 or size where an upstream declares none. */
export interface FileState {
  path: string;
  sha256?: string | undefined;
  size?: number | undefined;
  /** True for a file that a server fetches when somebody asks for it. */
  on_demand?: boolean;
}

/** A package as one state of a mirror has it. */
export interface PackageState extends PackageName {
  version: string;
  /** By bottle tag or architecture. */
  files: Readonly<Record<string, FileState>>;
}

/** How one package differs between two states of a mirror; `from` is absent for a new one, `to` for one that goes. */
export interface Change extends PackageName {
  from?: string;
  to?: string;
  /** For which platforms it has come or gone, where nothing else about it differs. */
  tags?: { added: string[]; removed: string[] };
  /** The package that brings a new one along; absent for what was asked for, and where nobody knows. */
  needed_by?: PackageName;
}

/** Returns the packages that a mirror has with their files. */
export const packagesIn = (
  packages: readonly ListedPackage[],
  manifest: Pick<Manifest, Kind['key']> | undefined,
): PackageState[] =>
  packages.map(({ kind: id, name, version }) => {
    const kind = KINDS.find((known) => known.id === id);
    const entry = kind && manifest && entryOf(manifest, kind, name);
    return { kind: id, name, version, files: kind && entry ? kind.entryFiles(entry) : {} };
  });

/** Returns the packages that a plan has with their files. */
export const packagesOf = ({ fresh, carried }: Plan): PackageState[] => [
  ...fresh
    .filter(({ mirrored }) => mirrored)
    .map(({ kind, name, version, files }) => ({
      ...{ kind: kind.id, name, version },
      files: Object.fromEntries(
        [...files].map(([slot, { path, sha256, before }]) => [slot, { path, sha256: sha256 ?? before }]),
      ),
    })),
  ...carried.flatMap(({ kind, name, entry, listed }) =>
    listed && entry ? [{ kind: kind.id, name, version: listed.version, files: kind.entryFiles(entry) }] : [],
  ),
];

/** Returns how the packages of two states differ, by kind and name. Upstreams rebuild bottles without a new version. */
export function changesBetween(before: readonly PackageState[], after: readonly PackageState[]): Change[] {
  const old = new Map(before.map((item) => [packageKey(item), item]));
  const kept = new Set(after.map(packageKey));
  const changed = after.flatMap((item) => changeOf(old.get(packageKey(item)), item) ?? []);
  const dropped = before
    .filter((item) => !kept.has(packageKey(item)))
    .map(({ kind, name, version }) => ({ kind, name, from: version }));
  return [...changed, ...dropped].sort((a, b) => (packageKey(a) < packageKey(b) ? -1 : 1));
}

function changeOf(
  was: PackageState | undefined,
  { kind, name, version: to, files }: PackageState,
): Change | undefined {
  if (!was) return { kind, name, to };
  const change = { kind, name, from: was.version, to };
  const isOther = (slot: string, { sha256 }: FileState): boolean => {
    const before = slotOf(was.files, slot)?.sha256;
    return before !== undefined && sha256 !== undefined && before !== sha256;
  };
  if (was.version !== to || Object.entries(files).some(([slot, file]) => isOther(slot, file))) return change;
  const added = Object.keys(files).filter((slot) => !slotOf(was.files, slot));
  const removed = Object.keys(was.files).filter((slot) => !slotOf(files, slot));
  return added.length + removed.length > 0 ? { ...change, tags: { added, removed } } : undefined;
}

const slotOf = (files: PackageState['files'], slot: string): FileState | undefined =>
  Object.hasOwn(files, slot) ? files[slot] : undefined;

/** Returns the changes, each new package with the one that brings it along. */
export const withReasons = (changes: readonly Change[], { neededBy }: Pick<Plan, 'neededBy'>): Change[] =>
  changes.map((change) => {
    const by = change.from === undefined ? neededBy.get(packageKey(change)) : undefined;
    return by ? { ...change, needed_by: by } : change;
  });

/** Returns what a plan changes about the packages that a mirror had. */
export const changesOf = (
  previous: { packages: readonly ListedPackage[]; manifest: Manifest | undefined } | undefined,
  plan: Plan,
): Change[] =>
  withReasons(
    changesBetween(packagesIn(previous?.packages ?? [], previous?.manifest), packagesOf(plan)),
    plan,
  );
