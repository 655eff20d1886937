import { databasePath, type IndexKind, packageJsonPath } from '../../format/layout.ts';
import type {
  Manifest,
  ManifestCask,
  ManifestFormula,
  ManifestLinuxApp,
  MirrorRequest,
} from '../../format/manifest.ts';
import type { ListedPackage } from '../../format/package-list.ts';
import type { CaskRow } from '../database/casks.ts';
import type { StoredFile } from '../database/database.ts';
import type { FormulaRow } from '../database/formulas.ts';
import type { LinuxAppRow } from '../database/linux-apps.ts';
import { DatabaseReader } from '../database/reader.ts';
import { readCaskRow, readFormulaRow, readLinuxAppRow } from '../database/rows.ts';
import { localPath } from '../directory/paths.ts';
import type { SignedMirror } from '../directory/signed-mirror.ts';
import { VERSION } from '../version.ts';
import { Catalog, type PackageIndex } from './catalog.ts';

/** A package that stays as the mirror has it: nothing of it is fetched or written again. */
export interface CarriedPackage<Row, Entry> {
  row: Row;
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
  formula(name: string, mirrored: boolean): Promise<CarriedFormula | undefined> {
    const row = this.#row('formulas', readFormulaRow, name);
    const files = row?.bottles.flatMap(({ file }) => file ?? []) ?? [];
    return this.#whole('formulas', name, mirrored, row, files, this.#manifest.formulas.packages);
  }

  /** As {@link formula}, for a cask. */
  cask(token: string, mirrored: boolean): Promise<CarriedCask | undefined> {
    const row = this.#row('casks', readCaskRow, token);
    const files = row?.files.map(({ file }) => file) ?? [];
    return this.#whole('casks', token, mirrored, row, files, this.#manifest.casks.packages);
  }

  /** As {@link formula}, for a Linux app. */
  linuxApp(token: string): Promise<CarriedLinuxApp | undefined> {
    const row = this.#row('linux-apps', readLinuxAppRow, token);
    const files = row?.file ? [row.file] : [];
    return this.#whole('linux-apps', token, true, row, files, this.#manifest.linux_apps.packages);
  }

  #row<R>(
    kind: IndexKind,
    read: (reader: DatabaseReader, name: string) => R | undefined,
    name: string,
  ): R | undefined {
    const reader = this.#readers.get(kind);
    return reader && read(reader, name);
  }

  async #whole<R, E>(
    kind: IndexKind,
    name: string,
    mirrored: boolean,
    row: R | undefined,
    packageFiles: StoredFile[],
    entries: Record<string, E>,
  ): Promise<CarriedPackage<R, E> | undefined> {
    const entry = Object.hasOwn(entries, name) ? entries[name] : undefined;
    const json = this.#mirror.listedFile(packageJsonPath(kind, name));
    if (!row || !json || mirrored !== (entry !== undefined)) return undefined;
    const files = [json, ...packageFiles];
    for (const { path, sha256 } of files) if (!(await this.#stands(path, sha256))) return undefined;
    return { row, entry, files, listed: this.#listed.get(`${LISTED_KIND[kind]} ${name}`) };
  }
}

const LISTED_KIND = { formulas: 'formula', casks: 'cask', 'linux-apps': 'linux-app' } as const;

const describesAlike = ({ request, generator }: Manifest, wanted: MirrorRequest): boolean =>
  generator.version === VERSION &&
  request.public_url === wanted.public_url &&
  request.clients.join() === wanted.clients.join() &&
  request.tags.join() === wanted.tags.join();
