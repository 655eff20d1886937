import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { digestBytes, type FileDigest } from '../directory/hash.ts';
import type { KnownFiles } from '../directory/known-files.ts';
import { incomingDirectory } from '../directory/paths.ts';
import { writeDurably } from '../directory/write.ts';
import type { Journal } from './commit.ts';

/**
 * The files of the mirror to come: those that stay as they are, and those that wait in `incoming` under their SHA-256.
 * Nothing that readers see changes before the commit.
 */
export class Staging {
  readonly #directory: string;
  readonly #known: KnownFiles;
  readonly #files = new Map<string, FileDigest>();
  readonly #writes = new Map<string, string>();

  constructor(directory: string, known: KnownFiles) {
    this.#directory = directory;
    this.#known = known;
  }

  /** Adds a document. Bytes that are in place already are not written again. */
  async put(path: string, bytes: Uint8Array): Promise<FileDigest> {
    const digest = digestBytes(bytes);
    if (await this.keep(path, digest.sha256)) return digest;
    const incoming = incomingDirectory(this.#directory);
    mkdirSync(incoming, { recursive: true });
    await writeDurably(join(incoming, digest.sha256), bytes);
    this.adopt(path, digest);
    return digest;
  }

  /** Adds a file whose bytes are in `incoming` under their SHA-256. */
  adopt(path: string, digest: FileDigest): void {
    this.#files.set(path, digest);
    this.#writes.set(path, digest.sha256);
  }

  /** Adds the file that stands at `path` now, when its bytes have this SHA-256; tells its digests if so. */
  async keep(path: string, sha256: string): Promise<FileDigest | undefined> {
    const present = await this.#known.digest(path);
    if (present?.sha256 !== sha256) return undefined;
    this.#files.set(path, present);
    return present;
  }

  /** Adds a file that was signed before as it was signed, without looking at it. */
  carry(path: string, digest: FileDigest): void {
    this.#files.set(path, digest);
  }

  /** Leaves a file out again that nothing in the mirror to come refers to. */
  drop(path: string): void {
    this.#files.delete(path);
    this.#writes.delete(path);
  }

  /** Whether bytes with this SHA-256 stand at `path` now. */
  readonly stands = async (path: string, sha256: string): Promise<boolean> =>
    (await this.#known.digest(path))?.sha256 === sha256;

  /** Every file of the mirror to come, by path. */
  get files(): ReadonlyMap<string, FileDigest> {
    return this.#files;
  }

  get writes(): Journal['writes'] {
    return [...this.#writes].map(([path, sha256]) => ({ path, sha256 }));
  }
}
