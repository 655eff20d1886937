import type { R2Bucket, R2Checksums, R2Object } from '@cloudflare/workers-types';
import { bytesToHex } from '@noble/hashes/utils.js';
import { MirrorError } from '../format/errors.ts';
import {
  blobName,
  fetchedKey,
  POINTER,
  parseSnapshotName,
  SNAPSHOTS,
  type SnapshotId,
  snapshotKey,
} from '../format/layout.ts';
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
import { readWithRetry } from './r2-attempts.ts';
import { RecordTable } from './record-table.ts';

const BLOBS = blobName('');
/** Each page lists a thousand snapshots. */
const MAX_SNAPSHOT_PAGES = 4;
/** Each page lists a thousand objects, whose records take 57 KB. An isolate has 128 MB for everything. */
const MAX_RECORD_PAGES = 400;
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

  async signedRoot(snapshot?: SnapshotId): Promise<PublishedRoot | undefined> {
    const key = snapshot ? snapshotKey(snapshot) : POINTER;
    const object = await this.#read(key, MAX_POINTER_SIZE);
    if (!object) return undefined;
    const { bytes, uploaded } = object;
    return { ...parsePointer(bytes, key), published: Math.floor(uploaded.getTime() / 1000) };
  }

  async snapshots(version?: number): Promise<SnapshotId[]> {
    const kept: (SnapshotId & { time: number })[] = [];
    const prefix = version === undefined ? SNAPSHOTS : `${SNAPSHOTS}${version}-`;
    const maxPages = version === undefined ? MAX_SNAPSHOT_PAGES : 1;
    const isWhole = await this.#list(prefix, maxPages, { operations: 0 }, (objects) => {
      for (const { key, uploaded } of objects) {
        const id = parseSnapshotName(key.slice(SNAPSHOTS.length));
        if (id) kept.push({ ...id, time: uploaded.getTime() });
      }
    });
    const sorted = isWhole ? kept.sort((a, b) => a.time - b.time || a.version - b.version) : [];
    return sorted.map(({ version, signer }) => ({ version, signer }));
  }

  leaf({ sha256, size }: LeafReference): Promise<Uint8Array | undefined> {
    return this.#read(blobName(sha256), size).then((object) => object?.bytes);
  }

  async head(entry: SnapshotEntry): Promise<StoredRecord | undefined> {
    const object = await this.#first(entry, (key) => this.#bucket.head(key));
    return object && recordOf(object);
  }

  async open(entry: SnapshotEntry, range?: ByteRange): Promise<OpenFile | undefined> {
    try {
      const object = await this.#first(entry, (key) =>
        this.#bucket.get(key, range && { range: { ...range } }),
      );
      if (!object) return undefined;
      // The platform's stream types and the standard library's describe the same object.
      const body = object.body as unknown as ReadableStream<Uint8Array<ArrayBuffer>>;
      return { record: recordOf(object), body };
    } catch (error) {
      // A file that is shorter than its entry says has no such range: its record shows by how much.
      const record = range && (await this.head(entry));
      if (!record || record.size === entry.size) throw error;
      return { record, body: new Uint8Array() };
    }
  }

  async records(maxOperations: number, usage: Usage): Promise<StoredRecords | undefined> {
    const records = new RecordTable();
    const maxPages = Math.min(maxOperations, MAX_RECORD_PAGES);
    const isWhole = await this.#list(BLOBS, maxPages, usage, (objects) => {
      records.add(objects.map((object) => [object.key.slice(BLOBS.length), recordOf(object)] as const));
    });
    return isWhole ? records : undefined;
  }

  /** Returns the first object that has an entry's bytes: a publisher put them there, or a server that fetched them. */
  async #first<T>({ sha256, source }: SnapshotEntry, read: (key: string) => Promise<T | null>) {
    const keys = [blobName(sha256), ...(source === undefined ? [] : [fetchedKey(sha256)])];
    for (const key of keys) {
      const object = await this.#attempt(key, () => read(key));
      if (object) return object;
    }
    return undefined;
  }

  /** Calls `add` with each page of the objects of a prefix. Returns false when so many pages are not enough. */
  async #list(
    prefix: string,
    maxPages: number,
    usage: Usage,
    add: (objects: readonly R2Object[]) => void,
  ): Promise<boolean> {
    let cursor: string | undefined;
    for (let pages = 0; pages < maxPages; pages++) {
      usage.operations += 1;
      const options = { prefix, ...(cursor === undefined ? {} : { cursor }) };
      const page = await this.#attempt(prefix, () => this.#bucket.list(options));
      add(page.objects);
      if (!page.truncated) return true;
      cursor = page.cursor;
    }
    return false;
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
