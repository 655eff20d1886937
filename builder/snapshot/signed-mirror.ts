import { sha256Hex } from '../../format/digest.ts';
import { MirrorError } from '../../format/errors.ts';
import { MANIFEST, PACKAGE_LIST, POLICY, ROOT, signaturePath } from '../../format/layout.ts';
import { type Manifest, parseManifest } from '../../format/manifest.ts';
import { keyIdText, type PublicKey } from '../../format/minisign/public-key.ts';
import { parseSignature } from '../../format/minisign/signature.ts';
import { type ListedPackage, parsePackageList } from '../../format/package-list.ts';
import type { StoredFile } from '../../format/packages/kind.ts';
import { NO_DECISIONS, type PolicyDocument, parsePolicyDocument } from '../../format/policy.ts';
import type { SnapshotEntry } from '../../format/snapshot/entry.ts';
import { openRoot, type Root, type SignedRoot, type TrustedRoot } from '../../format/snapshot/root.ts';
import { readEntries, readSignedRoot } from '../directory/mirror.ts';
import { readMirrorFile } from '../directory/read.ts';

/** The signed state of a mirror: the entries of its snapshot, and the contents of its manifest and package list. */
export class SignedMirror {
  readonly directory: string;
  /** The id of the mirror. */
  readonly mirror: string;
  readonly version: number;
  /** The hosts that its files on demand may be fetched from. */
  readonly sources: readonly string[];
  readonly entries: readonly SnapshotEntry[];
  /** Absent where the mirror is damaged: then only its id and version are kept. */
  readonly manifest: Manifest | undefined;
  readonly packages: readonly ListedPackage[];
  readonly policy: PolicyDocument;
  readonly #byName: ReadonlyMap<string, SnapshotEntry>;

  constructor(
    directory: string,
    { mirror, version, sources = [] }: Pick<Root, 'mirror' | 'version' | 'sources'>,
    contents?: {
      entries: readonly SnapshotEntry[];
      manifest: Manifest;
      packages: readonly ListedPackage[];
      policy: PolicyDocument;
    },
  ) {
    this.directory = directory;
    this.mirror = mirror;
    this.version = version;
    this.sources = sources;
    this.entries = contents?.entries ?? [];
    this.manifest = contents?.manifest;
    this.packages = contents?.packages ?? [];
    this.policy = contents?.policy ?? NO_DECISIONS;
    const present = this.entries.filter(({ until }) => until === undefined);
    this.#byName = new Map(present.map((entry) => [entry.name, entry]));
  }

  /** Returns the SHA-256 of the file at a path, hex; `undefined` if it is superseded. */
  sha256At = (path: string): string | undefined => this.#byName.get(path)?.sha256;

  /** Returns true if the file at a path is on demand, whether its bytes are here or not. */
  isOnDemand = (path: string): boolean => this.#byName.get(path)?.source !== undefined;

  /** Returns the listed file at a path; `undefined` if it is superseded. */
  listedFile(path: string): StoredFile | undefined {
    const { sha256, size } = this.#byName.get(path) ?? {};
    return sha256 === undefined ? undefined : { path, sha256, size };
  }
}

/** Returns the root of a mirror in a folder, as {@link openOwnRoot}. Throws `missing` too. */
export const openSignedRoot = async (directory: string, trusted: readonly PublicKey[]): Promise<Root> =>
  openOwnRoot(await readSignedRoot(directory), trusted, directory).snapshot;

/**
 * Returns a root if one of `trusted` has signed it. Throws `refused` when another key has: a verb that goes on from a mirror
 * must not do so from somebody else's. Throws `bad-signature` or `bad-input` as `openRoot` does. `title` names the mirror.
 */
export function openOwnRoot(signed: SignedRoot, trusted: readonly PublicKey[], title: string): TrustedRoot {
  const found = keyIdText(parseSignature(signed.signature, signaturePath(ROOT)).keyId);
  const own = trusted.map(({ keyId }) => keyIdText(keyId));
  if (own.includes(found)) return openRoot(signed, trusted);
  throw new MirrorError(
    'refused',
    `${title} is signed by key ${found}, which is not among yours. If that is an earlier key of this mirror, ` +
      'name its public key with --trust; if the mirror is not yours, choose another place.',
    {
      where: ROOT,
      expected: own.map((id) => `key ${id}`).join(' or ') || 'a key of yours',
      found: `key ${found}`,
    },
  );
}

/**
 * Reads all of a mirror's signed state. Throws as {@link openSignedRoot}, and `mismatch` for what is not as signed. With
 * `onBadPolicy`, calls that for a policy.json that cannot be read, and goes on without its decisions.
 */
export async function readSignedMirror(
  directory: string,
  snapshot: Root,
  onBadPolicy?: (error: MirrorError) => void,
): Promise<SignedMirror> {
  const entries = await readEntries(directory, snapshot);
  return new SignedMirror(directory, snapshot, {
    entries,
    manifest: parseManifest(await readAsListed(directory, entries, MANIFEST)),
    packages: parsePackageList(await readAsListed(directory, entries, PACKAGE_LIST)),
    policy: await readPolicy(directory, entries).catch((error: unknown) => {
      if (!onBadPolicy || !(error instanceof MirrorError) || error.code === 'refused') throw error;
      onBadPolicy(error);
      return NO_DECISIONS;
    }),
  });
}

/** A mirror may lack the document. */
const readPolicy = async (directory: string, entries: readonly SnapshotEntry[]): Promise<PolicyDocument> =>
  entries.some(({ name }) => name === POLICY)
    ? parsePolicyDocument(await readAsListed(directory, entries, POLICY))
    : NO_DECISIONS;

/** Reads a document of a mirror if its bytes are as signed. Throws `missing`, `too-large` or `mismatch`. */
export async function readAsListed(
  directory: string,
  entries: readonly SnapshotEntry[],
  path: string,
): Promise<Uint8Array> {
  const { sha256: expected, size = 0 } = entries.find((entry) => entry.name === path) ?? {};
  const bytes = await readMirrorFile(directory, path, size);
  const found = sha256Hex(bytes);
  if (found === expected) return bytes;
  throw new MirrorError('mismatch', `${path} is not as signed.`, { where: path, expected, found });
}
