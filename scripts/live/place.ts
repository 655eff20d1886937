import * as v from 'valibot';
import type { Bucket } from '../../builder/bucket/bucket.ts';
import type { S3Client } from '../../builder/bucket/s3-client.ts';
import type { RemoteMirror } from '../smoke/mirror.ts';
import type { Account } from './account.ts';

/** Where the checks run: a bucket, a Worker over it that serves a mirror, and one that shows what its binding does. */
export interface Place {
  bucket: Bucket;
  /** The same bucket, for requests that publishing never makes. */
  client: S3Client;
  mirror: RemoteMirror;
  trial: Trial;
  /** Absent where there is no Cloudflare. */
  account?: Account;
}

const recordSchema = v.nullable(
  v.object({
    size: v.optional(v.number()),
    sha256: v.optional(v.string()),
    md5: v.optional(v.string()),
    error: v.optional(v.string()),
  }),
);

/** What the binding says of an object, or of the attempt to put it; null if there is none, or it was not put. */
export type BindingRecord = v.InferOutput<typeof recordSchema>;

/** The Worker of `trial-worker.js`. */
export class Trial {
  readonly #origin: string;
  readonly #headers: Record<string, string>;

  constructor(origin: string, token: string) {
    this.#origin = origin;
    this.#headers = { authorization: `Bearer ${token}` };
  }

  record = (key: string): Promise<BindingRecord> => this.#ask('GET', { key });

  /** Has the binding put a body as a stream, if there is no such object, and check its SHA-256 (hex). */
  put = (key: string, sha256: string, body: Uint8Array<ArrayBuffer>): Promise<BindingRecord> =>
    this.#ask('PUT', { key, sha256 }, body);

  async #ask(method: string, query: Record<string, string>, body?: Uint8Array<ArrayBuffer>) {
    const url = new URL(`/?${new URLSearchParams(query)}`, this.#origin);
    const response = await fetch(url, { method, headers: this.#headers, ...(body ? { body } : {}) });
    if (!response.ok) throw new Error(`the trial Worker answered ${response.status}`);
    return v.parse(recordSchema, await response.json());
  }
}
