import { join } from 'node:path';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { listSnapshots, readSnapshot, readStoredEntries } from '../../builder/bucket/snapshots.ts';
import { rollback } from '../../builder/rollback.ts';
import { signMirror } from '../../builder/sign.ts';
import { parseRoot } from '../../format/snapshot/root.ts';
import { TEST_KEY } from '../support/keys.ts';
import { copyMirror, makeMirror, REQUEST, THIRTY_DAYS } from '../support/mirror.ts';
import { jsonOfReading, type Reading, startReader } from '../support/reader.ts';
import { SILENT } from '../support/silent.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { startTestWorker, type TestWorker } from '../support/worker.ts';

const MANIFEST = 'index/manifest.json';
const DATABASE = 'index/formulas/index.db.zst';
const JQ = 'bottles/jq-1.7.1.sonoma.bottle.tar.gz';
const START = Date.now();
const folder = await temporaryFolder();
const mirrors = [join(folder, 'few'), join(folder, 'many')];
const [few = '', many = ''] = mirrors;

beforeAll(async () => {
  await makeMirror(few, { now: new Date(Date.now() - 60_000) });
  await copyMirror(few, many);
  const packages = [...REQUEST.packages, 'wget'];
  await makeMirror(many, { request: { ...REQUEST, packages }, now: new Date(Date.now() - 30_000) });
});

/** Signatures so far. Each is ten seconds later than the one before, so that no version is lower, in whatever bucket. */
let signatures = 0;

/** Publishes and rolls back by turns; every switch is to a database that the one before did not have. */
async function switchAround(worker: TestWorker, rounds: number): Promise<void> {
  for (let round = 1; round <= rounds; round++) {
    const directory = mirrors[round % 2] ?? few;
    signatures += 1;
    const now = new Date(START + signatures * 10_000);
    const signing = { key: TEST_KEY, trusted: [], now, validFor: THIRTY_DAYS };
    await signMirror({ directory, cache: folder, ...signing });
    await worker.publish(directory, { skipVerify: round > 1 });
    const bucket = { bucket: worker.bucket, jobs: 8, reporter: SILENT, clock: () => new Date() };
    await rollback({ ...bucket, ...signing });
  }
}

/** What an update of a stock client asks for, until manifest and database agree; and a bottle with it. */
async function update(read: ReturnType<typeof startReader>, seen: Map<string, Reading[]>): Promise<number> {
  const ask = async (path: string): Promise<Reading> => {
    const reading = await read(`/${path}`);
    seen.set(path, [...(seen.get(path) ?? []), reading]);
    return reading;
  };
  for (let tries = 1; ; tries++) {
    const manifest = jsonOfReading(await ask(MANIFEST));
    await ask(JQ);
    const database = await ask(DATABASE);
    if (database.sha256 === manifest.indexes.formulas.db_sha256) return tries;
  }
}

/** Returns the SHA-256 of every file that was ever at a path, from the snapshots in the bucket. */
async function everAt(worker: TestWorker, path: string): Promise<Set<string>> {
  const known = new Set<string>();
  for (const id of await listSnapshots(worker.bucket)) {
    const root = parseRoot((await readSnapshot(worker.bucket, id)).root);
    const entries = await readStoredEntries(worker.bucket, root, 8);
    for (const { name, sha256 } of entries) if (name === path) known.add(sha256);
  }
  return known;
}

/** Reads without a pause while `rounds` publishes and as many rollbacks go on. */
async function readDuring(rounds: number) {
  const worker = await startTestWorker();
  onTestFinished(() => worker.close());
  await worker.publish(few);
  const read = startReader(worker);
  const seen = new Map<string, Reading[]>();
  const tries: number[] = [];
  let switching = true;
  const switches = switchAround(worker, rounds).finally(() => {
    switching = false;
  });
  while (switching) tries.push(await update(read, seen));
  await switches;

  for (const [path, readings] of seen) {
    expect(readings.filter(({ status }) => status !== 200).map(({ status }) => `${status} ${path}`)).toEqual(
      [],
    );
    const known = await everAt(worker, path);
    expect(readings.filter(({ sha256 }) => !known.has(sha256))).toEqual([]);
  }
  expect((await listSnapshots(worker.bucket)).length).toBe(2 * rounds + 1);
  expect(Math.max(...tries)).toBeLessThanOrEqual(3);
  expect(jsonOfReading(await read('/verify?deep=1'))).toMatchObject({ ok: true });
  return { tries, manifests: new Set(seen.get(MANIFEST)?.map(({ sha256 }) => sha256)).size };
}

test('a reader during a publish and a rollback gets whole answers of one snapshot each, and no error', {
  tags: 'long',
}, async () => {
  await readDuring(1);
});

test('a reader during 20 of them also sees most of them, some in the middle of an update', {
  tags: 'long',
}, async () => {
  const { tries, manifests } = await readDuring(10);
  expect(manifests).toBeGreaterThan(10);
  expect(tries.some((count) => count > 1)).toBe(true);
});
