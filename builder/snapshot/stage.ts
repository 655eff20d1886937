import { MirrorError } from '../../format/errors.ts';
import type { StoredFile } from '../../format/packages/kind.ts';
import {
  isOwnFile,
  type OnDemandEntry,
  type SnapshotEntry,
  type StoredEntry,
} from '../../format/snapshot/entry.ts';
import { digestBytes, type FileDigest } from '../directory/hash.ts';

/** What a snapshot lists of a file's bytes; of a file on demand perhaps only its SHA-256 and its source. */
export type FileContent =
  | Pick<StoredEntry, 'size' | 'sha256' | 'md5' | 'source'>
  | Pick<OnDemandEntry, 'size' | 'sha256' | 'md5' | 'source'>;

/** Where the files of a stage are kept: a folder, or a bucket. */
export interface StageStorage {
  /**
   * Returns the digests of the file at a path, if the bytes that are there now have this SHA-256. A file longer than `size`
   * bytes, where that is known, is not read.
   */
  find(path: string, sha256: string, size?: number): Promise<FileDigest | undefined>;
  /** Keeps the bytes of a new document until the commit. */
  save(path: string, bytes: Uint8Array, digest: FileDigest): Promise<void>;
  /** Reads a file that {@link find} finds. */
  read(path: string, digest: FileDigest): Promise<Uint8Array>;
  /** Returns the BLAKE2b-512 of a file that {@link find} finds. */
  prehash(path: string, digest: FileDigest): Promise<Uint8Array>;
}

/**
 * The files of the snapshot to come: those that stay as they are, and new ones that wait for the commit. Readers see no
 * change before that.
 */
export class Stage {
  readonly #storage: StageStorage;
  readonly #files = new Map<string, FileContent>();
  readonly #written = new Map<string, string>();
  readonly #previous: ReadonlyMap<string, SnapshotEntry>;

  /** `previous` are the entries of the snapshot before: files on demand among them need not be here to be kept. */
  constructor(storage: StageStorage, previous: readonly SnapshotEntry[] = []) {
    this.#storage = storage;
    this.#previous = new Map(previous.filter(isOwnFile).map((entry) => [entry.name, entry]));
  }

  /** Every file of the snapshot to come, by path. */
  get files(): ReadonlyMap<string, FileContent> {
    return this.#files;
  }

  /** The new files, in the order they were added. */
  get writes(): { path: string; sha256: string }[] {
    return [...this.#written].map(([path, sha256]) => ({ path, sha256 }));
  }

  /** Adds a document. Bytes that are in place already are not written again. */
  async put(path: string, bytes: Uint8Array): Promise<FileDigest> {
    const digest = digestBytes(bytes);
    if (await this.#storage.find(path, digest.sha256, digest.size)) {
      this.#files.set(path, digest);
    } else {
      await this.#storage.save(path, bytes, digest);
      this.adopt(path, digest);
    }
    return digest;
  }

  /** Adds a new file whose bytes the storage has. */
  adopt(path: string, digest: FileDigest): void {
    this.#files.set(path, digest);
    this.#written.set(path, digest.sha256);
  }

  /** Adds the file at `path` as it is, if {@link holds}; returns what the snapshot will list of it if so. */
  async keep(path: string, sha256: string): Promise<FileContent | undefined> {
    const staged = this.#files.get(path);
    if (staged?.sha256 === sha256) return staged;
    const found = this.#onDemandAt(path, sha256) ?? (await this.#find(path, sha256));
    if (found) this.carry(path, found);
    return found;
  }

  /** Adds the file at `path` if its bytes are here, as a file like any other; returns what the snapshot will list of it if so. */
  async keepBytes(path: string, sha256: string): Promise<FileContent | undefined> {
    const found = await this.#find(path, sha256);
    if (found) this.carry(path, found);
    return found;
  }

  /**
   * Adds a file that a server may fetch from `source`. One that the mirror has so far stays as it is; true is returned for it.
   * Of one that was on demand before, its size stays known.
   */
  async list(path: string, sha256: string, source: string): Promise<boolean> {
    const before = this.#onDemandAt(path, sha256);
    if (!before && (await this.keepBytes(path, sha256))) return true;
    this.carry(path, { ...before, sha256, source });
    return false;
  }

  /** Adds what is known now of the size of a file on demand. */
  describe(path: string, size: number): void {
    const listed = this.#files.get(path);
    if (listed?.source !== undefined) this.carry(path, { ...listed, size });
  }

  /** Adds a file as it was signed before, without looking at it. */
  carry(path: string, content: FileContent): void {
    this.#files.set(path, contentOf(content));
  }

  /** Removes a file that nothing in the snapshot to come refers to. */
  drop(path: string): void {
    this.#files.delete(path);
    this.#written.delete(path);
  }

  /** Returns true when the bytes at `path` now have this SHA-256, or may come on demand. */
  readonly holds = async (path: string, sha256: string): Promise<boolean> =>
    this.#onDemandAt(path, sha256) !== undefined || (await this.#find(path, sha256)) !== undefined;

  /** Returns where a file is in the mirror, once it was added. Throws `missing` when it was not, or has another SHA-256. */
  stored({ path, sha256 }: { path: string; sha256?: string | undefined }): StoredFile {
    const content = this.#files.get(path);
    if (content && (sha256 === undefined || sha256 === content.sha256)) {
      const { size } = content;
      return { path, sha256: content.sha256, ...(size === undefined ? {} : { size }) };
    }
    throw new MirrorError('missing', `${path} was planned but is not here.`, {
      where: path,
      expected: sha256,
    });
  }

  /** Returns the digests of a document, once it was added. Throws `missing`. */
  document(path: string): FileDigest {
    const content = this.#files.get(path);
    if (content && content.source === undefined) return content;
    throw new MirrorError('missing', `${path} was planned but is not here.`, { where: path });
  }

  /** Reads a file of the snapshot to come that is in place. Throws `missing`, or `mismatch` for other bytes than listed. */
  read = async (path: string): Promise<Uint8Array> => this.#storage.read(path, await this.#inPlace(path));

  /** Returns the BLAKE2b-512 of a file that is in place. Throws as {@link read}. */
  prehash = async (path: string): Promise<Uint8Array> =>
    this.#storage.prehash(path, await this.#inPlace(path));

  async #inPlace(path: string): Promise<FileDigest> {
    const listed = this.#files.get(path);
    if (!listed) throw new MirrorError('missing', `The snapshot does not list ${path}.`, { where: path });
    const { sha256, size } = listed;
    const found = await this.#storage.find(path, sha256, size);
    if (found) return found;
    throw new MirrorError('mismatch', `${path} is not as it was signed.`, { where: path, expected: sha256 });
  }

  #onDemandAt(path: string, sha256: string): FileContent | undefined {
    const entry = this.#previous.get(path);
    return entry?.sha256 === sha256 && entry.source !== undefined ? entry : undefined;
  }

  /** The snapshot before says how long the file is, if it is the same one. */
  #find(path: string, sha256: string): Promise<FileDigest | undefined> {
    const before = this.#previous.get(path);
    return this.#storage.find(path, sha256, before?.sha256 === sha256 ? before.size : undefined);
  }
}

/** Returns what an entry lists of its bytes, and nothing else of it. */
function contentOf({ size, sha256, md5, source }: FileContent): FileContent {
  if (source === undefined) return { size, sha256, md5 };
  return { sha256, source, ...(size === undefined ? {} : { size }), ...(md5 === undefined ? {} : { md5 }) };
}
