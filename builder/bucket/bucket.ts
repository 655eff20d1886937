import { createHash } from 'node:crypto';
import { hexToBytes } from '@noble/hashes/utils.js';
import { AwsV4Signer } from 'aws4fetch';
import { toBase64 } from '../../format/bytes.ts';
import { sha256Hex } from '../../format/digest.ts';
import { MirrorError } from '../../format/errors.ts';
import { withoutTrailingSlashes } from '../../format/origin.ts';
import { networkError } from '../http/body.ts';
import { withRetries } from '../http/retry.ts';
import { NAME, VERSION } from '../version.ts';
import { refusal, refusalCode } from './refusal.ts';
import { type FileBody, type StorageAnswer, sendRequest } from './transport.ts';
import { deletionOf, parseFailures, parseListing } from './xml.ts';

const MAX_LISTING = 4 * 1024 * 1024;
const MAX_ERROR = 64 * 1024;
/** How long a deletion may take, so that it is over before a lease can be. */
const DELETION_MS = 60_000;
/** Most keys that one request lists or deletes. */
export const BATCH = 1000;

/** Where a bucket is, and the keys to it. */
export interface BucketAddress {
  /** S3 endpoint without the bucket, for example `https://<account>.r2.cloudflarestorage.com`. */
  endpoint: string;
  bucket: string;
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string | undefined;
  /** `auto` unless told, which R2 wants. */
  region?: string | undefined;
}

/** What must hold for a PUT to be made: the object is absent, or still has this entity tag. */
export type PutCondition = { ifAbsent: true } | { ifMatch: string };

/** What storage says of an object without its bytes. */
export interface StoredObject {
  /** Bytes. */
  size: number;
  /** Quoted, as storage sends it; around an MD5 in hex for an object that was put whole. */
  etag: string;
}

/** What a listing says of an object. */
export interface ListedObject extends StoredObject {
  key: string;
  /** When it was written, by storage's clock. */
  modified: Date;
}

const EMPTY_SHA256 = sha256Hex(new Uint8Array());
const USER_AGENT = `${NAME}/${VERSION}`;

/** A request as the operations make it: headers without the signature, and the statuses that are answers. */
interface Call {
  method: string;
  headers?: Record<string, string>;
  body?: Uint8Array | FileBody;
  limit?: number;
  expected?: readonly number[];
  stop?: AbortSignal | undefined;
}

/** What every request is signed with. */
type Signing = Omit<ConstructorParameters<typeof AwsV4Signer>[0], 'method' | 'url' | 'headers' | 'body'>;

/** The few S3 operations that publishing takes. Transient failures are retried; refusals throw `refused`. */
export class Bucket {
  readonly #base: string;
  readonly #signing: Signing;

