import { databasePath, type IndexKind, packageJsonPath } from '../../format/layout.ts';
import type {
  Manifest,
  ManifestCask,
  ManifestFormula,
  ManifestLinuxApp,
  MirrorRequest,
} from '../../format/manifest.ts';
import type { ListedPackage } from '../../format/package-list.ts';
import { localPath } from '../directory/paths.ts';
import type { CaskRow } from '../index/casks-database.ts';
import type { StoredFile } from '../index/database.ts';
import type { BrewBottleRow, FormulaRow } from '../index/formulas-database.ts';
import type { LinuxAppRow } from '../index/linux-apps-database.ts';
import { DatabaseReader } from '../index/reader.ts';
import {
  readBrewBottles,
  readCaskRow,
  readFormulaRow,
  readLinuxAppRow,
  readUpstreamHashes,
} from '../index/rows.ts';
import type { SignedMirror } from '../snapshot/signed-mirror.ts';
import { VERSION } from '../version.ts';
import { Catalog, type PackageIndex } from './catalog.ts';

/** A package that stays as the mirror has it: nothing of it is fetched or written again. */
export interface CarriedPackage<Row, Entry> {
  name: string;
  /** The upstream's own hash of the package's JSON when the mirror took it. */
  upstreamHash: string | null;
  /** Reads all that the index has of it, which an index that stays as it is never needs. */
  row: () => Row;
  /** Absent for a package that is only listed, without files. */
  entry: Entry | undefined;
  listed: ListedPackage | undefined;
  /** Package JSON and files, which stand in place. */
  files: StoredFile[];
}

export type CarriedFormula = CarriedPackage<FormulaRow, ManifestFormula>;
export type CarriedCask = CarriedPackage<CaskRow, ManifestCask>;
export type CarriedLinuxApp = CarriedPackage<LinuxAppRow, ManifestLinuxApp>;

/** Tells whether the bytes of a file stand in place. */
type Stands = (path: string, sha256: string) => Promise<boolean>;

/** The packages of a mirror as it stands, from its own signed index. */
export class CarriedPackages implements PackageIndex {
  readonly #mirror: SignedMirror;
  readonly #manifest: Manifest;
  readonly #readers: ReadonlyMap<IndexKind, DatabaseReader>;
  readonly #catalog: Catalog;
  readonly #listed: ReadonlyMap<string, ListedPackage>;
  readonly #stands: Stands;
  readonly #upstreamHashes = new Map<IndexKind, ReadonlyMap<string, string | null>>();

  private constructor(
    mirror: SignedMirror,
    manifest: Manifest,
    readers: ReadonlyMap<IndexKind, DatabaseReader>,
    formulas: DatabaseReader,
    stands: Stands,
  ) {
    this.#mirror = mirror;
    this.#manifest = manifest;
    this.#readers = readers;
    this.#stands = stands;
    this.#listed = new Map(mirror.packages.map((item) => [`${item.kind} ${item.name}`, item]));
    const [casks, linuxApps] = [readers.get('casks'), readers.get('linux-apps')];
    this.#catalog = new Catalog({ formulas, casks, linuxApps });
  }

  /**
   * Opens the index of a mirror. `undefined` where nothing of it can stay: when packages would be described in another
   * way now (other tags, another public URL, another version of this program), or the index is damaged.
   */
  static async open(
    mirror: SignedMirror,
    request: MirrorRequest,
    stands: Stands,
  ): Promise<CarriedPackages | undefined> {
    const { manifest } = mirror;
    if (!manifest || !describesAlike(manifest, request)) return undefined;
    const readers = new Map<IndexKind, DatabaseReader>();
    for (const kind of ['formulas', 'casks', 'linux-apps'] as const) {
      const path = databasePath(kind);
      const sha256 = mirror.sha256At(path);
      if (sha256 === undefined || !(await stands(path, sha256))) continue;
      readers.set(kind, DatabaseReader.open(localPath(mirror.directory, path), path));
    }
    const formulas = readers.get('formulas');
    return formulas && new CarriedPackages(mirror, manifest, readers, formulas, stands);
  }

