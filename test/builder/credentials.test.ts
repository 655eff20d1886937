import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bucketAddress } from '../../builder/bucket/credentials.ts';
import { temporaryFolder } from '../support/temporary.ts';

const ACCOUNT = 'a'.repeat(32);
const HOME = await temporaryFolder();
await mkdir(join(HOME, '.aws'));
await writeFile(
  join(HOME, '.aws', 'credentials'),
  `# keys
[default]
aws_access_key_id = default-id
aws_secret_access_key = default-secret

[work]\r
aws_access_key_id=work-id\r
aws_secret_access_key=work/secret+with=signs\r
aws_session_token = work-token
[half]
aws_access_key_id = half-id
`,
);
await writeFile(
  join(HOME, '.aws', 'config'),
  `[profile work]
region = eu-west-1
aws_access_key_id = not-this-one
s3 =
  endpoint_url = https://nested.example
endpoint_url = https://s3.example
[profile sso]
sso_session = corp
`,
);

const AWS = { AWS_ACCESS_KEY_ID: 'env-id', AWS_SECRET_ACCESS_KEY: 'env-secret' };
const R2 = { R2_ACCESS_KEY_ID: 'r2-id', R2_SECRET_ACCESS_KEY: 'r2-secret' };
const ENDPOINT = { endpoint: 'https://host.example' };
const address = (options: object, environment: Record<string, string> = {}) =>
  bucketAddress({ bucket: 'b', ...options }, { HOME, ...environment });

describe('the keys to a bucket', () => {
  test.each([
    ["AWS's variables", { ...AWS, ...R2, AWS_PROFILE: 'work' }, 'env-id', 'env-secret'],
    ["R2's variables, when AWS's are not set", { ...R2, AWS_PROFILE: 'work' }, 'r2-id', 'r2-secret'],
    ['the profile that AWS_PROFILE names', { AWS_PROFILE: 'work' }, 'work-id', 'work/secret+with=signs'],
    ['the default profile', {}, 'default-id', 'default-secret'],
  ])('are those of %s', async (_name, environment, accessKeyId, secretAccessKey) => {
    expect(await address(ENDPOINT, environment)).toMatchObject({ accessKeyId, secretAccessKey });
  });

  test('come with the session token that belongs to them, and no other', async () => {
    expect(await address(ENDPOINT, { AWS_PROFILE: 'work' })).toMatchObject({ sessionToken: 'work-token' });
    const temporary = { ...AWS, AWS_SESSION_TOKEN: 'env-token' };
    expect(await address(ENDPOINT, temporary)).toMatchObject({ sessionToken: 'env-token' });
    expect(await address(ENDPOINT, { ...AWS, AWS_PROFILE: 'work' })).toMatchObject({
      sessionToken: undefined,
    });
  });

  test.each([
    ['only half a pair is set', { AWS_ACCESS_KEY_ID: 'id' }, 'AWS_SECRET_ACCESS_KEY is not set'],
    ['only half a pair is in the profile', { AWS_PROFILE: 'half' }, 'aws_secret_access_key is not set'],
    ['there are none', { HOME: join(HOME, 'nobody') }, 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY'],
    ['the profile does not exist', { AWS_PROFILE: 'other' }, 'There is no profile other'],
    [
      'the profile signs in another way',
      { AWS_PROFILE: 'sso' },
      'aws configure export-credentials --profile sso',
    ],
  ])('when %s, the error says what to do', async (_name, environment, message) => {
    await expect(address(ENDPOINT, environment)).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining(message),
    });
  });
});

describe('where a bucket is', () => {
  const r2 = `https://${ACCOUNT}.r2.cloudflarestorage.com`;
  test.each([
    ['--account', { account: ACCOUNT }, { AWS_ENDPOINT_URL: 'https://other.example' }, r2],
    ['--endpoint', ENDPOINT, { CLOUDFLARE_ACCOUNT_ID: ACCOUNT }, 'https://host.example'],
    ['CLOUDFLARE_ACCOUNT_ID', {}, { CLOUDFLARE_ACCOUNT_ID: ACCOUNT }, r2],
    [
      'AWS_ENDPOINT_URL_S3 rather than AWS_ENDPOINT_URL',
      {},
      { AWS_ENDPOINT_URL_S3: 'https://s3.example', AWS_ENDPOINT_URL: 'https://other.example' },
      'https://s3.example',
    ],
    [
      "the profile's endpoint, not that of a nested setting",
      {},
      { AWS_PROFILE: 'work' },
      'https://s3.example',
    ],
  ])('is read from %s', async (_name, options, environment, endpoint) => {
    expect((await address(options, environment)).endpoint).toBe(endpoint);
  });

  test('has the region of the environment or the profile, but R2 has none', async () => {
    expect(await address(ENDPOINT, { AWS_PROFILE: 'work' })).toMatchObject({ region: 'eu-west-1' });
    const set = { AWS_PROFILE: 'work', AWS_REGION: 'us-east-2' };
    expect(await address(ENDPOINT, set)).toMatchObject({ region: 'us-east-2' });
    expect(await address({ account: ACCOUNT }, set)).toMatchObject({ region: undefined });
    const jurisdiction = { endpoint: `https://${ACCOUNT}.eu.r2.cloudflarestorage.com` };
    expect(await address(jurisdiction, set)).toMatchObject({ region: undefined });
  });

  test.each([
    ['nothing says', {}, '--account'],
    ['two options say', { account: ACCOUNT, ...ENDPOINT }, 'not both'],
    ['the account is not an id', { account: 'me' }, '32 hex digits'],
    ['the endpoint is not an address', { endpoint: 'host.example' }, 'not an S3 endpoint'],
  ])('when %s, the error says what to do', async (_name, options, hint) => {
    const error = await address(options, AWS).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'usage' });
    expect(`${(error as Error).message} ${(error as { expected?: string }).expected}`).toContain(hint);
  });
});
