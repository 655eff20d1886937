import * as v from 'valibot';
import { countSchema, sha256Schema } from '../schemas.ts';

/** A file of the mirror: its path, its SHA-256 in hex, and its size in bytes if that is known. */
export const storedFileSchema = v.object({
  path: v.string(),
  sha256: sha256Schema,
  size: v.optional(countSchema),
});
export type StoredFile = v.InferOutput<typeof storedFileSchema>;

/** Returns the bytes of files together; `undefined` if the size of one of them is unknown. */
export function totalSize(files: readonly Pick<StoredFile, 'size'>[]): number | undefined {
  let sum = 0;
  for (const { size } of files) {
    if (size === undefined) return undefined;
    sum += size;
  }
  return sum;
}

/** A file that an upstream offers. */
export interface OfferedFile {
  /** Where the mirror keeps it. */
  path: string;
  /** Absolute, or relative to the upstream's index. */
  url: string;
  /** Hex; `undefined` where the upstream declares none. */
  sha256: string | undefined;
}

/** The files of a package by the key that clients use: a platform, an architecture, or '' for a file that serves all. */
export type BySlot<T> = ReadonlyMap<string, T>;

/** What decides which files of a package are mirrored, and where. */
export interface Wanted {
  /** Bottle tags. */
  tags: readonly string[];
  /** Returns the path of the file with this SHA-256, which would be `path` without brew's naming. Throws `upstream`. */
  pathOf(sha256: string, path: string): string;
}

/** The files that an upstream offers for what is wanted, and in words what it lacks. */
export interface Offer {
  files: BySlot<OfferedFile>;
  lacks: string[];
  /** Why none of its files can be mirrored, of a package that is then left out. */
  unavailable?: string | undefined;
}

/** A mirrored file as package JSON names it; `url` only where the mirror has a public URL. */
export type Place = StoredFile & { url?: string };

/** What the index holds about one package. */
export interface IndexedPackage<Json> {
  json: Json;
  /** SHA-256 of the compressed package JSON, hex. */
  jsonHash: string | null;
  /** The upstream's own hash of its description, which shows when that changes. */
  upstreamHash: string | null;
  /** Unix seconds. */
  updatedAt: number | null;
  files: BySlot<StoredFile>;
}

/** A row of a database, by column. */
export type Row = Readonly<Record<string, string | number | null>>;

/** The rows of one package, by table. */
export type Rows = Readonly<Record<string, readonly Row[]>>;

/** A file, with the platforms or architectures that it serves; none for one that serves all. */
export type FileFacts = StoredFile & { tags: string[] };

/** What a package needs, and why. */
export interface Dependency {
  kind: 'formula' | 'cask';
  /** As the upstream writes it: perhaps an alias, or a name with Homebrew's own tap. */
  name: string;
  /** `runtime`, `recommended`, `build` and so on. */
  type: string;
}

/** What the rows of a package say of it to people. What is absent is not known. */
export interface PackageFacts {
  version: string;
  other_names: string[];
  desc?: string | undefined;
  homepage?: string | undefined;
  license?: string | undefined;
  tap?: string | undefined;
  deprecated?: true | undefined;
  disabled?: true | undefined;
  dependencies: Dependency[];
  /** Each distinct file once, sorted by path. */
  files: FileFacts[];
}

/** A table of an index database: stout-index's, with what a mirror adds. */
export interface Table {
  name: string;
  /** The column with the package's name. */
  owner: string;
  /** SQL of the columns, by name. */
  columns: Readonly<Record<string, string>>;
  /** SQL of the columns that only a mirror has. */
  mirrorColumns?: Readonly<Record<string, string>>;
  /** SQL after the columns: keys. */
  constraints?: readonly string[];
  /** True for a table that only a mirror has. */
  mirrorOnly?: boolean;
  /** True to leave out rows whose key is taken. */
  ignoresRepeats?: boolean;
  /** Columns of its full-text index. */
  search?: readonly string[];
  /** The column of each index, by the index's name. */
  indexes?: Readonly<Record<string, string>>;
}

