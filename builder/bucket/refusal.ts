import { MirrorError } from '../../format/errors.ts';
import { isTransientStatus, retryAfterSeconds, Transient } from '../http/retry.ts';
import type { StorageAnswer } from './transport.ts';

/** Another request was changing the same object: S3 asks to try again. */
const CONFLICT = 409;

const ACCESS_KEY = 'Check the access key: storage does not know it, or it is not for this bucket.';
const CAPABILITY = 'This store lacks something that publishing rests on: see docs/publishing.md.';
const WRONG_BYTES = 'What arrived is not what was sent: the file may have changed meanwhile.';

/** What to do about a refusal, by the code in it. */
const HINTS: Readonly<Record<string, string>> = {
  AccessDenied: 'The access key must be allowed to read, write, list and delete objects of this bucket.',
  BadDigest: WRONG_BYTES,
  ExpiredToken: 'The session token has expired: get new credentials.',
  InvalidAccessKeyId: ACCESS_KEY,
  NoSuchBucket: 'There is no such bucket: make it first (`npx wrangler r2 bucket create`).',
  NotImplemented: CAPABILITY,
  RequestTimeTooSkewed: 'The clock of this machine is wrong.',
  SignatureDoesNotMatch: 'The secret access key is not the one that belongs to the access key.',
  Unauthorized: ACCESS_KEY,
  XAmzContentChecksumMismatch: WRONG_BYTES,
  XAmzContentSHA256Mismatch: WRONG_BYTES,
};

/** The code in an error answer of S3, `undefined` where there is none. */
export const refusalCode = ({ body }: StorageAnswer): string | undefined =>
  /<Code>([^<]{1,100})<\/Code>/.exec(Buffer.from(body).toString('utf8'))?.[1];

/** The error for an answer that is none: `refused` with what to do about it, {@link Transient} where that is to wait. */
export function refusal(answer: StorageAnswer, where: string): Error {
  const { status, headers } = answer;
  const code = refusalCode(answer);
  const hint = HINTS[code ?? ''] ?? (status === 401 || status === 403 ? ACCESS_KEY : undefined);
  const message = `Storage refused ${where}: ${code ?? 'no reason given'} (${status}).`;
  const error = new MirrorError('refused', hint === undefined ? message : `${message} ${hint}`, {
    where,
    found: code ?? String(status),
  });
  if (!isTransientStatus(status) && status !== CONFLICT) return error;
  return new Transient(error, retryAfterSeconds(headers['retry-after'] ?? null, new Date()));
}
