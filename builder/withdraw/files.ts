import { imageName } from '../../format/bottle.ts';
import { MirrorError } from '../../format/errors.ts';
import { kindOfFile, packageJsonPath } from '../../format/layout.ts';
import { entryOf, type Manifest } from '../../format/manifest.ts';
import { didYouMean, nearest } from '../../format/near-names.ts';
import { KINDS, type Kind, type KindId } from '../../format/packages/kinds.ts';
import { isTreePath } from '../../format/paths.ts';
import type { CarriedPackages } from '../plan/carried.ts';
import { ownerFinder, versionIn } from '../prune.ts';
import type { SignedMirror } from '../snapshot/signed-mirror.ts';

/** A package to withdraw, with all that the mirror has of it. */
export interface Withdrawn {
  kind: KindId;
  name: string;
  /** Its versions, the listed one and earlier ones. */
  versions: string[];
  /** Every file of it in the folder and its kept snapshots, superseded ones and those of earlier versions too. */
  paths: string[];
}

/** A package as the user names it. Without a kind, the first one is meant that has or had such a package: a formula, if any. */
export interface NamedPackage {
  name: string;
  kind?: KindId | undefined;
}

/** What to withdraw, and packages of other kinds that have the same name and stay. */
export interface FoundPackages {
  withdrawn: Withdrawn[];
  namesakes: { kind: KindId; name: string }[];
}

/**
 * Returns what a mirror has of the named packages. `paths` are those of all files in the folder.
 * Throws `unknown-package` for a name of which it has nothing, unless it was withdrawn before.
 */
export function findWithdrawn(
  mirror: SignedMirror,
  manifest: Manifest,
  carried: CarriedPackages,
  paths: readonly string[],
  named: readonly NamedPackage[],
): FoundPackages {
  const found = KINDS.flatMap((kind) => filesOfNamed(mirror, manifest, carried, paths, named, kind));
  const before = (manifest.request.withdrawn ?? []).map((key) => key.split(' ').slice(0, 2).join(' '));
  const hadAny = new Set([...found.map(({ kind, name }) => `${kind} ${name}`), ...before]);
  const chosen = new Set<string>();
  for (const { name, kind: wanted } of named) {
    const keys = KINDS.filter(({ id }) => (wanted ?? id) === id).map(
      (kind) => `${kind.id} ${canonicalName(carried, kind, name)}`,
    );
    const key = keys.find((one) => hadAny.has(one));
    // What was withdrawn before is not an error: an earlier run, perhaps interrupted, has done the work.
    if (key === undefined) throw unknown(manifest, name, wanted);
    chosen.add(key);
  }
  const isChosen = ({ kind, name }: Withdrawn): boolean => chosen.has(`${kind} ${name}`);
  const others = found.filter((item) => !isChosen(item));
  return {
    withdrawn: found.filter(isChosen),
    namesakes: others.map(({ kind, name }) => ({ kind, name })),
  };
}

/** Returns the name of a package for a name that may be an alias. */
const canonicalName = (carried: CarriedPackages, kind: Kind, name: string): string =>
  carried.indexOf(kind)?.find(name)?.name ?? name;