  constructor({ endpoint, bucket, accessKeyId, secretAccessKey, sessionToken, region }: BucketAddress) {
    this.#base = `${withoutTrailingSlashes(endpoint)}/${bucket}`;
    this.#signing = {
      ...{ accessKeyId, secretAccessKey, service: 's3', region: region ?? 'auto' },
      ...(sessionToken === undefined ? {} : { sessionToken }),
      // Signing keys, which are good for a day.
      cache: new Map(),
    };
  }

  /** An object whole, at most `limit` bytes, with its entity tag; `undefined` when there is none. */
  async get(key: string, limit: number): Promise<{ bytes: Uint8Array; etag: string } | undefined> {
    const answer = await withRetries(() =>
      this.#send(this.#url(key), { method: 'GET', limit, expected: [404] }),
    );
    if (answer.status === 404) return this.#absence(answer);
    if (answer.body.length > limit) {
      throw new MirrorError('too-large', `${key} is longer than ${limit} bytes.`, { where: key });
    }
    return { bytes: answer.body, etag: etagOf(answer) };
  }

  /** What storage says of an object; `undefined` when there is none. */
  async head(key: string): Promise<StoredObject | undefined> {
    const answer = await withRetries(() => this.#send(this.#url(key), { method: 'HEAD', expected: [404] }));
    if (answer.status === 404) return undefined;
    return { size: Number(answer.headers['content-length']), etag: etagOf(answer) };
  }

  /**
   * Puts an object whose SHA-256 (hex) storage itself checks. Returns its entity tag, or `undefined` when the condition
   * does not hold; after a lost answer that may be because our own bytes stand there already, so look.
   */
  async put(
    key: string,
    body: Uint8Array | FileBody,
    sha256: string,
    condition?: PutCondition,
    stop?: AbortSignal,
  ): Promise<string | undefined> {
    const headers = {
      'x-amz-content-sha256': sha256,
      'x-amz-checksum-sha256': toBase64(hexToBytes(sha256)),
      ...conditionHeaders(condition),
    };
    // A store may answer 404 rather than 412 when what must match is not there at all.
    const expected = condition === undefined ? [] : 'ifMatch' in condition ? [404, 412] : [412];
    const call = { method: 'PUT', headers, body, expected, stop };
    const answer = await withRetries(() => this.#send(this.#url(key), call));
    if (answer.status === 404) return this.#absence(answer);
    return answer.status === 412 ? undefined : etagOf(answer);
  }

  async delete(key: string): Promise<void> {
    const answer = await withRetries(() => this.#send(this.#url(key), { method: 'DELETE', expected: [404] }));
    if (answer.status === 404) this.#absence(answer);
  }

  /**
   * Deletes up to a thousand objects with one request; those that are gone already are no error. Tries once, within a
   * minute: throws what {@link withRetries} repeats, so that the caller can look before each try whether it still may.
   */
  async deleteAll(keys: readonly string[]): Promise<void> {
    const body = deletionOf(keys);
    const headers = {
      'x-amz-content-sha256': sha256Hex(body),
      'content-md5': createHash('md5').update(body).digest('base64'),
    };
    const url = `${this.#base}?delete=`;
    const stop = AbortSignal.timeout(DELETION_MS);
    const answer = await this.#send(url, { method: 'POST', headers, body, limit: MAX_LISTING, stop });
    const [failed] = parseFailures(answer.body, url);
    if (!failed) return;
    const message = `Storage did not delete ${failed.key}: ${failed.code}.`;
    throw new MirrorError('refused', message, { where: failed.key });
  }

  /** Objects whose keys begin with `prefix`, in the order of their keys, a thousand to a request. */
  async *list(prefix: string): AsyncGenerator<ListedObject> {
    let token: string | undefined;
    do {
      const query = new URLSearchParams({ 'list-type': '2', prefix });
      if (token !== undefined) query.set('continuation-token', token);
      const url = `${this.#base}?${query}`;
      const { body } = await withRetries(() => this.#send(url, { method: 'GET', limit: MAX_LISTING }));
      const { objects, next } = parseListing(body, url);
      yield* objects;
      token = next;
    } while (token !== undefined);
  }

  #url = (key: string): string => `${this.#base}/${key.split('/').map(encodeURIComponent).join('/')}`;

  async #send(
    where: string,
    { method, headers = {}, body, limit = 0, expected = [], stop }: Call,
  ): Promise<StorageAnswer> {
    const signer = new AwsV4Signer({
      ...{ method, url: where, headers: { 'x-amz-content-sha256': EMPTY_SHA256, ...headers } },
      ...this.#signing,
    });
    const signed = await signer.sign();
    let answer: StorageAnswer;
    try {
      answer = await sendRequest({
        ...{ method, url: signed.url, body, stop, limit: Math.max(limit, MAX_ERROR) },
        headers: { ...Object.fromEntries(signed.headers), 'user-agent': USER_AGENT },
      });
    } catch (cause) {
      if (stop?.reason instanceof MirrorError) throw stop.reason;
      throw cause instanceof MirrorError ? cause : networkError(where, cause);
    }
    if ((answer.status >= 200 && answer.status < 300) || expected.includes(answer.status)) return answer;
    throw refusal(answer, where);
  }

  /** No object is an answer; no bucket is an error. */
  #absence(answer: StorageAnswer): undefined {
    if (refusalCode(answer) === 'NoSuchBucket') throw refusal(answer, this.#base);
  }
}

/** The MD5, in hex, that the entity tag of an object put whole is; for any other object something that is none. */
export const md5Of = ({ etag }: StoredObject): string => etag.replaceAll('"', '');

const etagOf = ({ headers }: StorageAnswer): string => headers.etag ?? '';

function conditionHeaders(condition: PutCondition | undefined): Record<string, string> {
  if (condition === undefined) return {};
  return 'ifMatch' in condition ? { 'if-match': condition.ifMatch } : { 'if-none-match': '*' };
}
