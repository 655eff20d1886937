import type { R2Bucket, R2Checksums, R2Object } from '@cloudflare/workers-types';
import { bytesToHex } from '@noble/hashes/utils.js';
import { MirrorError } from '../format/errors.ts';
import { blobName } from '../format/layout.ts';
import type { SnapshotEntry } from '../format/snapshot/entry.ts';
import { MAX_POINTER_SIZE, parsePointer } from '../format/snapshot/pointer.ts';
import type { LeafReference, SignedRoot } from '../format/snapshot/root.ts';
import type { Evidence } from '../format/verify/evidence.ts';
import type { ByteRange } from './http/range.ts';
import type { Inspect, MirrorStore, OpenFile, StoredRecord } from './store.ts';

const POINTER = 'current';
const PREFIX = blobName('');

/** A published mirror in an R2 bucket. */
export class R2Store implements MirrorStore {
  readonly #bucket: R2Bucket;

  constructor(bucket: R2Bucket) {
    this.#bucket = bucket;
  }

  async signedRoot(): Promise<SignedRoot | undefined> {
    const bytes = await this.#read(POINTER, MAX_POINTER_SIZE);
    return bytes && parsePointer(bytes, POINTER);
  }

  leaf({ sha256, size }: LeafReference): Promise<Uint8Array | undefined> {
    return this.#read(blobName(sha256), size);
  }

  async head({ sha256 }: SnapshotEntry): Promise<StoredRecord | undefined> {
    const object = await this.#bucket.head(blobName(sha256));
    return object ? recordOf(object) : undefined;
  }

  async open({ sha256 }: SnapshotEntry, range?: ByteRange): Promise<OpenFile | undefined> {
    const key = blobName(sha256);
    // A range beyond the end of what is stored is an error of R2's, not an answer.
    const object = await this.#bucket
      .get(key, range ? { range: { ...range } } : {})
      .catch((cause: unknown) => {
        throw new MirrorError('upstream', `Storage cannot read ${key}.`, { where: key, cause });
      });
    if (!object) return undefined;
    // The platform's stream types and the standard library's describe the same object.
    return {
      record: recordOf(object),
      body: object.body as unknown as ReadableStream<Uint8Array<ArrayBuffer>>,
    };
  }

  inspector(onOperation: () => void): Inspect {
    let records: Promise<Map<string, StoredRecord>> | undefined;
    return async (entries) => {
      records ??= this.#list(onOperation);
      const known = await records;
      return entries.map(({ sha256 }): Evidence => {
        const record = known.get(sha256);
        return record ? { kind: 'recorded', ...record } : { kind: 'absent' };
      });
    };
  }

  async #list(onOperation: () => void): Promise<Map<string, StoredRecord>> {
    const records = new Map<string, StoredRecord>();
    let cursor: string | undefined;
    do {
      onOperation();
      const page = await this.#bucket.list({ prefix: PREFIX, ...(cursor === undefined ? {} : { cursor }) });
      for (const object of page.objects) records.set(object.key.slice(PREFIX.length), recordOf(object));
      cursor = page.truncated ? page.cursor : undefined;
    } while (cursor !== undefined);
    return records;
  }

  async #read(key: string, limit: number): Promise<Uint8Array | undefined> {
    const object = await this.#bucket.get(key);
    if (!object) return undefined;
    if (object.size > limit) {
      await object.body.cancel();
      throw new MirrorError('too-large', `${key} has ${object.size} bytes; at most ${limit} were expected.`, {
        where: key,
        expected: String(limit),
        found: String(object.size),
      });
    }
    return new Uint8Array(await object.arrayBuffer());
  }
}

function recordOf({ size, checksums }: R2Object): StoredRecord {
  return { size, sha256: hex(checksums.sha256), md5: hex(checksums.md5) };
}

const hex = (digest: R2Checksums['md5']): string | undefined =>
  digest === undefined ? undefined : bytesToHex(new Uint8Array(digest));
