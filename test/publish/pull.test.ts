import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { serveDirectory } from '../../builder/serve.ts';
import { MANIFEST, POLICY, ROOT } from '../../format/layout.ts';
import { publicKeyLine } from '../../format/minisign/public-key.ts';
import { formatSecretKey } from '../../format/minisign/secret-key.ts';
import { writeUpstream } from '../builder/upstream.ts';
import { commandLine } from '../support/command-line.ts';
import { OTHER_KEY, TEST_KEY } from '../support/keys.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { BUCKET, CREDENTIALS, startTestWorker } from '../support/worker.ts';

const folder = await temporaryFolder();
const at = (name: string): string => join(folder, name);
const [upstream, file] = [at('upstream'), at('mirror.toml')];
const START = Math.floor(Date.now() / 1000) - 1000;
const environment = {
  ...{ MIRROR_SIGNING_KEY: await formatSecretKey(TEST_KEY), XDG_CACHE_HOME: at('cache') },
  ...{ AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId, AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey },
};

/** Runs a verb at a second after the start. */
async function run(second: number, ...args: string[]) {
  const ended = await commandLine([...args, '--json'], {
    ...environment,
    SOURCE_DATE_EPOCH: String(START + second),
  });
  return { ...ended, json: JSON.parse(ended.stdout) };
}

async function done(second: number, ...args: string[]) {
  const { status, stderr, json } = await run(second, ...args);
  expect(status, stderr).toBe(0);
  return json;
}

const create = (mirror: string, second: number) =>
  done(second, 'create', mirror, '--config', file, '--upstream', upstream);

/** Writes an upstream with a newer version of everything, and one that is bad. */
const publishUpstream = (version: string) =>
  writeUpstream(upstream, {
    formulas: [
      ...['app', 'held', 'young'].map((name) => ({ name, version })),
      { name: 'bad', version: '1.0' },
    ],
  });

/** Makes a mirror that holds a version, waits for another, and has withdrawn a third. */
async function makeHolding(mirror: string): Promise<void> {
  await publishUpstream('1.0');
  await writeFile(
    file,
    `directory = "${mirror}"\npackages = ["app", "held", "bad", "young"]\nplatforms = ["sonoma"]\n[policy]\nhold = ["held"]\n`,
  );
  await create(mirror, 0);
  await done(10, 'withdraw', mirror, 'bad');
  await writeFile(
    file,
    `${await readFile(file, 'utf8')}min-age = "3d"\nwaiver = [{ package = "app", rule = "min-age", until = 2999-01-01, reason = "ours" }]\n`,
  );
  await publishUpstream('2.0');
  await create(mirror, 20);
}

/** Returns what has to go on in the next snapshot. */
async function stateOf(mirror: string) {
  const read = async (path: string) => JSON.parse(await readFile(join(mirror, path), 'utf8'));
  const [root, manifest, policy] = await Promise.all([ROOT, MANIFEST, POLICY].map(read));
  const packages = Object.entries<{ version: string }>(manifest.formulas.packages);
  const versions = Object.fromEntries(packages.map(([name, { version }]) => [name, version]));
  return { id: root.mirror, withdrawn: manifest.request.withdrawn, versions, seen: policy.seen };
}

const CONTINUED = {
  id: expect.stringMatching(/^[0-9A-F]{16}-\d+$/),
  withdrawn: ['formula bad 1.0'],
  versions: { app: '2.0', held: '1.0', young: '1.0' },
};

test('pull into an empty folder continues the mirror: its id, holds, sightings, and what was withdrawn', async () => {
  const [mirror, empty] = [at('mirror'), at('empty')];
  await makeHolding(mirror);
  const before = await stateOf(mirror);
  expect(before).toMatchObject(CONTINUED);
  expect(JSON.stringify(before.seen)).toContain('young');
  const served = await serveDirectory({
    ...{ directory: mirror, host: '127.0.0.1', port: 0, mirrorToken: 'secret' },
    ...{ trusted: [TEST_KEY.publicKey], clock: () => new Date() },
  });
  onTestFinished(served.close);
  const url = served.origin.replace('//', '//ci:secret@');
  const pulled = await done(30, 'pull', empty, '--url', url);
  expect(pulled).toMatchObject({ previous_version: null, changed: true });
  expect(await done(30, 'verify', empty)).toMatchObject({ ok: true });
  expect(await done(31, 'pull', empty, '--url', url)).toMatchObject({
    changed: false,
    fetched: { files: 0 },
  });
  const made = await create(empty, 40);
  expect(made).toMatchObject({ previous_version: pulled.published, downloaded: { files: 0 }, dropped: [] });
  expect(await stateOf(empty)).toEqual(before);
  const foreign = ['--trust', publicKeyLine(OTHER_KEY.publicKey)];
  const refused = await run(45, 'pull', at('refused'), '--url', url, ...foreign);
  expect(refused).toMatchObject({ status: 1, json: { error: { code: 'refused' } } });
  expect(await run(45, 'pull', empty)).toMatchObject({ status: 2, json: { error: { code: 'usage' } } });
  // A later version than the one that is served stays.
  expect(await done(50, 'pull', empty, '--url', url)).toMatchObject({ changed: false });
  expect(await stateOf(empty)).toEqual(before);
});

describe('a bucket whose folder is lost', { tags: 'long' }, () => {
  test('goes on with the next publication from an empty folder', async () => {
    const [mirror, other] = [at('first'), at('other')];
    const worker = await startTestWorker();
    onTestFinished(() => worker.close());
    const pull = (second: number) => run(second, 'pull', mirror, '--url', worker.origin);
    const publish = (second: number, directory = mirror) =>
      run(
        ...([
          second,
          'publish',
          directory,
          '--bucket',
          BUCKET,
          '--url',
          worker.origin,
          '--endpoint',
        ] as const),
        `${worker.origin}/cdn-cgi/local/r2/s3`,
      );
    expect(await pull(0)).toMatchObject({ status: 0, json: { published: null, changed: false } });
    await expect(readFile(mirror)).rejects.toMatchObject({ code: 'ENOENT' });
    await makeHolding(mirror);
    expect(await publish(25)).toMatchObject({ status: 0 });
    const before = await stateOf(mirror);
    await rm(mirror, { recursive: true });
    await create(other, 30);
    expect(await publish(35, other)).toMatchObject({ status: 1, json: { error: { code: 'refused' } } });
    expect(await run(36, 'pull', other, '--url', worker.origin)).toMatchObject({
      ...{
        status: 1,
        json: { error: { code: 'refused', message: expect.stringContaining('another mirror') } },
      },
    });
    expect(await pull(40)).toMatchObject({ status: 0, json: { changed: true } });
    await publishUpstream('3.0');
    await create(mirror, 50);
    expect(await publish(60)).toMatchObject({ status: 0, json: { changed: true } });
    const after = await stateOf(mirror);
    expect(after).toMatchObject({
      ...CONTINUED,
      versions: { ...CONTINUED.versions, app: '3.0' },
      id: before.id,
    });
    expect(after.withdrawn).toEqual(before.withdrawn);
    expect(await done(70, 'verify', worker.origin)).toMatchObject({ ok: true });
  });
});
