import type { R2Bucket, R2Checksums, R2Object } from '@cloudflare/workers-types';
import { bytesToHex } from '@noble/hashes/utils.js';
import { MirrorError } from '../format/errors.ts';
import { blobName, POINTER, SNAPSHOTS, snapshotKey } from '../format/layout.ts';
import type { SnapshotEntry } from '../format/snapshot/entry.ts';
import { MAX_POINTER_SIZE, parsePointer } from '../format/snapshot/pointer.ts';
import type { LeafReference } from '../format/snapshot/root.ts';
import type {
  ByteRange,
  MirrorStore,
  OpenFile,
  PublishedRoot,
  StoredRecord,
  StoredRecords,
  Usage,
} from '../format/store.ts';
import { isOutOfRange, readWithRetry } from './r2-attempts.ts';

const BLOBS = blobName('');
/** Each page lists a thousand snapshots. */
const MAX_VERSION_PAGES = 4;
/** How long one attempt at a read may take, milliseconds; for a file, until its first byte. */
const PATIENCE = 5_000;

/** A published mirror in an R2 bucket. Reads that fail in a way that may pass are tried twice. */
export class R2Store implements MirrorStore {
  readonly #bucket: R2Bucket;
  readonly #patience: number;

  constructor(bucket: R2Bucket, patience = PATIENCE) {
    this.#bucket = bucket;
    this.#patience = patience;
  }

  async signedRoot(version?: number): Promise<PublishedRoot | undefined> {
    const key = version === undefined ? POINTER : snapshotKey(version);
    const object = await this.#read(key, MAX_POINTER_SIZE);
    if (!object) return undefined;
    const { bytes, uploaded } = object;
    return { ...parsePointer(bytes, key), published: Math.floor(uploaded.getTime() / 1000) };
  }

  async versions(): Promise<number[]> {
    const listed = await this.#list(SNAPSHOTS, MAX_VERSION_PAGES, { operations: 0 });
    return [...(listed?.keys() ?? [])].map(Number).filter(Number.isSafeInteger);
  }

  leaf({ sha256, size }: LeafReference): Promise<Uint8Array | undefined> {
    return this.#read(blobName(sha256), size).then((object) => object?.bytes);
  }

  async head({ sha256 }: SnapshotEntry): Promise<StoredRecord | undefined> {
    const key = blobName(sha256);
    const object = await this.#attempt(key, () => this.#bucket.head(key));
    return object ? recordOf(object) : undefined;
  }

  async open(entry: SnapshotEntry, range?: ByteRange): Promise<OpenFile | undefined> {
    const key = blobName(entry.sha256);
    try {
      const object = await this.#attempt(key, () => this.#bucket.get(key, range && { range: { ...range } }));
      if (!object) return undefined;
      // The platform's stream types and the standard library's describe the same object.
      const body = object.body as unknown as ReadableStream<Uint8Array<ArrayBuffer>>;
      return { record: recordOf(object), body };
    } catch (error) {
      // The file is shorter than its entry says: its record shows by how much.
      const record = isOutOfRange(error) ? await this.head(entry) : undefined;
      if (!record) throw error;
      return { record, body: new Uint8Array() };
    }
  }

  records(maxOperations: number, usage: Usage): Promise<StoredRecords | undefined> {
    return this.#list(BLOBS, maxOperations, usage);
  }

  /** Returns the records of all objects with a prefix, by the rest of their key. */
  async #list(prefix: string, maxPages: number, usage: Usage): Promise<StoredRecords | undefined> {
    const records = new Map<string, StoredRecord>();
    let cursor: string | undefined;
    for (let pages = 0; pages < maxPages; pages++) {
      usage.operations += 1;
      const options = { prefix, ...(cursor === undefined ? {} : { cursor }) };
      const page = await this.#attempt(prefix, () => this.#bucket.list(options));
      for (const object of page.objects) records.set(object.key.slice(prefix.length), recordOf(object));
      if (!page.truncated) return records;
      cursor = page.cursor;
    }
    return undefined;
  }

  async #read(key: string, limit: number): Promise<{ bytes: Uint8Array; uploaded: Date } | undefined> {
    const read = await this.#attempt(key, async () => {
      const object = await this.#bucket.get(key);
      if (!object || object.size <= limit) return object && { object, bytes: await object.arrayBuffer() };
      await object.body.cancel();
      return { object, bytes: undefined };
    });
    if (!read) return undefined;
    const { bytes, object } = read;
    if (bytes) return { bytes: new Uint8Array(bytes), uploaded: object.uploaded };
    throw new MirrorError('too-large', `${key} has ${object.size} bytes; at most ${limit} were expected.`, {
      where: key,
      expected: String(limit),
      found: String(object.size),
    });
  }

  #attempt<T>(key: string, read: () => Promise<T>): Promise<T> {
    return readWithRetry(key, this.#patience, read);
  }
}

const recordOf = ({ size, checksums }: R2Object): StoredRecord => ({
  size,
  sha256: hex(checksums.sha256),
  md5: hex(checksums.md5),
});

const hex = (digest: R2Checksums['md5']): string | undefined =>
  digest === undefined ? undefined : bytesToHex(new Uint8Array(digest));
