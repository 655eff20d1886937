import { hexToBytes } from '@noble/hashes/utils.js';
import { AwsClient } from 'aws4fetch';
import { XMLParser } from 'fast-xml-parser';
import * as v from 'valibot';
import { toBase64 } from '../../format/bytes.ts';
import { MirrorError } from '../../format/errors.ts';
import { parseValue } from '../../format/parse.ts';
import { networkError, readBody } from '../http/body.ts';
import { isTransientStatus, retryAfterSeconds, Transient, withRetries } from '../http/retry.ts';

const MAX_LISTING = 4 * 1024 * 1024;
const MAX_ERROR = 64 * 1024;

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

/** What a listing says of an object. */
export interface ListedObject {
  key: string;
  /** Bytes. */
  size: number;
  /** MD5 in hex, as the entity tag of an object that was put whole is. */
  md5: string;
}

const listingSchema = v.object({
  ListBucketResult: v.object({
    Contents: v.optional(
      v.array(v.object({ Key: v.string(), Size: v.pipe(v.string(), v.transform(Number)), ETag: v.string() })),
      [],
    ),
    IsTruncated: v.optional(v.string()),
    NextContinuationToken: v.optional(v.string()),
  }),
});

const xml = new XMLParser({ parseTagValue: false, isArray: (name) => name === 'Contents' });

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
      if (response.status === 404) {
        await response.body?.cancel();
        return undefined;
      }
      return { bytes: await readBody(response.body, limit, key), etag: response.headers.get('etag') ?? '' };
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
  ): Promise<string | undefined> {
    const headers: Record<string, string> = {
      'x-amz-content-sha256': sha256,
      'x-amz-checksum-sha256': toBase64(hexToBytes(sha256)),
      ...(condition && 'ifAbsent' in condition ? { 'if-none-match': '*' } : {}),
      ...(condition && 'ifMatch' in condition ? { 'if-match': condition.ifMatch } : {}),
    };
    return withRetries(async () => {
      const init = { method: 'PUT', headers, body: body as Blob };
      const response = await this.#send(this.#url(key), init, condition ? [412] : []);
      await response.body?.cancel();
      return response.status === 412 ? undefined : (response.headers.get('etag') ?? '');
    });
  }

  async delete(key: string): Promise<void> {
    await withRetries(async () => {
      const response = await this.#send(this.#url(key), { method: 'DELETE' }, [404]);
      await response.body?.cancel();
    });
  }

  /** Objects whose keys begin with `prefix`, a thousand to a request. */
  async *list(prefix: string): AsyncGenerator<ListedObject> {
    let token: string | undefined;
    do {
      const query = new URLSearchParams({ 'list-type': '2', prefix });
      if (token !== undefined) query.set('continuation-token', token);
      const url = `${this.#base}?${query}`;
      const bytes = await withRetries(async () =>
        readBody((await this.#send(url, { method: 'GET' }, [])).body, MAX_LISTING, url),
      );
      const page = parseValue(
        listingSchema,
        xml.parse(Buffer.from(bytes).toString('utf8')),
        url,
      ).ListBucketResult;
      for (const { Key, Size, ETag } of page.Contents)
        yield { key: Key, size: Size, md5: ETag.replaceAll('"', '') };
      token = page.IsTruncated === 'true' ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
  }

  #url = (key: string): string => `${this.#base}/${key.split('/').map(encodeURIComponent).join('/')}`;

  async #send(url: string, init: RequestInit, expected: readonly number[]): Promise<Response> {
    let response: Response;
    try {
      response = await this.#client.fetch(url, init);
    } catch (cause) {
      throw networkError(url, cause);
    }
    if (response.ok || expected.includes(response.status)) return response;
    throw await refusal(response, url);
  }
}

async function refusal(response: Response, where: string): Promise<Error> {
  const { status } = response;
  const text = Buffer.from(await readBody(response.body, MAX_ERROR, where)).toString('utf8');
  const code = /<Code>([^<]{1,100})<\/Code>/.exec(text)?.[1] ?? 'no reason given';
  const hint = status === 401 || status === 403 ? ' Check the access key and what it may do.' : '';
  const error = new MirrorError('refused', `Storage refused ${where}: ${code} (${status}).${hint}`, {
    where,
    found: String(status),
  });
  if (!isTransientStatus(status)) return error;
  return new Transient(error, retryAfterSeconds(response.headers.get('retry-after'), new Date()));
}
