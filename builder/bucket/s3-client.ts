import { AwsV4Signer } from 'aws4fetch';
import { sha256Hex } from '../../format/digest.ts';
import { MirrorError } from '../../format/errors.ts';
import { withoutTrailingSlashes } from '../../format/origin.ts';
import { diskError, withPath } from '../directory/disk-error.ts';
import { openPlain } from '../directory/plain-file.ts';
import { isAbsent } from '../directory/write.ts';
import { expectUnaltered } from '../http/altered.ts';
import { type Answer, type OutgoingRequest, readBody, send } from '../http/request.ts';
import { isTransientStatus, retryAfterSeconds, Transient } from '../http/retry.ts';
import { parseErrorCode } from './xml.ts';

const MAX_ERROR = 64 * 1024;
/** Storage checks a long object before it answers. */
const ANSWER_SECONDS = 120;
const CHUNK = 256 * 1024;
const EMPTY_SHA256 = sha256Hex(new Uint8Array());
/** Status for an object that another request is changing: S3 asks to try again. */
const CONFLICT = 409;

/** Where a bucket is, and the keys to it. */
export interface BucketAddress {
  /** S3 endpoint without the bucket, for example `https://<account>.r2.cloudflarestorage.com`. */
  endpoint: string;
  bucket: string;
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string | undefined;
  /** `auto` by default, which R2 wants. */
  region?: string | undefined;
}

/** A file's bytes, read while they are sent. */
export interface FileBody {
  path: string;
  /** Length of the file in bytes. */
  size: number;
  /** Called with the number of bytes that this try has sent so far. */
  onSent?: (bytes: number) => void;
}

/** A request to storage, before it is signed. */
export interface S3Request {
  method: OutgoingRequest['method'];
  /** Key of an object; the bucket itself if absent. */
  key?: string;
  query?: Record<string, string>;
  headers?: Record<string, string>;
  body?: Uint8Array | FileBody;
  /** Longest answer, in bytes. */
  limit?: number;
  /** Statuses that are answers, besides the successful ones. */
  expected?: readonly number[];
  stop?: AbortSignal | undefined;
}

/** Storage's answer, read whole. */
export interface S3Answer extends Pick<Answer, 'status' | 'header'> {
  body: Uint8Array;
  /** The request's URL, for messages. */
  where: string;
}

/** Signs requests to one bucket (AWS Signature Version 4) and sends them. */
export class S3Client {
  readonly #base: string;
  readonly #signing: Omit<
    ConstructorParameters<typeof AwsV4Signer>[0],
    'method' | 'url' | 'headers' | 'body'
  >;

  constructor({ endpoint, bucket, accessKeyId, secretAccessKey, sessionToken, region }: BucketAddress) {
    this.#base = `${withoutTrailingSlashes(endpoint)}/${bucket}`;
    this.#signing = {
      ...{ accessKeyId, secretAccessKey, service: 's3', region: region ?? 'auto' },
      ...(sessionToken === undefined ? {} : { sessionToken }),
      // Signing keys, each valid for a day.
      cache: new Map(),
    };
  }

  /**
   * Sends one request and returns the answer. Throws `refused` with what to do about it, `unreachable`, `too-large`, and
   * `missing`, `disk` or `mismatch` for a file that is absent, cannot be read or has changed; as {@link Transient} if another try may help.
   */
  async send(request: S3Request): Promise<S3Answer> {
    const { method, body, limit = MAX_ERROR, expected = [], stop } = request;
    const where = this.#urlOf(request);
    const signer = new AwsV4Signer({
      ...{ method, url: where, headers: { 'x-amz-content-sha256': EMPTY_SHA256, ...request.headers } },
      ...this.#signing,
    });
    const { url, headers: signed } = await signer.sign();
    const headers = Object.fromEntries(signed);
    if (body) headers['content-length'] = String('size' in body ? body.size : body.length);
    const sent = await send({
      ...{ method, url, headers, signal: stop, answerSeconds: ANSWER_SECONDS },
      ...(body ? { body: 'size' in body ? bytesOf(body) : body } : {}),
    });
    const isAnswer = (sent.status >= 200 && sent.status < 300) || expected.includes(sent.status);
    const bytes = await readBody(sent.body, isAnswer ? limit : MAX_ERROR, where);
    const answer = { ...sent, where, body: bytes };
    if (!isAnswer) throw refusal(answer);
    if (sent.status < 300) expectUnaltered(sent, where, bytes);
    return answer;
  }

  #urlOf({ key, query }: S3Request): string {
    const path = key === undefined ? '' : `/${key.split('/').map(encodeURIComponent).join('/')}`;
    return `${this.#base}${path}${query ? `?${new URLSearchParams(query)}` : ''}`;
  }
}

async function* bytesOf({ path, size, onSent }: FileBody): AsyncGenerator<Uint8Array> {
  if (size === 0) return;
  let sent = 0;
  try {
    const file = await openPlain(path);
    for await (const chunk of file.createReadStream({ end: size - 1, highWaterMark: CHUNK })) {
      yield chunk;
      sent += chunk.length;
      onSent?.(sent);
    }
  } catch (cause) {
    if (isAbsent(cause)) throw new MirrorError('missing', `${path} is missing.`, { where: path, cause });
    throw diskError(withPath(cause, path)) ?? cause;
  }
  if (sent === size) return;
  throw new MirrorError('mismatch', `${path} changed while it was uploaded.`, { where: path });
}

const ACCESS_KEY = 'Check the access key: storage does not know it, or it is not for this bucket.';
const WRONG_BYTES =
  'Storage received other bytes than were signed: the file may have changed during the upload.';

/** What to do about a refusal, by its code. */
const HINTS: Readonly<Record<string, string>> = {
  AccessDenied: 'The access key must be allowed to read, write, list and delete objects of this bucket.',
  BadDigest: WRONG_BYTES,
  ExpiredToken: 'The session token has expired: get new credentials.',
  InvalidAccessKeyId: ACCESS_KEY,
  NoSuchBucket: 'The bucket does not exist: create it first (`npx wrangler r2 bucket create`).',
  NoSuchKey: 'What should be the bucket is an object to it: the endpoint must not contain the bucket.',
  NotImplemented: 'This store lacks something that publishing needs: see docs/publishing.md.',
  RequestTimeTooSkewed: 'The clock of this machine is wrong.',
  SignatureDoesNotMatch: 'The secret access key does not belong to the access key.',
  Unauthorized: ACCESS_KEY,
  XAmzContentChecksumMismatch: WRONG_BYTES,
  XAmzContentSHA256Mismatch: WRONG_BYTES,
};

/** Returns the code in an error answer of S3. */
export const codeOf = ({ body, where }: S3Answer): string | undefined => parseErrorCode(body, where);

/** Returns the error for a refusal: {@link Transient} if waiting may help. */
export function refusal(answer: S3Answer): Error {
  const { status, header, where } = answer;
  const code = codeOf(answer);
  const hint = HINTS[code ?? ''] ?? (status === 401 || status === 403 ? ACCESS_KEY : undefined);
  const message = `Storage refused ${where}: ${code ?? 'no reason given'} (${status}).`;
  const isTransient = isTransientStatus(status);
  const details = { where, found: code ?? String(status) };
  const error = new MirrorError(
    isTransient ? 'unreachable' : 'refused',
    hint === undefined ? message : `${message} ${hint}`,
    details,
  );
  if (!isTransient && status !== CONFLICT) return error;
  return new Transient(error, retryAfterSeconds(header('retry-after'), new Date()));
}
