import * as v from 'valibot';
import { bottleVersion } from '../../format/bottle.ts';
import { MirrorError } from '../../format/errors.ts';
import { databasePath, isPackageFile, ROOT, VULNERABILITIES } from '../../format/layout.ts';
import { entryOf, type Manifest } from '../../format/manifest.ts';
import { keyIdText, type PublicKey } from '../../format/minisign/public-key.ts';
import type { ListedPackage } from '../../format/package-list.ts';
import { BREW_BOTTLES, formula } from '../../format/packages/formula.ts';
import { type ByKind, KINDS, type Kind } from '../../format/packages/kinds.ts';
import { isOwnFile, type SnapshotEntry } from '../../format/snapshot/entry.ts';
import type { Root } from '../../format/snapshot/root.ts';
import { DatabaseIndex, readRows } from '../database/kind-index.ts';
import { DatabaseReader } from '../database/reader.ts';
import { type Advisories, readAdvisories } from '../database/vulnerabilities.ts';
import { hashFile } from '../directory/hash.ts';
import { expectWhole, readSignedRoot } from '../directory/mirror.ts';
import { ownFile } from '../directory/paths.ts';
import { needs, type PackageName, packageKey, RUNTIME } from '../plan/closure.ts';
import { plainPackageName } from '../request/names.ts';
import { openOwnRoot, readSignedMirror, type SignedMirror } from '../snapshot/signed-mirror.ts';

/** A package of a snapshot. */
export interface SbomPackage extends PackageName {
  version: string;
  desc: string | null;
  homepage: string | null;
  license: string | null;
  /** `owner/name`; absent for what is not in a tap. */
  tap: string | null;
  files: readonly SnapshotEntry[];
  /** What it needs at run time. The mirror may lack some of it. */
  needs: readonly PackageName[];
  /** True for a package that the mirror was asked for, false for one that comes along. */
  isAskedFor: boolean;
  /** True for a version that only brew gets: the mirror knows its files, and nothing else of it. */
  isForBrew: boolean;
}

/** What a snapshot holds, verified: its documents have the SHA-256 that the signed list gives. Package files are not read. */
export interface SbomContents {
  root: Root;
  /** SHA-256 of the root, hex. */
  sha256: string;
  /** The key id that signed it, as text. */
  signedBy: string;
  packages: readonly SbomPackage[];
  /** Package files that belong to no package. */
  others: readonly SnapshotEntry[];
  /** Absent where the mirror has no vulnerability database. */
  advisories: Advisories | undefined;
}

/**
 * Reads what a mirror holds. Verifies the signature, and each document that it reads by its SHA-256 in the signed list.
 * Throws `missing`, `refused` for another key or an unfinished commit, `bad-signature`, `mismatch` or `bad-input`.
 */
export async function readSbomContents(
  directory: string,
  trusted: readonly PublicKey[],
): Promise<SbomContents> {
  await expectWhole(directory);
  const opened = openOwnRoot(await readSignedRoot(directory), trusted, directory);
  const mirror = await readSignedMirror(directory, opened.snapshot);
  const { manifest } = mirror;
  if (!manifest) throw new MirrorError('missing', `${directory} has no manifest.`, { where: directory });
  const files = mirror.entries.filter(
    (entry) => isOwnFile(entry) && entry.until === undefined && isPackageFile(entry.name),
  );
  const names = await formulaNames(mirror);
  const { owners, forBrew } = ownersOf(mirror, manifest, names.brew);
  const byOwner = Map.groupBy(files, ({ name }) => owners.get(name));
  const request = askedFor(manifest, names);
  const packages: SbomPackage[] = [];
  for (const kind of KINDS) packages.push(...(await packagesOf(mirror, kind, { byOwner, names, request })));
  const brewOnly = forBrew.map((item) => brewPackage(item, { byOwner, request }));
  packages.push(...brewOnly.filter((item) => item.files.length > 0));
  const known = new Set(packages.flatMap((item) => item.files));
  const { snapshot: root, sha256, signer } = opened;
  return {
    ...{ root, sha256, signedBy: keyIdText(signer.keyId), packages },
    others: files.filter((file) => !known.has(file)),
    advisories: await advisoriesOf(mirror, packages),
  };
}

/** What the database of formulas says about names. */
interface FormulaNames {
  aliases: ReadonlyMap<string, string>;
  /** The formula of each bottle for brew, by its path. */
  brew: ReadonlyMap<string, string>;
}

const aliasSchema = v.object({ alias: v.string(), formula: v.string() });
const tableSchema = v.object({ name: v.string() });

async function formulaNames(mirror: SignedMirror): Promise<FormulaNames> {
  const read = await reading(mirror, databasePath(formula.index), (reader) => {
    const aliases = reader.rows(aliasSchema, 'SELECT alias, formula FROM aliases');
    const [brew] = reader.rows(
      tableSchema,
      'SELECT name FROM sqlite_master WHERE name = ?',
      BREW_BOTTLES.name,
    );
    const rows = brew ? (readRows(reader, BREW_BOTTLES) ?? []) : [];
    return {
      aliases: new Map(aliases.map((row) => [row.alias, row.formula])),
      brew: new Map(rows.map((row) => [String(row.path), String(row.formula)])),
    };
  });
  return read ?? { aliases: new Map(), brew: new Map() };
}

/** Returns a package by its own name, where an alias named it. */
const canonical = ({ kind, name }: PackageName, { aliases }: FormulaNames): PackageName => ({
  ...{ kind, name: (kind === formula.id && aliases.get(name)) || name },
});

/** A version of a formula that only brew gets. */
interface BrewVersion {
  name: string;
  version: string;
}

const brewKey = ({ name, version }: BrewVersion): string => `${formula.id} ${name} ${version}`;

