import { sha256Hex } from '../../format/digest.ts';
import { MirrorError } from '../../format/errors.ts';
import { MANIFEST, PACKAGE_LIST } from '../../format/layout.ts';
import { type Manifest, parseManifest } from '../../format/manifest.ts';
import type { PublicKey } from '../../format/minisign/public-key.ts';
import { type ListedPackage, parsePackageList } from '../../format/package-list.ts';
import type { StoredFile } from '../../format/packages/kind.ts';
import type { SnapshotEntry } from '../../format/snapshot/entry.ts';
import { openRoot, type Root } from '../../format/snapshot/root.ts';
import { readEntries, readMirrorFile, readSignedRoot } from '../directory/mirror.ts';

/** The signed state of a mirror: the entries of its snapshot, and the contents of its manifest and package list. */
export class SignedMirror {
  readonly directory: string;
  /** The id of the mirror. */
  readonly mirror: string;
  readonly version: number;
  readonly entries: readonly SnapshotEntry[];
  /** Absent where the mirror is damaged: then only its id and version are kept. */
  readonly manifest: Manifest | undefined;
  readonly packages: readonly ListedPackage[];
  readonly #byName: ReadonlyMap<string, SnapshotEntry>;

  constructor(
    directory: string,
    { mirror, version }: Pick<Root, 'mirror' | 'version'>,
    contents?: { entries: readonly SnapshotEntry[]; manifest: Manifest; packages: readonly ListedPackage[] },
  ) {
    this.directory = directory;
    this.mirror = mirror;
    this.version = version;
    this.entries = contents?.entries ?? [];
    this.manifest = contents?.manifest;
    this.packages = contents?.packages ?? [];
    const present = this.entries.filter(({ until }) => until === undefined);
    this.#byName = new Map(present.map((entry) => [entry.name, entry]));
  }

  /** Returns the SHA-256 of the file at a path, hex; `undefined` if it is superseded. */
  sha256At = (path: string): string | undefined => this.#byName.get(path)?.sha256;

  /** Returns the listed file at a path; `undefined` if it is superseded. */
  listedFile(path: string): StoredFile | undefined {
    const { sha256, size } = this.#byName.get(path) ?? {};
    return sha256 === undefined ? undefined : { path, sha256, size };
  }
}

/** Returns the root of a mirror if one of `trusted` has signed it. Throws `missing`, `bad-signature` or `bad-input`. */
export const openSignedRoot = async (directory: string, trusted: readonly PublicKey[]): Promise<Root> =>
  openRoot(await readSignedRoot(directory), trusted).snapshot;

/** Reads all of a mirror's signed state. Throws as {@link openSignedRoot}, and `mismatch` for what is not as signed. */
export async function readSignedMirror(directory: string, snapshot: Root): Promise<SignedMirror> {
  const entries = await readEntries(directory, snapshot);
  return new SignedMirror(directory, snapshot, {
    entries,
    manifest: parseManifest(await readAsListed(directory, entries, MANIFEST)),
    packages: parsePackageList(await readAsListed(directory, entries, PACKAGE_LIST)).packages,
  });
}

async function readAsListed(
  directory: string,
  entries: readonly SnapshotEntry[],
  path: string,
): Promise<Uint8Array> {
  const bytes = await readMirrorFile(directory, path);
  const expected = entries.find((entry) => entry.name === path)?.sha256;
  const found = sha256Hex(bytes);
  if (found === expected) return bytes;
  throw new MirrorError('mismatch', `${path} is not as signed.`, { where: path, expected, found });
}
