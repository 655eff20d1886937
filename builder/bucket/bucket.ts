import { createHash } from 'node:crypto';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { sameBytes, toBase64 } from '../../format/bytes.ts';
import { sha256Hex } from '../../format/digest.ts';
import { MirrorError } from '../../format/errors.ts';
import { MAX_POINTER_SIZE } from '../../format/snapshot/pointer.ts';
import { withRetries } from '../http/retry.ts';
import { type BucketAddress, codeOf, type FileBody, refusal, type S3Answer, S3Client } from './s3-client.ts';
import { deletionOf, parseFailures, parseListing } from './xml.ts';

const MAX_LISTING = 4 * 1024 * 1024;
/** How long a deletion may take: less than the part of a lease that must be left before it begins. */
const DELETION_MS = 60_000;
/** Most keys that one request lists or deletes. */
export const BATCH = 1000;

/** The precondition of a PUT: the object is absent, or still has this entity tag. */
export type PutCondition = { ifAbsent: true } | { ifMatch: string };

/** What storage says of an object without its bytes. */
export interface StoredObject {
  /** Bytes. */
  size: number;
  /** Quoted, as storage sends it; around an MD5 in hex for an object that was put whole. */
  etag: string;
  /** SHA-256 in hex that storage checked and recorded when the object was put, if it was asked for and reports it. */
  sha256?: string | undefined;
}

/** An object in a listing. */
export interface ListedObject extends StoredObject {
  key: string;
  /** When it was written, by storage's clock. */
  modified: Date;
}

/** The S3 operations that publishing needs. They retry transient failures, and throw `refused` for refusals. */
export class Bucket {
  readonly #client: S3Client;

  constructor(address: BucketAddress) {
    this.#client = new S3Client(address);
  }

  /** Returns an object of at most `limit` bytes with its entity tag, or `undefined` if there is none. Throws `too-large`. */
  async get(key: string, limit: number): Promise<{ bytes: Uint8Array; etag: string } | undefined> {
    const answer = await withRetries(() => this.#client.send({ method: 'GET', key, limit, expected: [404] }));
    if (answer.status === 404) return absence(answer);
    return { bytes: answer.body, etag: etagOf(answer) };
  }

  /**
   * Returns what storage says of an object, or `undefined` if there is none. With `checksum`, asks for the recorded SHA-256
   * too, which not every store reports or even accepts as a question.
   */
  async head(key: string, { checksum = false } = {}): Promise<StoredObject | undefined> {
    const headers: Record<string, string> = checksum ? { 'x-amz-checksum-mode': 'ENABLED' } : {};
    const answer = await withRetries(() =>
      this.#client.send({ method: 'HEAD', key, headers, expected: [404] }),
    );
    if (answer.status === 404) return undefined;
    const sha256 = hexOf(answer.header('x-amz-checksum-sha256'));
    return { size: Number(answer.header('content-length')), etag: etagOf(answer), sha256 };
  }

  /**
   * Puts an object, whose SHA-256 (hex) storage checks. Returns its entity tag, or `undefined` if the condition does not
   * hold: after a lost answer perhaps because the first try succeeded.
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
    // A store may answer 404 rather than 412 when what must match is absent.
    const expected = condition === undefined ? [] : 'ifMatch' in condition ? [404, 412] : [412];
    const answer = await withRetries(() =>
      this.#client.send({ method: 'PUT', key, headers, body, expected, stop }),
    );
    if (answer.status === 404) return absence(answer);
    return answer.status === 412 ? undefined : etagOf(answer);
  }

  /** Puts a document, as {@link put} does. If the condition does not hold because a first try succeeded, that counts. */
  async putDocument(key: string, bytes: Uint8Array, condition: PutCondition): Promise<string | undefined> {
    const etag = await this.put(key, bytes, sha256Hex(bytes), condition);
    if (etag !== undefined) return etag;
    const stored = await this.get(key, MAX_POINTER_SIZE);
    return stored && sameBytes(stored.bytes, bytes) ? stored.etag : undefined;
  }

  /** Returns true if a read of an object and the bucket's own list, two independent ways to it, both have these bytes. */
  async holds(key: string, bytes: Uint8Array): Promise<boolean> {
    const stored = await this.get(key, bytes.length).catch((error: unknown) => {
      if (error instanceof MirrorError && error.code === 'too-large') return undefined;
      throw error;
    });
    if (!stored || !sameBytes(stored.bytes, bytes)) return false;
    const md5 = createHash('md5').update(bytes).digest('hex');
    for await (const listed of this.list(key)) if (listed.key === key) return md5Of(listed) === md5;
    return false;
  }

  /** Deletes an object; an absent one is not an error. */
  async delete(key: string): Promise<void> {
    const answer = await withRetries(() => this.#client.send({ method: 'DELETE', key, expected: [404] }));
    if (answer.status === 404) absence(answer);
  }

  /**
   * Deletes up to a thousand objects with one request; absent ones are not an error. Tries once, within a minute, and
   * throws what {@link withRetries} repeats: the caller must confirm its lease before each try.
   */
  async deleteAll(keys: readonly string[]): Promise<void> {
    const body = deletionOf(keys);
    const headers = {
      'x-amz-content-sha256': sha256Hex(body),
      'content-md5': createHash('md5').update(body).digest('base64'),
    };
    const stop = AbortSignal.timeout(DELETION_MS);
    const request = { query: { delete: '' }, headers, body, limit: MAX_LISTING, stop };
    const answer = await this.#client.send({ method: 'POST', ...request });
    const [failed] = parseFailures(answer.body, answer.where);
    if (!failed) return;
    const message = `Storage did not delete ${failed.key}: ${failed.code}.`;
    throw new MirrorError('refused', message, { where: failed.key });
  }

  /** Yields the objects whose keys begin with `prefix`, in the order of their keys, a thousand to a request. */
  async *list(prefix: string): AsyncGenerator<ListedObject> {
    const tokens = new Set<string>();
    let token: string | undefined;
    do {
      const query = {
        ...{ 'list-type': '2', prefix },
        ...(token === undefined ? {} : { 'continuation-token': token }),
      };
      const { body, where } = await withRetries(() =>
        this.#client.send({ method: 'GET', query, limit: MAX_LISTING }),
      );
      const { objects, next } = parseListing(body, where);
      yield* objects;
      if (next !== undefined && tokens.has(next)) throw goesRound(where);
      if (next !== undefined) tokens.add(next);
      token = next;
    } while (token !== undefined);
  }
}

const goesRound = (where: string): MirrorError =>
  new MirrorError('bad-input', `${where} names an earlier page as the one after it.`, { where });

/** An absent object is an answer; an absent bucket is an error. */
function absence(answer: S3Answer): undefined {
  if (codeOf(answer) === 'NoSuchBucket') throw refusal(answer);
}

/** Returns the entity tag of an object without its quotes: an MD5 in hex if the object was put whole. */
export const md5Of = ({ etag }: StoredObject): string => etag.replaceAll('"', '');

/** Returns a SHA-256 of the whole object in hex; `undefined` for anything else, such as a checksum of parts. */
function hexOf(base64: string | undefined): string | undefined {
  const bytes = Buffer.from(base64 ?? '', 'base64');
  return bytes.length === 32 && bytes.toString('base64') === base64 ? bytesToHex(bytes) : undefined;
}

const etagOf = ({ header }: S3Answer): string => header('etag') ?? '';

function conditionHeaders(condition: PutCondition | undefined): Record<string, string> {
  if (condition === undefined) return {};
  return 'ifMatch' in condition ? { 'if-match': condition.ifMatch } : { 'if-none-match': '*' };
}