/** Returns the package of each package file by the file's path, and the versions that only brew gets. */
function ownersOf(
  { packages }: SignedMirror,
  manifest: Manifest,
  brew: FormulaNames['brew'],
): { owners: ReadonlyMap<string, string>; forBrew: BrewVersion[] } {
  const versions = new Map(packages.map((item) => [packageKey(item), item.version]));
  const forBrew = new Map<string, BrewVersion>();
  const owners = new Map<string, string>();
  for (const [path, name] of brew) {
    const own = packageKey({ kind: formula.id, name });
    const version = bottleVersion(path, name);
    const other = { name, version: version ?? '' };
    const isOther = version !== undefined && versions.get(own) !== version;
    if (isOther) forBrew.set(brewKey(other), other);
    owners.set(path, isOther ? brewKey(other) : own);
  }
  for (const item of packages) {
    const kind = KINDS.find(({ id }) => id === item.kind);
    const entry = kind && entryOf(manifest, kind, item.name);
    for (const { path } of Object.values(entry ? kind.entryFiles(entry) : {}))
      owners.set(path, packageKey(item));
  }
  return { owners, forBrew: [...forBrew.values()] };
}

const brewPackage = (
  item: BrewVersion,
  { byOwner, request }: Pick<Known, 'byOwner' | 'request'>,
): SbomPackage => ({
  ...{ kind: formula.id, ...item, desc: null, homepage: null, license: null, tap: 'homebrew/core' },
  ...{ files: byOwner.get(brewKey(item)) ?? [], needs: [], isForBrew: true },
  isAskedFor: request({ kind: formula.id, name: item.name }),
});

/** Returns what says whether a mirror was asked for a package. */
function askedFor({ request }: Manifest, names: FormulaNames): (item: PackageName) => boolean {
  const named = KINDS.flatMap((kind) =>
    request[kind.request].map((name) => ({ kind: kind.id, name: plainPackageName(kind.id, name) })),
  );
  const asked = new Set(named.map((item) => packageKey(canonical(item, names))));
  const all = KINDS.flatMap(({ id, inAll }) => (request.all && inAll ? [id] : []));
  return (item) => all.includes(item.kind) || asked.has(packageKey(item));
}

const detailsSchema = v.object({
  ...{ name: v.string(), desc: v.nullable(v.string()), homepage: v.nullable(v.string()) },
  ...{ license: v.nullable(v.string()), tap: v.nullable(v.string()) },
});

/** SQL of what the document says about the packages of a kind. */
const DETAILS: ByKind<string> = {
  formula: 'SELECT name, desc, homepage, license, tap FROM formulas',
  cask: 'SELECT token AS name, desc, homepage, NULL AS license, tap FROM casks',
  'linux-app': 'SELECT token AS name, desc, homepage, license, NULL AS tap FROM linux_apps',
};

/** What is known before the packages of a kind are read. */
interface Known {
  byOwner: ReadonlyMap<string | undefined, readonly SnapshotEntry[]>;
  names: FormulaNames;
  request: (item: PackageName) => boolean;
}

async function packagesOf(mirror: SignedMirror, kind: Kind, known: Known): Promise<SbomPackage[]> {
  const listed = mirror.packages.filter((item) => item.kind === kind.id);
  if (listed.length === 0) return [];
  const path = databasePath(kind.index);
  const read = await reading(mirror, path, (reader) => {
    const details = new Map(reader.rows(detailsSchema, DETAILS[kind.id]).map((row) => [row.name, row]));
    const index = new DatabaseIndex(reader, kind);
    return listed.map((item) => packageOf(item, details.get(item.name), index, known));
  });
  if (read) return read;
  throw new MirrorError('missing', `The snapshot lists no ${path}.`, { where: ROOT });
}

function packageOf(
  { kind, name, version }: ListedPackage,
  details: v.InferOutput<typeof detailsSchema> | undefined,
  index: DatabaseIndex,
  { byOwner, names, request }: Known,
): SbomPackage {
  const { desc = null, homepage = null, license = null, tap = null } = details ?? {};
  const graph = {
    dependencies: (of: PackageName, types: readonly string[]) => index.dependencies(of.name, types),
  };
  const needed = needs(graph, { kind, name }, RUNTIME).map((item) => canonical(item, names));
  const files = byOwner.get(packageKey({ kind, name })) ?? [];
  const isAskedFor = request({ kind, name });
  return {
    kind,
    name,
    version,
    desc,
    homepage,
    license,
    tap,
    files,
    needs: needed,
    isAskedFor,
    isForBrew: false,
  };
}

async function advisoriesOf(
  mirror: SignedMirror,
  packages: readonly SbomPackage[],
): Promise<Advisories | undefined> {
  const names = new Set(packages.flatMap(({ kind, name }) => (kind === formula.id ? [name] : [])));
  return await reading(mirror, VULNERABILITIES, (reader) => readAdvisories(reader, names));
}

/** Reads a database of a mirror, or returns `undefined` if the snapshot lists none. Throws `mismatch` if it is not as signed. */
async function reading<T>(
  mirror: SignedMirror,
  path: string,
  read: (reader: DatabaseReader) => T,
): Promise<T | undefined> {
  const listed = mirror.listedFile(path);
  if (!listed) return undefined;
  const local = ownFile(mirror.directory, path);
  const { hash } = await hashFile(local, 'sha256', listed.size);
  const found = hash.toString('hex');
  if (found !== listed.sha256) {
    const details = { where: path, expected: listed.sha256, found };
    throw new MirrorError('mismatch', `${path} is not as signed.`, details);
  }
  const reader = DatabaseReader.open(local, path);
  try {
    return read(reader);
  } finally {
    reader.close();
  }
}
