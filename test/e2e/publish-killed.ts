import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { readContents } from '../../builder/directory/mirror.ts';
import { collect } from '../../builder/publish/collect.ts';
import { withLease } from '../../builder/publish/lease.ts';
import { signMirror } from '../../builder/sign.ts';
import { blobName } from '../../format/layout.ts';
import { publicKeyLine } from '../../format/minisign/public-key.ts';
import { jsonOf, send } from '../support/http.ts';
import { TEST_KEY } from '../support/keys.ts';
import { copyMirror, makeMirror, REQUEST, THIRTY_DAYS } from '../support/mirror.ts';
import { MAIN } from '../support/programs.ts';
import { jsonOfReading, type Read, startReader } from '../support/reader.ts';
import { SILENT } from '../support/silent.ts';
import { CREDENTIALS, startTestWorker, type TestWorker } from '../support/worker.ts';

const YEAR = 365 * 86_400_000;

/** What a kill met with. */
export interface Kills {
  /** Before the publisher had the lease. */
  before: number;
  /** While it held the lease, the old snapshot live. */
  within: number;
  /** After the switch. */
  after: number;
}

/**
 * Kills `rounds` publishes at moments that `seed` draws, each of a mirror whose files the bucket lacks. After each one
 * readers have a whole snapshot, the next run completes, and after cleaning up there is nothing but what is live.
 */
export async function killPublishes(folder: string, rounds: number, seed: number): Promise<Kills> {
  const mirrors = [join(folder, 'few'), join(folder, 'many')] as const;
  await makeMirror(mirrors[0], {
    request: { ...REQUEST, packages: ['jq'] },
    now: new Date(Date.now() - 60_000),
  });
  await copyMirror(...mirrors);
  await makeMirror(mirrors[1], { now: new Date(Date.now() - 30_000) });
  const worker = await startTestWorker();
  const read = startReader(worker);
  const random = randomNumbers(seed);
  const kills = { before: 0, within: 0, after: 0 };
  const began = performance.now();
  await publishProgram(worker, mirrors[0]).ended;
  const duration = performance.now() - began;
  let live = await expectWholeSnapshot(worker, read);
  for (let round = 1; round <= rounds; round++) {
    const directory = mirrors[round % 2] ?? mirrors[0];
    const now = new Date(Date.now() + round * 1000);
    await signMirror({ directory, cache: folder, key: TEST_KEY, trusted: [], now, validFor: THIRTY_DAYS });
    const { child, ended } = publishProgram(worker, directory);
    await sleep(duration * (0.3 + 0.7 * random()));
    child.kill('SIGKILL');
    await ended;
    const after = await expectWholeSnapshot(worker, read);
    const version = (await readContents(directory))?.snapshot.version ?? 0;
    expect([live, version]).toContain(after);
    const held = (await worker.bucket.head('lease')) !== undefined;
    kills[after === version ? 'after' : held ? 'within' : 'before'] += 1;
    await worker.publish(directory, { skipVerify: true });
    live = await expectWholeSnapshot(worker, read);
    expect(live).toBe(version);
    await expectNoOrphans(worker, directory);
  }
  expect((await publishProgram(worker, mirrors[rounds % 2] ?? mirrors[0]).ended).at(0)).toBe(0);
  await worker.close();
  return kills;
}

/** Publishes as a user does, without waiting for the end. */
function publishProgram({ origin }: TestWorker, directory: string) {
  const endpoint = ['--bucket', 'mirror', '--endpoint', `${origin}/cdn-cgi/local/r2/s3`];
  const trust = ['--trust', publicKeyLine(TEST_KEY.publicKey)];
  const child = spawn(process.execPath, [MAIN, 'publish', directory, ...endpoint, ...trust], {
    stdio: 'ignore',
    env: {
      ...process.env,
      AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
    },
  });
  return { child, ended: once(child, 'exit') };
}

/** The version that readers have, once the edge has read every byte of it. */
async function expectWholeSnapshot({ origin }: TestWorker, read: Read): Promise<number> {
  const { version } = jsonOfReading(await read('/snapshot/root.json'));
  const report = jsonOf(await send(origin, `/verify?deep=1&snapshot=${version}`));
  expect(report).toMatchObject({ ok: true, failures: [], snapshot: { version } });
  return version;
}

/** Cleans up as if a year had passed, and expects to find what a mirror names and nothing else. */
async function expectNoOrphans({ bucket }: TestWorker, directory: string): Promise<void> {
  const retention = { keep: 1, grace: 1 };
  const work = { bucket, now: new Date(Date.now() + YEAR), jobs: 8, reporter: SILENT, retention };
  await withLease({ bucket, clock: () => new Date(), reporter: SILENT }, (confirm) =>
    collect({ ...work, confirm }),
  );
  const { snapshot, entries = [] } = (await readContents(directory)) ?? {};
  const blobs = [...entries, ...(snapshot?.leaves ?? [])].map(({ sha256 }) => blobName(sha256));
  const expected = new Set([...blobs, `snapshots/${snapshot?.version}`, 'current']);
  const keys = (await Array.fromAsync(bucket.list(''))).map(({ key }) => key);
  expect(keys.sort()).toEqual([...expected].sort());
}

/** Numbers from 0 to 1 that are the same for the same seed (a linear congruential generator). */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}
