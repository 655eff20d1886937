import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { snapshotName } from '../../format/layout.ts';
import { keyIdText, publicKeyLine } from '../../format/minisign/public-key.ts';
import { formatSecretKey } from '../../format/minisign/secret-key.ts';
import { commandLine } from '../support/command-line.ts';
import { send } from '../support/http.ts';
import { OTHER_KEY, TEST_KEY } from '../support/keys.ts';
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

const readVersion = async (directory: string): Promise<number> =>
  JSON.parse(await readFile(join(directory, 'snapshot/root.json'), 'utf8')).version;

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
    expect(rows[0]).toMatch(
      /^SNAPSHOT +STATE +CREATED +PACKAGES +FILES +SIZE +SIGNED UNTIL +LIVE IN +PINNED UNTIL$/,
    );
    expect(rows[1]).toMatch(
      new RegExp(`^${nameOf(published.version)} +live +20\\d\\d-.* +4 +\\d+ +.*20\\d\\d-`),
    );
    expect(rows[2]).toMatch(new RegExp(`^${nameOf(published.previous)} +kept `));
    expect(await done(['rollback', '--dry-run'])).toBe(
      `Would make the content of snapshot ${published.previous}, signed at ${rows[2]?.split(/ {2,}/)[2]}, live in place of ` +
        `${published.version}:\n0 packages would change. Nothing was written.\n`,
    );
    // It signs nothing, so that a public key is enough.
    const trust = ['--trust', publicKeyLine(TEST_KEY.publicKey)];
    const preview = ['rollback', '--dry-run', '--bucket', BUCKET, ...trust];
    expect((await run(preview, { MIRROR_SIGNING_KEY: '' })).status).toBe(0);
    const rolledBack = JSON.parse(await done(['rollback', '--to', String(published.previous), '--json']));
    expect(rolledBack).toMatchObject({ content_of: published.previous, previous: published.version });
    const { snapshots } = JSON.parse(await done(['snapshots', '--json']));
    expect(snapshots[0]).toMatchObject({ version: rolledBack.version, state: 'live' });
    expect(await done(['prune-bucket', '--keep', '1', '--dry-run'])).toContain('Would remove 0 snapshots');
    expect(await done(['prune-bucket', '--keep', '1', '--grace', '1h'])).toMatch(
      /^Removed \d snapshots? and/,
    );
    expect(JSON.parse((await send(worker.origin, '/verify')).body.toString())).toMatchObject({ ok: true });
  });

  test('take folder, bucket and snapshots to keep from a mirror.toml', async () => {
    const config = join(folder, 'mirror.toml');
    const endpoint = `${worker.origin}/cdn-cgi/local/r2/s3`;
    await writeFile(
      config,
      `directory = "mirror"\n[publish]\nbucket = "${BUCKET}"\nendpoint = "${endpoint}"\nkeep = 1\n`,
    );
    // Newer than a rollback within this second.
    const SOURCE_DATE_EPOCH = String(Math.floor(Date.now() / 1000) + 2);
    const environment = {
      ...NOTHING_SET,
      ...{ HOME: folder, AWS_PROFILE: 'mirror', MIRROR_SIGNING_KEY, SOURCE_DATE_EPOCH },
    };
    const withFile = (...args: string[]) => commandLine([...args, '--config', config], environment);
    expect((await withFile('sign')).status).toBe(0);
    const { status, stdout, stderr } = await withFile('publish', '--json');
    expect([status, stderr]).toEqual([0, status === 0 ? stderr : '']);
    // Only with a number to keep does it remove.
    expect(JSON.parse(stdout)).toMatchObject({ changed: true, removed: { dry_run: false } });
    expect((await withFile('snapshots')).stdout).toContain('live');
  });

  test('diff compares the live snapshot, a kept one and a folder', async () => {
    const { snapshots } = JSON.parse(await done(['snapshots', '--json']));
    const from = snapshots[0].version;
    const request = { ...REQUEST, packages: ['lz4'], tags: ['sonoma'], vulnerabilities: false, casks: [] };
    await makeMirror(mirror, { request, now: new Date((from + 2) * 1000) });
    await done(['publish', mirror]);
    const now = await readVersion(mirror);
    const expected = { from: { version: from }, to: { version: now }, same_mirror: true, differs: true };
    for (const name of [String(from), nameOf(from)]) {
      const diff = JSON.parse(await done(['diff', name, 'current', '--json']));
      expect(diff).toMatchObject(expected);
      expect(diff.changes).toContainEqual(expect.objectContaining({ name: 'lz4', to: '1.10.0' }));
      expect(diff.changes).toContainEqual(expect.objectContaining({ name: 'jq', from: '1.7.1' }));
    }
    expect(await done(['diff', mirror, 'current'])).toContain('both are the same snapshot');
    expect(await done(['diff', 'current', nameOf(now)])).toContain('both are the same snapshot');
    expect(await done(['diff', 'current', 'upstream', '--upstream', inject('upstream')])).toBe(
      'Everything is at its newest version.\n',
    );
    expect(await run(['diff', '5', 'current', '--bucket', BUCKET])).toMatchObject({
      ...{ status: 1, stderr: expect.stringContaining('keeps no snapshot 5') },
    });
    const other = publicKeyLine(OTHER_KEY.publicKey);
    expect(await run(['diff', mirror, 'current', '--bucket', BUCKET, '--trust', other])).toMatchObject({
      ...{ status: 1, stdout: '' },
    });
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
