import type { R2Bucket, R2Checksums, R2Object } from '@cloudflare/workers-types';
import { bytesToHex } from '@noble/hashes/utils.js';
import { MirrorError } from '../format/errors.ts';
import { blobName, POINTER, SNAPSHOTS, snapshotKey } from '../format/layout.ts';
import type { SnapshotEntry } from '../format/snapshot/entry.ts';
import { MAX_POINTER_SIZE, parsePointer } from '../format/snapshot/pointer.ts';
import type { LeafReference } from '../format/snapshot/root.ts';
import { agrees, type Evidence } from '../format/verify/evidence.ts';
import type { ByteRange } from './http/range.ts';
import { isOutOfRange, readWithRetry } from './r2-attempts.ts';
import type { Inspect, MirrorStore, OpenFile, PublishedRoot, StoredRecord } from './store.ts';

const BLOBS = blobName('');
/** A thousand snapshots each. */
const MAX_VERSION_PAGES = 4;
/** How long one attempt at a read may take, milliseconds; of a file, until its first byte. */
const PATIENCE = 5_000;

/** A published mirror in an R2 bucket. What fails in a way that passes is read twice. */
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
    const listed = await this.#list(SNAPSHOTS, () => undefined, MAX_VERSION_PAGES);
    return listed === 'too long' ? [] : [...listed.keys()].map(Number).filter(Number.isSafeInteger);
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
    const options = range ? { range: { ...range } } : {};
    const got = this.#attempt(key, () => this.#bucket.get(key, options));
    const object = await got.catch(async (error: unknown) => {
      // The list has more bytes than storage: the record tells what is wrong.
      const record = isOutOfRange(error) ? await this.head(entry) : undefined;
      if (!record) throw error;
      return { record };
    });
    if (!object) return undefined;
    if ('record' in object) return { record: object.record, body: new ReadableStream() };
    // The platform's stream types and the standard library's describe the same object.
    const body = object.body as unknown as ReadableStream<Uint8Array<ArrayBuffer>>;
    return { record: recordOf(object), body };
  }

  inspector(onOperation: () => void, maxPages: number): Inspect {
    let listed: Map<string, StoredRecord> | 'too long' | undefined;
    return async (entries) => {
      listed ??= await this.#list(BLOBS, onOperation, maxPages);
      const records = listed;
      return Promise.all(
        entries.map(async (entry) => {
          const evidence = records === 'too long' ? undefined : evidenceOf(records.get(entry.sha256));
          // What a listing holds against a file may have been mended since: it is asked for before it is reported.
          if (evidence && agrees(entry, evidence)) return evidence;
          onOperation();
          return evidenceOf(await this.head(entry));
        }),
      );
    };
  }

  /** What storage recorded of every object with a prefix, by what follows it. */
  async #list(
    prefix: string,
    onOperation: () => void,
    maxPages: number,
  ): Promise<Map<string, StoredRecord> | 'too long'> {
    const records = new Map<string, StoredRecord>();
    let cursor: string | undefined;
    for (let pages = 0; pages < maxPages; pages++) {
      onOperation();
      const options = { prefix, ...(cursor === undefined ? {} : { cursor }) };
      const page = await this.#attempt(prefix, () => this.#bucket.list(options));
      for (const object of page.objects) records.set(object.key.slice(prefix.length), recordOf(object));
      if (!page.truncated) return records;
      cursor = page.cursor;
    }
    return 'too long';
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

const evidenceOf = (record: StoredRecord | undefined): Evidence =>
  record ? { kind: 'recorded', ...record } : { kind: 'absent' };

function recordOf({ size, checksums }: R2Object): StoredRecord {
  return { size, sha256: hex(checksums.sha256), md5: hex(checksums.md5) };
}

const hex = (digest: R2Checksums['md5']): string | undefined =>
  digest === undefined ? undefined : bytesToHex(new Uint8Array(digest));
