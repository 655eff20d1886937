import { createHash } from 'node:crypto';
import { hexToBytes } from '@noble/hashes/utils.js';
import { AwsClient } from 'aws4fetch';
import { XMLBuilder, XMLParser } from 'fast-xml-parser';
import * as v from 'valibot';
import { toBase64, utf8 } from '../../format/bytes.ts';
import { sha256Hex } from '../../format/digest.ts';
import { MirrorError } from '../../format/errors.ts';
import { parseValue } from '../../format/parse.ts';
import { networkError, readBody } from '../http/client.ts';
import { withRetries } from '../http/retry.ts';
import { refusal } from './refusal.ts';

const MAX_LISTING = 4 * 1024 * 1024;
/** How long an answer to anything but an upload may take. */
const TIMEOUT_MS = 60_000;
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

const listingSchema = v.object({
  ListBucketResult: v.object({
    Contents: v.optional(
      v.array(
        v.object({
          Key: v.string(),
          Size: v.pipe(v.string(), v.transform(Number)),
          ETag: v.string(),
          LastModified: v.pipe(v.string(), v.isoTimestamp()),
        }),
      ),
      [],
    ),
    IsTruncated: v.optional(v.string()),
    NextContinuationToken: v.optional(v.string()),
  }),
});

const deletionSchema = v.object({
  DeleteResult: v.union([
    v.literal(''),
    v.object({
      Error: v.optional(v.array(v.object({ Key: v.string(), Code: v.optional(v.string(), '') })), []),
    }),
  ]),
});

const parser = new XMLParser({
  parseTagValue: false,
  isArray: (name) => name === 'Contents' || name === 'Error',
});
const builder = new XMLBuilder();

/** The few S3 operations that publishing takes. Transient failures are retried; refusals throw `refused`. */
export class Bucket {
  readonly #base: string;
  readonly #client: AwsClient;

