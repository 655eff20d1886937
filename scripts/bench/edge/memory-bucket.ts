import type { R2Bucket } from '@cloudflare/workers-types';
import { sha256OfBlobName } from '../../../format/layout.ts';

/** Where the bytes of an object begin, and how many they are, and its SHA-256 and MD5 in hex. */
export type StoredObject = [key: string, offset: number, size: number, sha256: string, md5: string];

const MOST_LISTED = 1000;
/** Of each package file of a made-up mirror, bytes. */
const FILE_SIZE = 2048;
const UPLOADED = new Date('2026-11-01T12:00:00Z');

/** A bucket in memory that answers as R2 does to the few calls that the Worker makes, and counts them. */
export class MemoryBucket {
  readonly #data: ArrayBuffer;
  readonly #objects = new Map<
    string,
    { offset: number; record: { key: string; size: number; uploaded: Date; checksums: object } }
  >();
  readonly #names: string[];
  operations = 0;

  constructor(data: ArrayBuffer, index: readonly StoredObject[]) {
    this.#data = data;
    this.#names = index.map(([key]) => key).sort();
    for (const [key, offset, size, sha256, md5] of index) {
      const checksums = { sha256: bytesOf(sha256), md5: bytesOf(md5) };
      this.#objects.set(key, { offset, record: { key, size, uploaded: UPLOADED, checksums } });
    }
  }

  /** The bucket, as the Worker is bound to one. */
  asR2(): R2Bucket {
    return this as unknown as R2Bucket;
  }

  async head(key: string): Promise<object | null> {
    this.operations += 1;
    return this.#objects.get(key)?.record ?? packageFile(key);
  }

  async get(
    key: string,
    options: { range?: { offset: number; length: number } } = {},
  ): Promise<object | null> {
    this.operations += 1;
    const known = this.#objects.get(key);
    if (!known) return null;
    const { offset = 0, length = known.record.size } = options.range ?? {};
    const bytes = this.#data.slice(known.offset + offset, known.offset + offset + length);
    return {
      ...known.record,
      arrayBuffer: async () => bytes,
      get body() {
        // In one piece: to cut it up, as storage does, is not the Worker's work.
        return new ReadableStream({
          start(controller) {
            controller.enqueue(new Uint8Array(bytes));
            controller.close();
          },
        });
      },
    };
  }

  async list({ prefix, cursor = '' }: { prefix: string; cursor?: string }): Promise<object> {
    this.operations += 1;
    const after = cursor > prefix ? cursor : prefix;
    let first = 0;
    for (let end = this.#names.length; first < end; ) {
      const middle = (first + end) >> 1;
      if ((this.#names[middle] ?? '') <= after) first = middle + 1;
      else end = middle;
    }
    const page = this.#names.slice(first, first + MOST_LISTED).filter((name) => name.startsWith(prefix));
    const next = this.#names[first + page.length];
    return {
      objects: page.map((name) => this.#objects.get(name)?.record),
      truncated: page.length > 0 && next?.startsWith(prefix) === true,
      cursor: page.at(-1),
    };
  }
}

/** Of package files the bucket has the records, which would fill the isolate: each is made when it is asked for. */
function packageFile(key: string): object | null {
  const sha256 = sha256OfBlobName(key);
  return sha256 === undefined
    ? null
    : { key, size: FILE_SIZE, uploaded: UPLOADED, checksums: { sha256: bytesOf(sha256) } };
}

const bytesOf = (hex: string): ArrayBuffer => Uint8Array.from(Buffer.from(hex, 'hex')).buffer;
