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
    ['a line end', 'env-secret\n'],
    ['a line end of Windows', 'env-secret\r\n'],
    ['blanks', ' \tenv-secret  '],
    ['quotes', '"env-secret"'],
    ['single quotes and a line end', "'env-secret'\n"],
    ['a mark of the byte order', '\uFEFFenv-secret'],
    ['a blank that does not break', 'env-secret\u00A0'],
  ])('are as they should be, when the variables have %s around them', async (_what, secret) => {
    const environment = {
      AWS_ACCESS_KEY_ID: secret.replace('secret', 'id'),
      AWS_SECRET_ACCESS_KEY: secret,
      AWS_SESSION_TOKEN: secret.replace('secret', 'token'),
    };
    const keys = { accessKeyId: 'env-id', secretAccessKey: 'env-secret', sessionToken: 'env-token' };
    expect(await address(ENDPOINT, environment)).toMatchObject(keys);
    const r2 = { R2_ACCESS_KEY_ID: environment.AWS_ACCESS_KEY_ID, R2_SECRET_ACCESS_KEY: secret };
    expect(await address(ENDPOINT, r2)).toMatchObject({ ...keys, sessionToken: undefined });
  });

  test.each(['env secret', 'env\nsecret', 'env-secr\u00e9t', 'env\u200Bsecret'])(
    'with something inside that no key has are refused, and not printed: %j',
    async (secret) => {
      const given = address(ENDPOINT, { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: secret });
      const error = await given.catch((caught: unknown) => caught);
      expect(error).toMatchObject({
        code: 'usage',
        message: expect.stringContaining('AWS_SECRET_ACCESS_KEY'),
      });
      expect(JSON.stringify(error) + String(error)).not.toContain(JSON.stringify(secret).slice(1, -1));
    },
  );

  const LINES = ['[default]', 'aws_access_key_id = file-id', 'aws_secret_access_key = file/secret='];
  test.each<[string, string | Buffer]>([
    ['line ends of Windows', LINES.join('\r\n')],
    ['line ends of old Macs', LINES.join('\r')],
    ['a mark of the byte order', `\uFEFF${LINES.join('\n')}`],
    ['UTF-16, as PowerShell writes', Buffer.from(`\uFEFF${LINES.join('\r\n')}`, 'utf16le')],
    ['indentation', LINES.join('\n  ')],
    ['everything indented', LINES.map((line) => `\t${line}`).join('\n')],
    ['quotes', '[default]\naws_access_key_id = "file-id"\naws_secret_access_key = \'file/secret=\'\n'],
    ['colons', LINES.join('\n').replaceAll(' = ', ': ')],
    ['capitals', LINES.join('\n').replaceAll('aws_', 'AWS_')],
    ['comments', `# keys\n; of ours\n${LINES.join('\n# and\n\n')}`],
    ['a quoted name', LINES.join('\n').replace('default', ' "default" ')],
  ])('are read from a file with %s', async (_what, content) => {
    const file = join(HOME, 'other-credentials');
    await writeFile(file, content);
    const environment = { AWS_SHARED_CREDENTIALS_FILE: file, AWS_CONFIG_FILE: `${file}.none` };
    const keys = { accessKeyId: 'file-id', secretAccessKey: 'file/secret=' };
    expect(await address(ENDPOINT, environment)).toMatchObject(keys);
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

  test.each<[string, object, Record<string, string>]>([
    ['the options', { account: ` ${ACCOUNT}\r\n`, bucket: 'b\n' }, {}],
    ['the endpoint', { endpoint: `"${r2}/"\n` }, {}],
    ['the variables', {}, { CLOUDFLARE_ACCOUNT_ID: `${ACCOUNT}\n` }],
    ['a variable with an endpoint', {}, { AWS_ENDPOINT_URL: `\uFEFF${r2}\r\n` }],
  ])('is read from %s with a line end, quotes or blanks around', async (_what, options, environment) => {
    const found = await address(options, { ...AWS, AWS_REGION: 'eu-west-1\n', ...environment });
    expect(found).toMatchObject({ endpoint: r2, bucket: 'b', region: undefined });
  });

  const LOCAL = 'http://127.0.0.1:9000/cdn-cgi/local/r2/s3';
  test.each([
    [`${r2}/stout-mirror`, r2],
    [`${r2}/stout-mirror/`, r2],
    [`${r2}//stout-mirror//folder`, r2],
    [`${r2}/another-bucket`, r2],
    [`${r2}/stout%2Dmirror`, r2],
    [`https://stout-mirror.${ACCOUNT}.r2.cloudflarestorage.com`, r2],
    [`https://STOUT-MIRROR.${ACCOUNT}.r2.cloudflarestorage.com/`, r2],
    [
      `https://another.${ACCOUNT}.eu.r2.cloudflarestorage.com`,
      `https://${ACCOUNT}.eu.r2.cloudflarestorage.com`,
    ],
    ['https://r2.cloudflarestorage.com', 'https://ACCOUNT.r2.cloudflarestorage.com'],
    ['https://s3.eu-west-1.amazonaws.com/stout-mirror', 'https://s3.eu-west-1.amazonaws.com'],
    ['https://stout-mirror.s3.eu-west-1.amazonaws.com', 'https://s3.eu-west-1.amazonaws.com'],
    ['https://stout-mirror.s3-accelerate.amazonaws.com', 'https://s3-accelerate.amazonaws.com'],
    ['https://stout-mirror.s3.us-west-004.backblazeb2.com/x', 'https://s3.us-west-004.backblazeb2.com/x'],
    [`${LOCAL}/stout-mirror`, LOCAL],
  ])('is refused as %s, which contains the bucket, with the address to use', async (endpoint, right) => {
    for (const [options, environment] of [
      [{ endpoint }, {}],
      [{}, { AWS_ENDPOINT_URL_S3: endpoint }],
    ] as const) {
      await expect(
        address({ bucket: 'stout-mirror', ...options }, { ...AWS, ...environment }),
      ).rejects.toMatchObject({ code: 'usage', expected: right, found: endpoint });
    }
  });

  test.each([
    ['https://mirror.example.com', 'mirror'],
    ['https://s3.example.com', 's3'],
    ['https://host.example/storage/v1/s3', 'mirror'],
    [`https://${ACCOUNT}.eu.r2.cloudflarestorage.com`, 'eu'],
    [LOCAL, 'mirror'],
  ])('may be %s for a bucket named %s', async (endpoint, bucket) => {
    expect(await address({ endpoint, bucket }, AWS)).toMatchObject({ endpoint, bucket });
  });

  test.each(['s3://stout-mirror', 'stout-mirror/folder', '../stout-mirror', 'a b', '', 'x'.repeat(64)])(
    'is not in a bucket named %j',
    async (bucket) => {
      await expect(address({ ...ENDPOINT, bucket }, AWS)).rejects.toMatchObject({ code: 'usage' });
    },
  );

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
    ['the endpoint has a query', { endpoint: 'https://host.example?x=1' }, 'not an S3 endpoint'],
    ['the endpoint has credentials', { endpoint: 'https://id:key@host.example' }, 'not an S3 endpoint'],
    ['the endpoint is of another kind', { endpoint: 's3://bucket' }, 'not an S3 endpoint'],
  ])('when %s, the error says what to do', async (_name, options, hint) => {
    const error = await address(options, AWS).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'usage' });
    expect(`${(error as Error).message} ${(error as { expected?: string }).expected}`).toContain(hint);
  });
});