/** Returns what a mirror has of one kind under the names that were given for that kind, or for none. */
function filesOfNamed(
  mirror: SignedMirror,
  manifest: Manifest,
  carried: CarriedPackages,
  paths: readonly string[],
  named: readonly NamedPackage[],
  kind: Kind,
): Withdrawn[] {
  const listed = mirror.entries.map(({ path, name }) => path ?? name);
  const all = [...new Set([...paths, ...listed])].filter(isTreePath).sort();
  const canonical = named.flatMap(({ name }) => KINDS.map((one) => canonicalName(carried, one, name)));
  const ownerOf = ownersOf(manifest, carried, canonical);
  const wanted = named.filter((item) => (item.kind ?? kind.id) === kind.id);
  const files = Map.groupBy(
    all.filter((path) => ownerOf(path)?.kind === kind.id),
    (path) => ownerOf(path)?.name ?? '',
  );
  const names = new Set(wanted.map(({ name }) => canonicalName(carried, kind, name)));
  return [...names].flatMap((name): Withdrawn[] => {
    const document = carried.indexOf(kind)?.find(name) ? [packageJsonPath(kind.index, name)] : [];
    const own = [...document, ...(files.get(name) ?? [])];
    const version = mirror.packages.find((item) => item.kind === kind.id && item.name === name)?.version;
    const versions = new Set([version, ...own.map((path) => versionOf(path, name))]);
    const known = [...versions].filter((item) => item !== undefined);
    return own.length > 0 ? [{ kind: kind.id, name, versions: known, paths: own }] : [];
  });
}

interface Owner {
  kind: KindId;
  name: string;
}

/** Returns the owners of all files that the index names, by path. */
function listedOwners(manifest: Manifest, carried: CarriedPackages): ReadonlyMap<string, Owner> {
  const owners = new Map(
    carried.brewBottles().map((row): [string, Owner] => {
      return [String(row.path), { kind: 'formula', name: String(row.formula) }];
    }),
  );
  for (const kind of KINDS) {
    for (const name of Object.keys(manifest[kind.key].packages)) {
      const entry = entryOf(manifest, kind, name);
      for (const { path } of entry ? Object.values(kind.entryFiles(entry)) : []) {
        owners.set(path, { kind: kind.id, name });
      }
    }
  }
  return owners;
}

/**
 * Returns a function that finds whose file is at a path: as the index says, or else by its name, which is that of a package
 * and a version. `bad-not-1.0` is not a file of `bad`.
 */
function ownersOf(
  manifest: Manifest,
  carried: CarriedPackages,
  names: readonly string[],
): (path: string) => Owner | undefined {
  const listed = listedOwners(manifest, carried);
  const finders = new Map(
    KINDS.map(({ id, key }) => [id, ownerFinder([...Object.keys(manifest[key].packages), ...names])]),
  );
  const images = new Map(names.map((name) => [imageName(name), name]));
  return (path) => {
    const known = listed.get(path);
    if (known) return known;
    const [, image = ''] = /^bottles\/(.+)\/(?:manifests|blobs)\/[^/]+$/.exec(path) ?? [];
    const imaged = images.get(image);
    if (imaged !== undefined) return { kind: 'formula', name: imaged };
    const kind = kindOfFile(path);
    const name = kind && finders.get(kind.id)?.(path.slice(path.indexOf('/') + 1));
    if (!kind || name === undefined || versionOf(path, name) === undefined) return undefined;
    return { kind: kind.id, name };
  };
}

/** Returns the version in the name of a file of this package; `undefined` for any other file. */
export function versionOf(path: string, name: string): string | undefined {
  const file = path.slice(path.indexOf('/') + 1);
  if (!kindOfFile(path) || !file.startsWith(`${name}-`)) return undefined;
  const rest = file.slice(name.length + 1);
  return /^latest[.-]/.test(rest) ? 'latest' : versionIn(rest);
}

/** Returns true for a file of the version that a key in `request.withdrawn` names. */
export function isOfVersion(path: string, key: string): boolean {
  const [, kind, name = '', version] = /^(\S+) (\S+) (.+)$/.exec(key) ?? [];
  return kindOfFile(path)?.id === kind && versionOf(path, name) === version;
}

function unknown(manifest: Manifest, name: string, wanted: KindId | undefined): MirrorError {
  const kinds = KINDS.filter(({ id }) => (wanted ?? id) === id);
  const known = kinds.flatMap(({ key }) => Object.keys(manifest[key].packages));
  const message = `This mirror has no ${wanted ?? 'package'} ${JSON.stringify(name)}, and no files of it.${didYouMean(nearest(name, known))}`;
  return new MirrorError('unknown-package', message, { found: name });
}
