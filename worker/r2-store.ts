import type { R2Bucket, R2Checksums, R2Object } from '@cloudflare/workers-types';
import { bytesToHex } from '@noble/hashes/utils.js';
import { MirrorError } from '../format/errors.ts';
import {
  blobName,
  CHANNELS,
  channelKey,
  fetchedKey,
  isChannelName,
  parseSnapshotName,
  ROOT_CHANNEL,
  SNAPSHOTS,
  type SnapshotId,
  snapshotKey,
} from '../format/layout.ts';
import { filePathOf, type OnDemandEntry, type SnapshotEntry } from '../format/snapshot/entry.ts';
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
  Which,
} from '../format/store.ts';
import { codeOf, readWithRetry } from './r2-attempts.ts';
import { RecordTable } from './record-table.ts';

const BLOBS = blobName('');
const FETCHED = fetchedKey('');
/** Each page lists a thousand snapshots. */
const MAX_SNAPSHOT_PAGES = 4;
/** A bucket has few channels. */
const MAX_CHANNEL_PAGES = 1;
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

  async signedRoot(which: Which = { channel: ROOT_CHANNEL }): Promise<PublishedRoot | undefined> {
    const key = 'channel' in which ? channelKey(which.channel) : snapshotKey(which);
    const object = await this.#read(key, MAX_POINTER_SIZE);
    if (!object) return undefined;
    const { bytes, uploaded } = object;
    return { ...parsePointer(bytes, key), published: Math.floor(uploaded.getTime() / 1000) };
  }

  async snapshots(version?: number): Promise<SnapshotId[] | undefined> {
    const kept: (SnapshotId & { time: number })[] = [];
    const prefix = version === undefined ? SNAPSHOTS : `${SNAPSHOTS}${version}-`;
    const maxPages = version === undefined ? MAX_SNAPSHOT_PAGES : 1;
    const isWhole = await this.#list(prefix, maxPages, { operations: 0 }, (objects) => {
      for (const { key, uploaded } of objects) {
        const id = parseSnapshotName(key.slice(SNAPSHOTS.length));
        if (id) kept.push({ ...id, time: uploaded.getTime() });
      }
    });
    if (!isWhole) return undefined;
    const sorted = kept.sort((a, b) => a.time - b.time || a.version - b.version);
    return sorted.map(({ version, signer }) => ({ version, signer }));
  }

  async channels(): Promise<string[]> {
    const names: string[] = [];
    await this.#list(CHANNELS, MAX_CHANNEL_PAGES, { operations: 0 }, (objects) => {
      names.push(...objects.map(({ key }) => key.slice(CHANNELS.length)).filter(isChannelName));
    });
    return names.sort();
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

  async keep(
    entry: OnDemandEntry,
    size: number,
    body: ReadableStream<Uint8Array<ArrayBuffer>>,
  ): Promise<void> {
    const { sha256 } = entry;
    // Storage must know the length beforehand. Between two streams of the platform no byte passes through JavaScript.
    const { readable, writable } = new FixedLengthStream(size);
    const ending = new AbortController();
    const isWhole = body.pipeTo(writable, { signal: ending.signal }).then(
      () => true,
      () => false,
    );
    try {
      await this.#bucket.put(fetchedKey(sha256), readable, { sha256, onlyIf: { etagDoesNotMatch: '*' } });
    } catch (reason) {
      // Storage may have refused without reading anything: then nothing else ends the body.
      ending.abort(reason);
      throw putError(reason, entry, await isWhole);
    }
  }

  async records(maxOperations: number, usage: Usage): Promise<StoredRecords | undefined> {
    const last = usage.operations + Math.min(maxOperations, MAX_RECORD_PAGES);
    const tables = new Map<string, RecordTable>();
    for (const prefix of [BLOBS, FETCHED]) {
      const table = new RecordTable();
      tables.set(prefix, table);
      const isWhole = await this.#list(prefix, last - usage.operations, usage, (objects) => {
        table.add(objects.map((object) => [object.key.slice(prefix.length), recordOf(object)] as const));
      });
      if (!isWhole) return undefined;
    }
    return {
      // The object that is read, and no other: a doubtful record of it is not made good by one in another place.
      get: (entry) =>
        placesOf(entry)
          .map((place) => tables.get(place))
          .find((table) => table?.has(entry.sha256))
          ?.get(entry.sha256),
      lacks: (sha256) => ![...tables.values()].some((table) => table.has(sha256)),
    };
  }

  /** Returns the first object that has an entry's bytes. */
  async #first<T>(entry: SnapshotEntry, read: (key: string) => Promise<T | null>) {
    for (const place of placesOf(entry)) {
      const key = `${place}${entry.sha256}`;
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

/**
 * Returns the prefixes below which an entry's bytes may be, the likeliest first: a server fetched them, or a publisher put
 * them there.
 */
const placesOf = ({ source }: Pick<SnapshotEntry, 'source'>): readonly string[] =>
  source === undefined ? [BLOBS] : [FETCHED, BLOBS];

/** Of the platform: passes on exactly so many bytes, or fails. */
declare const FixedLengthStream: new (
  size: number,
) => { readable: R2Body; writable: WritableStream<Uint8Array<ArrayBuffer>> };
type R2Body = NonNullable<Parameters<R2Bucket['put']>[1]> & object;

/** R2's code for bytes that do not have the SHA-256 that was given. */
const OTHER_BYTES = '10037';

/** Returns why an object was not stored: other bytes, a failure of storage, or whatever ended the body before it was whole. */
function putError(cause: unknown, entry: OnDemandEntry, isWhole: boolean): unknown {
  const where = filePathOf(entry);
  const code = codeOf(cause);
  if (code === undefined && !isWhole) return cause;
  return code === OTHER_BYTES
    ? new MirrorError('mismatch', `What came for ${where} is not as signed.`, { where, cause })
    : new MirrorError('upstream', `Storage failed to keep ${where}.`, { where, cause });
}

/** An MD5 counts only where there is no SHA-256. Each is a new buffer: reading both takes a tenth of the time of a small file. */
function recordOf({ size, checksums }: R2Object): StoredRecord {
  const { sha256 } = checksums;
  return sha256 === undefined ? { size, md5: hex(checksums.md5) } : { size, sha256: hex(sha256) };
}

const hex = (digest: R2Checksums['md5']): string | undefined =>
  digest === undefined ? undefined : bytesToHex(new Uint8Array(digest));
