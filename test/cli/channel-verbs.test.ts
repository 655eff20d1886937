import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { snapshotName } from '../../format/layout.ts';
import { keyIdText, publicKeyLine } from '../../format/minisign/public-key.ts';
import { formatSecretKey } from '../../format/minisign/secret-key.ts';
import { commandLine } from '../support/command-line.ts';
import { TEST_KEY } from '../support/keys.ts';
import { makeMirror, REQUEST } from '../support/mirror.ts';
import type { Ended } from '../support/programs.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { BUCKET, CREDENTIALS, startTestWorker, type TestWorker } from '../support/worker.ts';

const folder = await temporaryFolder();
const mirror = join(folder, 'mirror');
const MIRROR_SIGNING_KEY = await formatSecretKey(TEST_KEY);
const nameOf = (version: number): string => snapshotName({ version, signer: keyIdText(TEST_KEY.keyId) });
let worker: TestWorker;

beforeAll(async () => {
  const small = { ...REQUEST, packages: ['jq'], casks: [], tags: ['sonoma'], vulnerabilities: false };
  await makeMirror(mirror, { request: small, now: new Date(Date.now() - 60_000) });
  worker = await startTestWorker();
});
afterAll(() => worker.close());

const withKeys = (args: string[], environment: Record<string, string>): Promise<Ended> =>
  commandLine([...args, '--bucket', BUCKET, '--endpoint', `${worker.origin}/cdn-cgi/local/r2/s3`], {
    ...{ AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId, AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey },
    ...{ AWS_SESSION_TOKEN: '', AWS_REGION: '', HOME: folder, XDG_CONFIG_HOME: folder },
    ...environment,
  });

/** Runs a verb with the secret key that signs the mirror. */
const run = (...args: string[]): Promise<Ended> => withKeys(args, { MIRROR_SIGNING_KEY });

async function done(...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await run(...args);
  expect([status, stderr]).toEqual([0, status === 0 ? stderr : '']);
  return stdout;
}

describe('the verbs that work on channels', () => {
  test('publish to one, list them, promote without a secret key, pin, remove', async () => {
    const { version: first } = JSON.parse(await done('publish', mirror, '--json'));
    expect((await commandLine(['sign', mirror], { MIRROR_SIGNING_KEY })).status).toBe(0);
    expect(await done('publish', mirror, '--channel', 'canary', '--dry-run')).toContain(
      'live in channel canary.',
    );
    expect(await done('publish', mirror, '--channel', 'canary')).toMatch(/ is live in channel canary; every/);
    expect(await done('publish', mirror, '--channel', 'canary')).toContain('already live in channel canary');
    const [headings, ...rows] = (await done('channels')).trimEnd().split('\n');
    expect(headings).toMatch(/^CHANNEL +SNAPSHOT +CREATED +LIVE SINCE +SIGNED UNTIL +AGAINST CURRENT$/);
    expect(rows[0]).toMatch(new RegExp(`^current +${nameOf(first)} +20.*Z$`));
    expect(rows[1]).toMatch(/^canary +\d+-[0-9A-F]{16} +20.* ahead$/);
    const trust = ['--trust', publicKeyLine(TEST_KEY.publicKey)];
    const early = await withKeys(['promote', 'canary', 'current', '--after', '24h', ...trust], {});
    expect([early.status, early.stdout]).toEqual([
      0,
      expect.stringMatching(/^It is too early: .* at 20\d\d-.*Z or later\. Nothing was changed\.$/m),
    ]);
    const promoted = await withKeys(['promote', 'canary', 'current', '--json', ...trust], {});
    expect(JSON.parse(promoted.stdout)).toMatchObject({ exit_code: 0, previous: first, changed: true });
    expect(await done('promote', 'canary', 'current')).toContain('already live in current: nothing to do');
    expect(await done('pin', String(first), '--until', '2999-12-31')).toContain(
      'is kept until 2999-12-31T23:59:59Z',
    );
    const listed = (await done('snapshots')).split('\n');
    expect(listed[1]).toMatch(/ current, canary$/);
    expect(listed[2]).toMatch(new RegExp(`^${nameOf(first)} +kept +.* 2999-12-31T23:59:59Z$`));
    expect(await done('pin', nameOf(first), '--remove')).toContain('is not pinned any more');
    expect(await done('rollback', '--channel', 'canary', '--to', String(first))).toContain(
      'is live in channel canary.',
    );
    expect(await done('channels', '--remove', 'canary')).toMatch(
      /^Removed channel canary\. What it had is pinned until 20.*Z\.\n$/,
    );
    expect(JSON.parse(await done('channels', '--json')).channels).toMatchObject([
      { name: 'current', version: JSON.parse(promoted.stdout).version, against_current: 'same' },
    ]);
  });

  test.each<[number, string, string[]]>([
    [2, 'small letters', ['publish', mirror, '--channel', 'Canary']],
    [2, 'small letters', ['promote', 'canary', '../x']],
    [2, 'Name two channels', ['promote', 'canary', 'canary']],
    [1, 'no channel nowhere', ['promote', 'nowhere', 'current']],
    [1, 'no channel nowhere', ['rollback', '--channel', 'nowhere']],
    [2, 'is not removed', ['channels', '--remove', 'current']],
    [1, 'no channel nowhere', ['channels', '--remove', 'nowhere']],
    [2, 'a version', ['pin', 'current']],
    [2, 'a date or a time', ['pin', '7', '--until', '2026-02-30']],
    [2, 'has passed', ['pin', '7', '--until', '2020-01-01']],
    [2, 'cannot be used', ['pin', '7', '--until', '2999-01-01', '--remove']],
    [1, 'keeps no snapshot 7', ['pin', '7']],
    [1, 'is not pinned', ['pin', '7', '--remove']],
  ])('exit with %i and say %j', async (code, message, args) => {
    const { status, stderr } = await run(...args);
    expect([status, stderr]).toEqual([code, expect.stringContaining(message)]);
  });

  test('publish and rollback take the channel from a mirror.toml', async () => {
    const config = join(folder, 'mirror.toml');
    await writeFile(config, `directory = "mirror"\n[publish]\nbucket = "${BUCKET}"\nchannel = "nightly"\n`);
    expect(JSON.parse(await done('publish', '--config', config, '--json'))).toMatchObject({
      channel: 'nightly',
    });
    expect((await run('rollback', '--config', config)).stderr).toContain(
      'keeps no snapshot that was live here',
    );
    await writeFile(config, `directory = "mirror"\n[publish]\nbucket = "${BUCKET}"\nchannel = "Bad"\n`);
    expect((await run('publish', '--config', config)).stderr).toContain('small letters');
  });
});
