import { createHash } from 'node:crypto';
import { MirrorError } from '../../format/errors.ts';
import type { SnapshotEntry, StoredEntry } from '../../format/snapshot/entry.ts';
import type { FileDigest } from '../directory/hash.ts';
import type { StageStorage } from '../snapshot/stage.ts';
import { isAsNamed, type listBlobs, type Upload } from './blobs.ts';
import { type Bucket, md5Of } from './bucket.ts';
import { readStoredFile } from './snapshots.ts';

/** The files of a bucket; new documents wait in memory. */
export class BucketStorage implements StageStorage {
  readonly #bucket: Bucket;
  readonly #stored: Awaited<ReturnType<typeof listBlobs>>;
  readonly #documents = new Map<string, Upload>();

  constructor(bucket: Bucket, stored: Awaited<ReturnType<typeof listBlobs>>) {
    this.#bucket = bucket;
    this.#stored = stored;
  }

  /** The documents to upload. */
  get documents(): Upload[] {
    return [...this.#documents.values()];
  }

  /**
   * Throws `missing`, naming each file that the bucket has lost or has other bytes for. Files on demand need not be there.
   */
  expectStored(entries: readonly SnapshotEntry[]): void {
    const lost = entries.filter((entry) => entry.source === undefined && !this.#isStored(entry));
    if (lost.length === 0) return;
    const message =
      'The bucket has lost these files of that snapshot, or has other bytes for them; nothing was changed:';
    const paths = lost.map(({ name }) => name);
    throw new MirrorError('missing', [message, ...paths].join('\n  '), { where: paths[0] });
  }

  async find(_path: string, sha256: string): Promise<FileDigest | undefined> {
    const document = this.#documents.get(sha256);
    if (document) return document;
    const stored = this.#stored.get(sha256);
    return stored && { size: stored.size, sha256, md5: md5Of(stored) };
  }

  async save(path: string, body: Uint8Array, digest: FileDigest): Promise<void> {
    this.#documents.set(digest.sha256, { path, body, ...digest });
  }

  read = (path: string, digest: FileDigest): Promise<Uint8Array> =>
    readStoredFile(this.#bucket, digest, path);

  async prehash(path: string, digest: FileDigest): Promise<Uint8Array> {
    return createHash('blake2b512')
      .update(await this.read(path, digest))
      .digest();
  }

  #isStored(entry: StoredEntry): boolean {
    const object = this.#stored.get(entry.sha256);
    return object !== undefined && isAsNamed(entry, object);
  }
}
