import { MirrorError } from '../../format/errors.ts';
import { withoutTrailingSlashes } from '../../format/origin.ts';

const R2 = /(^|\.)r2\.cloudflarestorage\.com$/;
/** An account, and where its bucket must stay if that is restricted (`eu`). */
const R2_HOST = /([0-9a-f]{32}(?:\.[a-z]+)?\.r2\.cloudflarestorage\.com)$/;
/** The host of an S3 service, without a bucket before it: `s3.eu-west-1.amazonaws.com`, `s3.us-west-004.backblazeb2.com`. */
const S3_HOST = /^s3[.-]/;
const BUCKET_NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/i;

/** Returns true for a host of Cloudflare R2. */
export const isR2 = (endpoint: string): boolean => R2.test(new URL(endpoint).hostname);

/** Returns the R2 endpoint of a Cloudflare account. Throws `usage`. */
export function r2Endpoint(account: string): string {
  if (/^[0-9a-f]{32}$/i.test(account)) return `https://${account}.r2.cloudflarestorage.com`;
  throw new MirrorError('usage', `${account} is not a Cloudflare account id.`, {
    expected: '32 hex digits, as the dashboard shows them',
    found: account,
  });
}

/** Returns the name of a bucket. Throws `usage` for a path or a URL: what was published there would be in another place. */
export function parseBucketName(name: string): string {
  if (BUCKET_NAME.test(name)) return name;
  const message = `${JSON.stringify(name)} is not the name of a bucket.`;
  throw new MirrorError('usage', message, { expected: 'a name such as stout-mirror', found: name });
}

/**
 * Returns an S3 endpoint without slashes at its end. Throws `usage` for what is not one, and for one that contains the bucket, in
 * its path or its host (the R2 dashboard shows the former): objects would get other keys than readers look for.
 */
export function parseEndpoint(text: string, bucket: string): string {
  const url = URL.parse(text);
  const isPlain = url?.username === '' && url.password === '' && url.search === '' && url.hash === '';
  if (!url || !isPlain || !/^https?:$/.test(url.protocol)) {
    const message = `${text} is not an S3 endpoint.`;
    throw new MirrorError('usage', message, { expected: 'https://host', found: text });
  }
  const right = withoutBucket(url, bucket);
  if (right === undefined) return withoutTrailingSlashes(url.href);
  const message = `An endpoint must not contain the bucket, which --bucket names: use ${right} instead of ${text}.`;
  throw new MirrorError('usage', message, { expected: right, found: text });
}

/** Returns the endpoint that a URL must be reduced to; `undefined` if it is right. */
function withoutBucket({ protocol, hostname, host, pathname }: URL, bucket: string): string | undefined {
  const segments = pathname.split('/').filter((segment) => segment !== '');
  if (R2.test(hostname)) {
    const account = R2_HOST.exec(hostname)?.[1];
    if (account === hostname && segments.length === 0) return undefined;
    return `${protocol}//${account ?? 'ACCOUNT.r2.cloudflarestorage.com'}`;
  }
  const rest = host.startsWith(`${bucket.toLowerCase()}.`) ? host.slice(bucket.length + 1) : '';
  const isInHost = S3_HOST.test(rest);
  const at = segments.findIndex((segment) => isEncoded(segment, bucket));
  if (!isInHost && at < 0) return undefined;
  const before = at < 0 ? segments : segments.slice(0, at);
  return [`${protocol}//${isInHost ? rest : host}`, ...before].join('/');
}

function isEncoded(segment: string, text: string): boolean {
  try {
    return decodeURIComponent(segment) === text;
  } catch {
    return false;
  }
}
