import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { snapshotName } from '../../format/layout.ts';
import { keyIdText } from '../../format/minisign/public-key.ts';
import { formatSecretKey } from '../../format/minisign/secret-key.ts';
import { commandLine } from '../support/command-line.ts';
import { send } from '../support/http.ts';
import { TEST_KEY } from '../support/keys.ts';
import { makeMirror, REQUEST } from '../support/mirror.ts';
import type { Ended } from '../support/programs.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { BUCKET, CREDENTIALS, startTestWorker, type TestWorker } from '../support/worker.ts';

const folder = await temporaryFolder();
const mirror = join(folder, 'mirror');
const nameOf = (version: number): string => snapshotName({ version, signer: keyIdText(TEST_KEY.keyId) });
const MIRROR_SIGNING_KEY = await formatSecretKey(TEST_KEY);
let worker: TestWorker;

beforeAll(async () => {
  const small = { ...REQUEST, packages: ['jq'], tags: ['sonoma'], vulnerabilities: false };
  await makeMirror(mirror, { request: small, now: new Date(Date.now() - 60_000) });
  await makeMirror(mirror, { request: small, now: new Date(Date.now() - 50_000) });
  worker = await startTestWorker();
  await mkdir(join(folder, '.aws'));
  await writeFile(
    join(folder, '.aws', 'credentials'),
    `[mirror]\naws_access_key_id = ${CREDENTIALS.accessKeyId}\naws_secret_access_key = ${CREDENTIALS.secretAccessKey}\n`,
  );
});
afterAll(() => worker.close());

const NOTHING_SET = {
  ...{ AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '', AWS_SESSION_TOKEN: '', AWS_ENDPOINT_URL: '' },
  ...{ AWS_REGION: '', AWS_DEFAULT_REGION: '', R2_ACCESS_KEY_ID: '', R2_SECRET_ACCESS_KEY: '' },
};

/** Runs a verb on the test bucket, with the keys of a profile. */
const run = (args: string[], environment: Record<string, string> = {}): Promise<Ended> =>
  commandLine([...args, '--endpoint', `${worker.origin}/cdn-cgi/local/r2/s3`], {
    ...NOTHING_SET,
    ...{ HOME: folder, XDG_CONFIG_HOME: folder, AWS_PROFILE: 'mirror', MIRROR_SIGNING_KEY },
    ...environment,
  });

async function done(args: string[]): Promise<string> {
  const { status, stdout, stderr } = await run([...args, '--bucket', BUCKET]);
  expect([status, stderr]).toEqual([0, status === 0 ? stderr : '']);
  return stdout;
}

describe('the verbs that work on a bucket', () => {
  test('publish, sign and publish again, list, roll back, clean up', async () => {
    expect(await done(['snapshots'])).toContain('Nothing has been published');
    expect(await done(['publish', mirror, '--dry-run'])).toMatch(/^Would upload \d+ objects/);
    expect(await done(['publish', mirror, '--url', worker.origin])).toMatch(
      /^Uploaded \d+ objects .*\n.*is live;/,
    );
    expect(await done(['publish', mirror])).toContain('already live: nothing to do');
    expect((await commandLine(['sign', mirror], { MIRROR_SIGNING_KEY })).status).toBe(0);
    const published = JSON.parse(await done(['publish', mirror, '--keep', '1', '--skip-verify', '--json']));
    expect(published).toMatchObject({
      changed: true,
      removed: { snapshots: [], kept: [nameOf(published.version), nameOf(published.previous)] },
    });
    const rows = (await done(['snapshots'])).trimEnd().split('\n');
    expect(rows[0]).toMatch(/^SNAPSHOT +STATE +CREATED +PACKAGES +FILES +SIZE +SIGNED UNTIL$/);
    expect(rows[1]).toMatch(
      new RegExp(`^${nameOf(published.version)} +live +20\\d\\d-.* +4 +\\d+ +.*20\\d\\d-`),
    );
    expect(rows[2]).toMatch(new RegExp(`^${nameOf(published.previous)} +kept `));
    const rolledBack = JSON.parse(await done(['rollback', '--to', String(published.previous), '--json']));
    expect(rolledBack).toMatchObject({ content_of: published.previous, previous: published.version });
    const { snapshots } = JSON.parse(await done(['snapshots', '--json']));
    expect(snapshots[0]).toMatchObject({ version: rolledBack.version, state: 'live' });
    expect(await done(['prune-bucket', '--keep', '1', '--dry-run'])).toContain('Would remove 0 snapshots');
    expect(await done(['prune-bucket', '--keep', '1', '--grace', '1s'])).toMatch(
      /^Removed \d snapshots? and/,
    );
    expect(JSON.parse((await send(worker.origin, '/verify')).body.toString())).toMatchObject({ ok: true });
  });

  test.each<[string, Record<string, string>, string]>([
    [
      'the access key is wrong',
      { AWS_ACCESS_KEY_ID: 'other', AWS_SECRET_ACCESS_KEY: 'x' },
      'Check the access key',
    ],
    [
      'the secret is wrong',
      { AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId, AWS_SECRET_ACCESS_KEY: 'other' },
      'The secret access key does not belong',
    ],
    ['the profile does not exist', { AWS_PROFILE: 'nobody' }, 'There is no profile nobody'],
  ])('when %s, say what to do', async (_name, environment, message) => {
    const { status, stdout, stderr } = await run(['snapshots', '--bucket', BUCKET, '--json'], environment);
    expect([status > 0, stderr]).toEqual([true, expect.stringContaining(message)]);
    expect(JSON.parse(stdout)).toMatchObject({ ok: false });
  });

  test.each([['publish', mirror], ['snapshots']])(
    'when the bucket does not exist, %s says so',
    async (...args) => {
      const { status, stderr } = await run([...args, '--bucket', 'none']);
      expect([status, stderr]).toEqual([1, expect.stringContaining('The bucket does not exist')]);
    },
  );
});
