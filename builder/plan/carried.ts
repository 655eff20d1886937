import { databasePath, packageJsonPath } from '../../format/layout.ts';
import { entryOf, type Manifest, type MirrorRequest } from '../../format/manifest.ts';
import type { ListedPackage } from '../../format/package-list.ts';
import { BREW_BOTTLES, formula } from '../../format/packages/formula.ts';
import type { Row, StoredFile } from '../../format/packages/kind.ts';
import { KINDS, type Kind, type KindId } from '../../format/packages/kinds.ts';
import { DatabaseIndex, type KindIndex, readRows } from '../database/kind-index.ts';
import { DatabaseReader } from '../database/reader.ts';
import { ownFile } from '../directory/paths.ts';
import type { SignedMirror } from '../snapshot/signed-mirror.ts';
import { VERSION } from '../version.ts';
import type { CarriedPackage } from './plan.ts';
import type { Catalog } from './selection.ts';

/** True when the bytes of a file are in place. */
type Holds = (path: string, sha256: string) => Promise<boolean>;

interface OpenIndex {
  reader: DatabaseReader;
  index: DatabaseIndex;
  /** Read once, when first needed. */
  upstreamHashes?: ReadonlyMap<string, string | null>;
}

/** The version of a package whose file is replaced without notice. */
export const LATEST = 'latest';

/** True for a file without a checksum under a version that says nothing: it may be another file tomorrow. */
export const mayChange = ({ entry }: CarriedPackage): boolean =>
  entry?.unchecked === true && entry.version === LATEST;

/** The packages that a mirror has now, from its own signed index. */
export class CarriedPackages {
  readonly #mirror: SignedMirror;
  readonly #manifest: Manifest;
  readonly #indexes: ReadonlyMap<KindId, OpenIndex>;
  readonly #listed: ReadonlyMap<string, ListedPackage>;
  readonly #holds: Holds;
  /** False where packages would be described differently now: then one stays only because a rule holds it. */
  readonly describesAlike: boolean;

  private constructor(
    mirror: SignedMirror,
    manifest: Manifest,
    indexes: ReadonlyMap<KindId, OpenIndex>,
    holds: Holds,
    alike: boolean,
  ) {
    this.describesAlike = alike;
    this.#mirror = mirror;
    this.#manifest = manifest;
    this.#indexes = indexes;
    this.#holds = holds;
    this.#listed = new Map(mirror.packages.map((item) => [`${item.kind} ${item.name}`, item]));
  }

  /**
   * Opens the index of a mirror. Returns `undefined` where nothing of it can stay: when packages would be described
   * differently now (other tags, another public URL, another version of this program) and no policy holds them, or the index is
   * damaged.
   */
  static async open(
    mirror: SignedMirror,
    request: MirrorRequest,
    holds: Holds,
  ): Promise<CarriedPackages | undefined> {
    const { manifest } = mirror;
    const alike = manifest !== undefined && describesAlike(manifest, request);
    return alike || request.policy ? CarriedPackages.openAll(mirror, holds, alike) : undefined;
  }

  /** Opens the index of a mirror, however its packages are described. Returns `undefined` where it is damaged. */
  static async openAll(
    mirror: SignedMirror,
    holds: Holds,
    alike = true,
  ): Promise<CarriedPackages | undefined> {
    const { manifest } = mirror;
    if (!manifest) return undefined;
    const indexes = new Map<KindId, OpenIndex>();
    for (const kind of KINDS) {
      const path = databasePath(kind.index);
      const sha256 = mirror.sha256At(path);
      if (sha256 === undefined || !(await holds(path, sha256))) continue;
      const reader = DatabaseReader.open(ownFile(mirror.directory, path), path);
      indexes.set(kind.id, { reader, index: new DatabaseIndex(reader, kind) });
    }
    return indexes.has(formula.id) ? new CarriedPackages(mirror, manifest, indexes, holds, alike) : undefined;
  }

  close(): void {
    for (const { reader } of this.#indexes.values()) reader.close();
  }

  /** Returns the names of a kind in the index, with and without files, and what it says of them. */
  indexOf = (kind: Kind): KindIndex | undefined => this.#indexes.get(kind.id)?.index;

  /** Returns the indexes of the packages that are here with their files. */
  catalog(): Catalog {
    const own = KINDS.flatMap((kind) => {
      const index = this.#indexes.get(kind.id)?.index;
      return index ? [[kind.id, this.#withFiles(kind, index)] as const] : [];
    });
    return Object.fromEntries(own);
  }

  /** Returns the upstream's hash of the description that the mirror took; `undefined` for a package that it does not list. */
  upstreamHash(kind: Kind, name: string): string | null | undefined {
    const open = this.#indexes.get(kind.id);
    if (open) open.upstreamHashes ??= open.index.upstreamHashes();
    return open?.upstreamHashes?.get(name);
  }

  /** Returns the files of a package by slot; none for one that is not here with its files. */
  files(kind: Kind, name: string): Readonly<Record<string, StoredFile>> {
    const entry = entryOf(this.#manifest, kind, name);
    return entry ? kind.entryFiles(entry) : {};
  }

  /** Returns a package as it is, with its files or only listed; `undefined` when it is not here that way. */
  async find(kind: Kind, name: string, mirrored: boolean): Promise<CarriedPackage | undefined> {
    const open = this.#indexes.get(kind.id);
    if (!open) return undefined;
    const upstreamHash = this.upstreamHash(kind, name);
    const entry = entryOf(this.#manifest, kind, name);
    const json = this.#mirror.listedFile(packageJsonPath(kind.index, name));
    if (upstreamHash === undefined || !json || mirrored !== (entry !== undefined)) return undefined;
    const files = [json, ...(entry ? Object.values(kind.entryFiles(entry)) : [])];
    for (const { path, sha256 } of files) if (!(await this.#holds(path, sha256))) return undefined;
    const listed = this.#listed.get(`${kind.id} ${name}`);
    const isOnDemand = files.some(({ path }) => this.#mirror.isOnDemand(path));
    return { kind, name, upstreamHash, rows: () => open.index.rows(name), entry, isOnDemand, files, listed };
  }

  /** Returns the index's rows about bottles for brew. */
  brewBottles(): readonly Row[] {
    const formulas = this.#indexes.get(formula.id);
    if (!formulas || !this.#manifest.request.clients.includes('brew')) return [];
    return readRows(formulas.reader, BREW_BOTTLES) ?? [];
  }

  #withFiles(kind: Kind, index: DatabaseIndex): KindIndex {
    const { packages } = this.#manifest[kind.key];
    return {
      find: (name) => {
        const found = index.find(name);
        return found && Object.hasOwn(packages, found.name) ? found : undefined;
      },
      names: () => Object.keys(packages),
      dependencies: (name, types) => index.dependencies(name, types),
    };
  }
}

const describesAlike = ({ request, generator }: Manifest, wanted: MirrorRequest): boolean =>
  generator.version === VERSION &&
  request.public_url === wanted.public_url &&
  request.clients.join() === wanted.clients.join() &&
  request.tags.join() === wanted.tags.join();
