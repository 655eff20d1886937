import { MirrorError } from '../../format/errors.ts';
import type { StoredFile } from '../../format/packages/kind.ts';
import { digestBytes, type FileDigest } from '../directory/hash.ts';

/** Where the files of a stage are kept: a folder, or a bucket. */
export interface StageStorage {
  /** Returns the digests of the file at a path, if the bytes that are there now have this SHA-256. */
  find(path: string, sha256: string): Promise<FileDigest | undefined>;
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
  readonly #files = new Map<string, FileDigest>();
  readonly #written = new Map<string, string>();

  constructor(storage: StageStorage) {
    this.#storage = storage;
  }

  /** Every file of the snapshot to come, by path. */
  get files(): ReadonlyMap<string, FileDigest> {
    return this.#files;
  }

  /** The new files, in the order they were added. */
  get writes(): { path: string; sha256: string }[] {
    return [...this.#written].map(([path, sha256]) => ({ path, sha256 }));
  }

  /** Adds a document. Bytes that are in place already are not written again. */
  async put(path: string, bytes: Uint8Array): Promise<FileDigest> {
    const digest = digestBytes(bytes);
    if (await this.keep(path, digest.sha256)) return digest;
    await this.#storage.save(path, bytes, digest);
    this.adopt(path, digest);
    return digest;
  }

  /** Adds a new file whose bytes the storage has. */
  adopt(path: string, digest: FileDigest): void {
    this.#files.set(path, digest);
    this.#written.set(path, digest.sha256);
  }

  /** Adds the file at `path` as it is, if its bytes have this SHA-256; returns its digests if so. */
  async keep(path: string, sha256: string): Promise<FileDigest | undefined> {
    const found = await this.#storage.find(path, sha256);
    if (found) this.#files.set(path, found);
    return found;
  }

  /** Adds a file as it was signed before, without looking at it. */
  carry(path: string, { size, sha256, md5 }: FileDigest): void {
    this.#files.set(path, { size, sha256, md5 });
  }

  /** Removes a file that nothing in the snapshot to come refers to. */
  drop(path: string): void {
    this.#files.delete(path);
    this.#written.delete(path);
  }

  /** True when the bytes at `path` now have this SHA-256. */
  readonly holds = async (path: string, sha256: string): Promise<boolean> =>
    (await this.#storage.find(path, sha256)) !== undefined;

  /** Returns where a file is in the mirror, once it was added. Throws `missing` when it was not, or has another SHA-256. */
  stored({ path, sha256 }: { path: string; sha256?: string | undefined }): StoredFile {
    const digest = this.#files.get(path);
    if (digest && (sha256 === undefined || sha256 === digest.sha256)) {
      return { path, sha256: digest.sha256, size: digest.size };
    }
    throw new MirrorError('missing', `${path} was planned but is not here.`, {
      where: path,
      expected: sha256,
    });
  }

  /** Reads a file of the snapshot to come that is in place. Throws `missing`, or `mismatch` for other bytes than listed. */
  read = async (path: string): Promise<Uint8Array> => this.#storage.read(path, await this.#listed(path));

  /** Returns the BLAKE2b-512 of a file that is in place. Throws as {@link read}. */
  prehash = async (path: string): Promise<Uint8Array> =>
    this.#storage.prehash(path, await this.#listed(path));

  async #listed(path: string): Promise<FileDigest> {
    const listed = this.#files.get(path);
    if (!listed) throw new MirrorError('missing', `The snapshot does not list ${path}.`, { where: path });
    const { sha256 } = listed;
    if (await this.holds(path, sha256)) return listed;
    throw new MirrorError('mismatch', `${path} is not as it was signed.`, { where: path, expected: sha256 });
  }
}