  constructor({ endpoint, bucket, accessKeyId, secretAccessKey, sessionToken, region }: BucketAddress) {
    this.#base = `${endpoint.replace(/\/+$/, '')}/${bucket}`;
    this.#client = new AwsClient({
      accessKeyId,
      secretAccessKey,
      ...(sessionToken === undefined ? {} : { sessionToken }),
      service: 's3',
      region: region ?? 'auto',
      retries: 0,
    });
  }

  /** An object whole, at most `limit` bytes, with its entity tag; `undefined` when there is none. */
  async get(key: string, limit: number): Promise<{ bytes: Uint8Array; etag: string } | undefined> {
    return withRetries(async () => {
      const response = await this.#send(this.#url(key), { method: 'GET' }, [404]);
      if (response.status === 404) return absence(response, this.#url(key));
      return { bytes: await readBody(response, limit, key), etag: etagOf(response) };
    });
  }

  /** What storage says of an object; `undefined` when there is none. */
  async head(key: string): Promise<StoredObject | undefined> {
    return withRetries(async () => {
      const response = await this.#send(this.#url(key), { method: 'HEAD' }, [404]);
      if (response.status === 404) return undefined;
      return { size: Number(response.headers.get('content-length')), etag: etagOf(response) };
    });
  }

  /**
   * Puts an object whose SHA-256 (hex) storage itself checks. Returns its entity tag, or `undefined` when the condition
   * does not hold; after a lost answer that may be because our own bytes stand there already, so look.
   */
  async put(
    key: string,
    body: Blob | Uint8Array,
    sha256: string,
    condition?: PutCondition,
    stop?: AbortSignal,
  ): Promise<string | undefined> {
    const headers = {
      'x-amz-content-sha256': sha256,
      'x-amz-checksum-sha256': toBase64(hexToBytes(sha256)),
      ...conditionHeaders(condition),
    };
    // A store answers 404 rather than 412 when what must match is not there at all.
    const expected = condition === undefined ? [] : 'ifMatch' in condition ? [404, 412] : [412];
    return withRetries(async () => {
      const init = { method: 'PUT', headers, body: body as Blob, signal: stop ?? null };
      const response = await this.#send(this.#url(key), init, expected);
      if (response.status === 404) return absence(response, this.#url(key));
      await response.body?.cancel();
      return response.status === 412 ? undefined : etagOf(response);
    });
  }

  async delete(key: string): Promise<void> {
    await withRetries(async () => {
      const response = await this.#send(this.#url(key), { method: 'DELETE' }, [404]);
      if (response.status === 404) await absence(response, this.#url(key));
      else await response.body?.cancel();
    });
  }

  /**
   * Deletes up to a thousand objects with one request; those that are gone already are no error. Tries once, within a
   * minute: throws what {@link withRetries} repeats, so that the caller can look before each try whether it still may.
   */
  async deleteAll(keys: readonly string[]): Promise<void> {
    const body = utf8(
      builder.build({ Delete: { Quiet: 'true', Object: keys.map((Key) => ({ Key })) } }) as string,
    );
    const headers = {
      'x-amz-content-sha256': sha256Hex(body),
      'content-md5': createHash('md5').update(body).digest('base64'),
    };
    const url = `${this.#base}?delete=`;
    const response = await this.#send(
      url,
      { method: 'POST', headers, body: body as Blob | Uint8Array<ArrayBuffer> },
      [],
    );
    const result = parseXml(deletionSchema, await readBody(response, MAX_LISTING, url), url).DeleteResult;
    const [failed] = result === '' ? [] : result.Error;
    if (!failed) return;
    throw new MirrorError('refused', `Storage did not delete ${failed.Key}: ${failed.Code}.`, {
      where: failed.Key,
    });
  }

  /** Objects whose keys begin with `prefix`, in the order of their keys, a thousand to a request. */
  async *list(prefix: string): AsyncGenerator<ListedObject> {
    let token: string | undefined;
    do {
      const query = new URLSearchParams({ 'list-type': '2', prefix });
      if (token !== undefined) query.set('continuation-token', token);
      const url = `${this.#base}?${query}`;
      const bytes = await withRetries(async () =>
        readBody(await this.#send(url, { method: 'GET' }, []), MAX_LISTING, url),
      );
      const page = parseXml(listingSchema, bytes, url).ListBucketResult;
      for (const { Key, Size, ETag, LastModified } of page.Contents)
        yield { key: Key, size: Size, etag: ETag, modified: new Date(LastModified) };
      token = page.IsTruncated === 'true' ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
  }

  #url = (key: string): string => `${this.#base}/${key.split('/').map(encodeURIComponent).join('/')}`;

  async #send(url: string, init: RequestInit, expected: readonly number[]): Promise<Response> {
    const upload = init.body instanceof Blob;
    let response: Response;
    try {
      response = await this.#client.fetch(url, {
        ...init,
        signal: upload ? (init.signal ?? null) : AbortSignal.timeout(TIMEOUT_MS),
      });
    } catch (cause) {
      init.signal?.throwIfAborted();
      throw networkError(url, cause);
    }
    if (response.ok || expected.includes(response.status)) return response;
    throw await refusal(response, url);
  }
}

/** The MD5, in hex, that the entity tag of an object put whole is; for any other object something that is none. */
export const md5Of = ({ etag }: StoredObject): string => etag.replaceAll('"', '');

const etagOf = (response: Response): string => response.headers.get('etag') ?? '';

function conditionHeaders(condition: PutCondition | undefined): Record<string, string> {
  if (condition === undefined) return {};
  return 'ifMatch' in condition ? { 'if-match': condition.ifMatch } : { 'if-none-match': '*' };
}

/** No object is an answer; no bucket is an error. */
async function absence(response: Response, url: string): Promise<undefined> {
  const error = await refusal(response, url);
  if (error instanceof MirrorError && error.found === 'NoSuchBucket') throw error;
}

const parseXml = <S extends v.GenericSchema>(schema: S, bytes: Uint8Array, url: string): v.InferOutput<S> =>
  parseValue(schema, parser.parse(Buffer.from(bytes).toString('utf8')), url);