/** The entry of a package in `manifest.json`; each kind adds its files. Schemas keep the order in which it is written. */
export interface ManifestEntry {
  version: string;
  json_path: string;
  /** True when the upstream declared no checksum, so the file is whatever was sent. */
  unchecked?: true | undefined;
}

/** The last field of every entry. */
export const unchecked = v.optional(v.literal(true));

/**
 * Everything that is particular to one kind of package. Methods are pure. `Json` is the upstream's description of a
 * package, which is also stout-index's package JSON; `Entry` is its entry in `manifest.json`.
 */
export interface PackageKind<Json = unknown, Entry extends ManifestEntry = ManifestEntry> {
  /** In `index/packages.tsv` and the API. */
  id: string;
  /** For people: `formula`, `Linux app`. */
  label: string;
  /** For people, as a heading. */
  plural: string;
  /** Top-level folder of its files. */
  folder: string;
  /** Folder below `index/`, and name of its database. */
  index: string;
  /** Name in `manifest.json` and in the index manifest. */
  key: string;
  /** Name in the `request` of `manifest.json`. */
  request: string;
  /** The option that asks for one; `undefined` for the kind that arguments name. */
  option: { name: string; argument: string; description: string } | undefined;
  /** True for packages that `--all` takes and `--full-index` lists. */
  inAll: boolean;
  /** Where an upstream describes a package: in a JSON document, or in its database's main table alone. */
  describedBy: 'document' | 'row';
  /** Parses the upstream's description: the parts that matter here are checked, the rest is passed on. */
  schema: v.GenericSchema<unknown, Json>;
  summary(json: Json): { name: string; version: string; desc: string | null };
  /** Chooses the files to mirror. Throws `bad-input` for names and versions that no file can have. */
  offer(json: Json, wanted: Wanted): Offer;
  /** Returns package JSON as clients of the mirror get it. */
  clientJson(json: Json, places: BySlot<Place>): object;
  /** Returns what a list shows of its files: bottle tags or architectures, sorted. */
  tags(files: BySlot<unknown>): string[];
  entrySchema: v.GenericSchema<unknown, Entry>;
  entry(json: Json, jsonPath: string, files: BySlot<StoredFile>): Entry;
  /** Returns the files of an entry. */
  entryFiles(entry: Entry): Readonly<Record<string, StoredFile>>;
  /** Says what an entry lacks of these tags. */
  entryLacks(entry: Entry, tags: readonly string[]): string[];
  /** SQL that finds the name (`name`) of a package by an alias. */
  findAlias?: string;
  /** SQL that finds what a package depends on: `name` and `type`. */
  findDependencies?: string;
  /** Its database's tables, the main one first. */
  tables: readonly [Table, ...Table[]];
  /** SQL that runs after all rows are inserted. */
  afterInsert?: string;
  rows(item: IndexedPackage<Json>): Rows;
  /** Returns what people want to know of a package, from its rows. */
  facts(rows: Rows): PackageFacts;
  /** Rows of the `meta` table. */
  meta(stamp: IndexStamp, count: number): Readonly<Record<string, string | number>>;
}

/** What a new database says about itself. */
export interface IndexStamp {
  version: string;
  /** RFC 3339, UTC. */
  createdAt: string;
}

const COMPRESSED_TAR = /\.(tar\.(?:gz|bz2|xz|zst))$/i;
const EXTENSION = /\.([a-z0-9]{1,10})$/i;

/** Returns the extension of the file at a URL; `bin` where the URL has none. */
export function fileExtension(url: string): string {
  const path = url.replace(/[?#].*$/, '').replace(/^[a-z][a-z0-9+.-]*:\/\/[^/]*/i, '');
  const name = path.slice(path.lastIndexOf('/') + 1);
  return (COMPRESSED_TAR.exec(name) ?? EXTENSION.exec(name))?.[1] ?? 'bin';
}

export const optionalText = v.optional(v.nullable(v.string()), null);
export const flag = v.optional(v.nullable(v.boolean()), false);
