import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { MirrorError } from '../../format/errors.ts';
import { ifPresent } from '../directory/write.ts';
import type { BucketAddress } from './s3-client.ts';

type Environment = Readonly<Record<string, string | undefined>>;
type Keys = Pick<BucketAddress, 'accessKeyId' | 'secretAccessKey' | 'sessionToken'>;
type Profile = Readonly<Record<string, string>>;

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
 * R2_SECRET_ACCESS_KEY, else from the profile (AWS_PROFILE, or `default`) in AWS's files. Throws `usage`, saying what to
 * set.
 */
export async function bucketAddress(
  options: BucketOptions,
  environment: Environment,
): Promise<BucketAddress> {
  const profile = await readProfile(environment);
  const endpoint = endpointOf(options, environment, profile);
  const { AWS_REGION, AWS_DEFAULT_REGION } = environment;
  const region = AWS_REGION || AWS_DEFAULT_REGION || profile.region;
  return {
    ...{ endpoint, bucket: options.bucket, ...keysOf(environment, profile) },
    // R2 has no regions, though the environment may be set up for AWS too.
    region: new URL(endpoint).hostname.endsWith('.r2.cloudflarestorage.com') ? undefined : region,
  };
}

function endpointOf(
  { endpoint, account }: BucketOptions,
  environment: Environment,
  profile: Profile,
): string {
  const { AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, CLOUDFLARE_ACCOUNT_ID } = environment;
  if (endpoint !== undefined && account !== undefined) {
    throw new MirrorError('usage', 'Give either --account (Cloudflare R2) or --endpoint (any S3), not both.');
  }
  if (account !== undefined) return r2Endpoint(account);
  const url = endpoint ?? (AWS_ENDPOINT_URL_S3 || AWS_ENDPOINT_URL || profile.endpoint_url);
  if (url === undefined && CLOUDFLARE_ACCOUNT_ID) return r2Endpoint(CLOUDFLARE_ACCOUNT_ID);
  if (url === undefined) {
    throw new MirrorError(
      'usage',
      'Say where the bucket is: --account (Cloudflare R2, or CLOUDFLARE_ACCOUNT_ID) or --endpoint (any S3).',
    );
  }
  if (/^https?:$/.test(URL.parse(url)?.protocol ?? '')) return url;
  throw new MirrorError('usage', `${url} is not an S3 endpoint.`, { expected: 'https://host', found: url });
}

function r2Endpoint(account: string): string {
  if (/^[0-9a-f]{32}$/i.test(account)) return `https://${account}.r2.cloudflarestorage.com`;
  throw new MirrorError('usage', `${account} is not a Cloudflare account id.`, {
    expected: '32 hex digits, as the dashboard shows them',
    found: account,
  });
}

function keysOf(environment: Environment, profile: Profile): Keys {
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
  const [accessKeyId, secretAccessKey] = [values[id], values[secret]];
  if (accessKeyId && secretAccessKey) {
    return { accessKeyId, secretAccessKey, sessionToken: values[token] || undefined };
  }
  if (!accessKeyId && !secretAccessKey) return undefined;
  const missing = accessKeyId ? secret : id;
  throw new MirrorError('usage', `${missing} is not set, and ${accessKeyId ? id : secret} is.`);
}

/** Reads the settings of the profile; the credentials file takes precedence over the config file. */
async function readProfile(environment: Environment): Promise<Profile> {
  const { AWS_PROFILE, AWS_SHARED_CREDENTIALS_FILE, AWS_CONFIG_FILE, HOME } = environment;
  const folder = join(HOME || homedir(), '.aws');
  const name = AWS_PROFILE || 'default';
  const config = await readSection(AWS_CONFIG_FILE || join(folder, 'config'), [`profile ${name}`, name]);
  const credentials = await readSection(AWS_SHARED_CREDENTIALS_FILE || join(folder, 'credentials'), [name]);
  if (!config && !credentials && AWS_PROFILE) {
    throw new MirrorError('usage', `There is no profile ${AWS_PROFILE} in AWS's files.`, {
      where: folder,
      found: AWS_PROFILE,
    });
  }
  return { ...config, ...credentials };
}

/** Reads the first section with one of these names. Indented lines belong to the setting above, and are skipped. */
async function readSection(path: string, names: readonly string[]): Promise<Profile | undefined> {
  const text = (await ifPresent(readFile(path, 'utf8'))) ?? '';
  const sections = new Map<string, Record<string, string>>();
  let section: Record<string, string> = {};
  for (const line of text.split(/\r?\n/)) {
    const name = /^\[\s*([^\]]+?)\s*\]/.exec(line)?.[1]?.replace(/\s+/g, ' ');
    const [, key, value] = /^([^\s#;=][^=]*?)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (name !== undefined) section = sections.get(name) ?? {};
    if (name !== undefined) sections.set(name, section);
    else if (key !== undefined && value !== undefined) section[key.toLowerCase()] = value;
  }
  return names.map((name) => sections.get(name)).find((found) => found !== undefined);
}