  close(): void {
    for (const reader of this.#readers.values()) reader.close();
  }

  findFormula(name: string): ReturnType<Catalog['findFormula']> {
    const found = this.#catalog.findFormula(name);
    return found && Object.hasOwn(this.#manifest.formulas.packages, found.name) ? found : undefined;
  }

  findCask(token: string): ReturnType<Catalog['findCask']> {
    return Object.hasOwn(this.#manifest.casks.packages, token) ? this.#catalog.findCask(token) : undefined;
  }

  findLinuxApp = (token: string): ReturnType<Catalog['findLinuxApp']> => this.#catalog.findLinuxApp(token);

  dependencies = (name: string, types: readonly string[]): string[] =>
    this.#catalog.dependencies(name, types);

  /** A formula as it stands, with its files or only listed; `undefined` when it is not here so. */
  formula = (name: string, mirrored: boolean): Promise<CarriedFormula | undefined> =>
    this.#whole('formulas', name, mirrored, {
      entries: this.#manifest.formulas.packages,
      filesOf: ({ bottles }) => Object.values(bottles),
      readRow: readFormulaRow,
    });

  /** As {@link formula}, for a cask. */
  cask = (token: string, mirrored: boolean): Promise<CarriedCask | undefined> =>
    this.#whole('casks', token, mirrored, {
      entries: this.#manifest.casks.packages,
      filesOf: ({ artifact, artifacts = {} }) => [
        ...(artifact ? [artifact] : []),
        ...Object.values(artifacts),
      ],
      readRow: readCaskRow,
    });

  /** As {@link formula}, for a Linux app. */
  linuxApp = (token: string): Promise<CarriedLinuxApp | undefined> =>
    this.#whole('linux-apps', token, true, {
      entries: this.#manifest.linux_apps.packages,
      filesOf: ({ appimage }) => (appimage ? [appimage] : []),
      readRow: readLinuxAppRow,
    });

  /** What the index says of bottles for brew. */
  brewBottles(): BrewBottleRow[] {
    const formulas = this.#readers.get('formulas');
    return formulas && this.#manifest.request.clients.includes('brew') ? readBrewBottles(formulas) : [];
  }

  #hashes(kind: IndexKind, reader: DatabaseReader): ReadonlyMap<string, string | null> {
    const hashes = this.#upstreamHashes.get(kind) ?? readUpstreamHashes(reader, kind);
    this.#upstreamHashes.set(kind, hashes);
    return hashes;
  }

  async #whole<Row, Entry>(
    kind: IndexKind,
    name: string,
    mirrored: boolean,
    { entries, filesOf, readRow }: KindOfPackage<Row, Entry>,
  ): Promise<CarriedPackage<Row, Entry> | undefined> {
    const reader = this.#readers.get(kind);
    if (!reader) return undefined;
    const upstreamHash = this.#hashes(kind, reader).get(name);
    const entry = Object.hasOwn(entries, name) ? entries[name] : undefined;
    const json = this.#mirror.listedFile(packageJsonPath(kind, name));
    if (upstreamHash === undefined || !json || mirrored !== (entry !== undefined)) return undefined;
    const files = [json, ...(entry ? filesOf(entry) : [])];
    for (const { path, sha256 } of files) if (!(await this.#stands(path, sha256))) return undefined;
    const listed = this.#listed.get(`${LISTED_KIND[kind]} ${name}`);
    return { name, upstreamHash, row: () => readRow(reader, name), entry, files, listed };
  }
}

/** What tells the kinds of packages apart. */
interface KindOfPackage<Row, Entry> {
  entries: Record<string, Entry>;
  filesOf: (entry: Entry) => StoredFile[];
  readRow: (reader: DatabaseReader, name: string) => Row;
}

const LISTED_KIND = { formulas: 'formula', casks: 'cask', 'linux-apps': 'linux-app' } as const;

const describesAlike = ({ request, generator }: Manifest, wanted: MirrorRequest): boolean =>
  generator.version === VERSION &&
  request.public_url === wanted.public_url &&
  request.clients.join() === wanted.clients.join() &&
  request.tags.join() === wanted.tags.join();
