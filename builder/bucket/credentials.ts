import { MirrorError } from '../../format/errors.ts';
import type { Environment } from '../places.ts';
import { readProfile } from './aws-files.ts';
import { isR2, parseBucketName, parseEndpoint, r2Endpoint } from './endpoint.ts';
import type { BucketAddress } from './s3-client.ts';

type Keys = Pick<BucketAddress, 'accessKeyId' | 'secretAccessKey' | 'sessionToken'>;

/** How the command line names a bucket. */
export interface BucketOptions {
  bucket: string;
  /** S3 endpoint. */
  endpoint?: string | undefined;
  /** Cloudflare account with the R2 bucket. */
  account?: string | undefined;
}

/**
 * Returns where a bucket is, and the keys to it: from AWS's variables, else from R2_ACCESS_KEY_ID and
 * R2_SECRET_ACCESS_KEY, else from the profile (AWS_PROFILE, or `default`) in AWS's files. Blanks, line ends and quotes around a
 * value are not part of it. Throws `usage`, saying what to set.
 */
export async function bucketAddress(
  options: BucketOptions,
  environment: Environment,
): Promise<BucketAddress> {
  const given = bareValues(options);
  const variables = bareValues(environment);
  const profile = bareValues(await readProfile(variables));
  const bucket = parseBucketName(given.bucket ?? '');
  const endpoint = parseEndpoint(endpointOf(given, variables, profile), bucket);
  const { AWS_REGION, AWS_DEFAULT_REGION } = variables;
  const region = AWS_REGION ?? AWS_DEFAULT_REGION ?? profile.region;
  return {
    ...{ endpoint, bucket, ...keysOf(variables, profile) },
    // R2 has no regions, though the environment may be set up for AWS too.
    region: isR2(endpoint) ? undefined : region,
  };
}

/**
 * Returns values without the blanks, line ends, byte order marks and quotes around them, which copying, `echo`, editors and
 * `docker --env-file` add and which none of these values has. Empty ones are left out.
 */
function bareValues(values: Readonly<object>): Environment {
  const bare = Object.entries(values).map(([name, value]) => {
    const text = typeof value === 'string' ? value.trim() : '';
    return [name, /^(["'])(.*)\1$/s.exec(text)?.[2]?.trim() ?? text];
  });
  return Object.fromEntries(bare.filter(([, text]) => text !== ''));
}

function endpointOf(
  { endpoint, account }: Environment,
  environment: Environment,
  profile: Environment,
): string {
  const { AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, CLOUDFLARE_ACCOUNT_ID } = environment;
  if (endpoint !== undefined && account !== undefined) {
    throw new MirrorError('usage', 'Give either --account (Cloudflare R2) or --endpoint (any S3), not both.');
  }
  if (account !== undefined) return r2Endpoint(account);
  const url = endpoint ?? AWS_ENDPOINT_URL_S3 ?? AWS_ENDPOINT_URL ?? profile.endpoint_url;
  if (url !== undefined) return url;
  if (CLOUDFLARE_ACCOUNT_ID !== undefined) return r2Endpoint(CLOUDFLARE_ACCOUNT_ID);
  throw new MirrorError(
    'usage',
    'Say where the bucket is: --account (Cloudflare R2, or CLOUDFLARE_ACCOUNT_ID) or --endpoint (any S3).',
  );
}

function keysOf(environment: Environment, profile: Environment): Keys {
  const { AWS_PROFILE } = environment;
  const keys =
    pairOf(environment, 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN') ??
    pairOf(environment, 'R2_ACCESS_KEY_ID', 'R2_SECRET_ACCESS_KEY') ??
    pairOf(profile, 'aws_access_key_id', 'aws_secret_access_key', 'aws_session_token');
  if (keys) return keys;
  if (AWS_PROFILE) {
    throw new MirrorError(
      'usage',
      `The profile ${AWS_PROFILE} has no access key. If it signs in another way, export what it gets: ` +
        `eval "$(aws configure export-credentials --profile ${AWS_PROFILE} --format env)".`,
      { found: AWS_PROFILE },
    );
  }
  throw new MirrorError(
    'usage',
    'There is no access key for the bucket: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or R2_ACCESS_KEY_ID and ' +
      'R2_SECRET_ACCESS_KEY, or AWS_PROFILE (for R2: dashboard, R2, Manage API tokens, Object Read & Write).',
  );
}

/** Returns a pair of keys, if both are set. Throws `usage` for half a pair: that is a mistake, not a reason to look elsewhere. */
function pairOf(values: Environment, id: string, secret: string, token = ''): Keys | undefined {
  const [accessKeyId, secretAccessKey, sessionToken] = [id, secret, token].map((name) => keyOf(values, name));
  if (accessKeyId !== undefined && secretAccessKey !== undefined) {
    return { accessKeyId, secretAccessKey, sessionToken };
  }
  if (accessKeyId === undefined && secretAccessKey === undefined) return undefined;
  const [missing, set] = accessKeyId === undefined ? [id, secret] : [secret, id];
  throw new MirrorError('usage', `${missing} is not set, and ${set} is.`);
}

/** Returns a key. Throws `usage`, without the value, if it has a character that would make storage refuse every request. */
function keyOf(values: Environment, name: string): string | undefined {
  const value = values[name];
  if (value === undefined || /^[\x21-\x7e]+$/.test(value)) return value;
  const message = `${name} has a blank, a line end or another character inside that no key has: copy it again.`;
  throw new MirrorError('usage', message);
}
