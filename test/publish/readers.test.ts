import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
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

const ROUNDS = 10;
const MANIFEST = 'index/manifest.json';
const DATABASE = 'index/formulas/index.db.zst';
const JQ = 'bottles/jq-1.7.1.sonoma.bottle.tar.gz';
const folder = await temporaryFolder();
const mirrors = [join(folder, 'few'), join(folder, 'many')];
const [few = '', many = ''] = mirrors;
let worker: TestWorker;

beforeAll(async () => {
  await makeMirror(few, { now: new Date(Date.now() - 60_000) });
  await copyMirror(few, many);
  const packages = [...REQUEST.packages, 'wget'];
  await makeMirror(many, { request: { ...REQUEST, packages }, now: new Date(Date.now() - 30_000) });
  worker = await startTestWorker();
  await worker.publish(few);
});
afterAll(() => worker.close());

/** Publishes and rolls back by turns; every switch is to a database that the one before did not have. */
async function switchAround(): Promise<void> {
  for (let round = 1; round <= ROUNDS; round++) {
    const directory = mirrors[round % 2] ?? few;
    const now = new Date(Date.now() + round * 10_000);
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

/** SHA-256 of all that ever stood at a path, in the snapshots that the bucket has. */
async function everAt(path: string): Promise<Set<string>> {
  const known = new Set<string>();
  for (const { version } of await listSnapshots(worker.bucket)) {
    const root = parseRoot((await readSnapshot(worker.bucket, version)).root);
    const entries = await readStoredEntries(worker.bucket, root, 8);
    for (const { name, sha256 } of entries) if (name === path) known.add(sha256);
  }
  return known;
}

test(`a reader during ${2 * ROUNDS} publishes and rollbacks gets whole answers of one snapshot each, and no error`, async () => {
  const read = startReader(worker);
  const seen = new Map<string, Reading[]>();
  const tries: number[] = [];
  let switching = true;
  const switches = switchAround().finally(() => {
    switching = false;
  });
  while (switching) tries.push(await update(read, seen));
  await switches;

  const wrong = [...seen].flatMap(([path, readings]) =>
    readings.filter(({ status }) => status !== 200).map(({ status }) => `${status} ${path}`),
  );
  expect(wrong).toEqual([]);
  for (const [path, readings] of seen) {
    const known = await everAt(path);
    expect(readings.filter(({ sha256 }) => !known.has(sha256))).toEqual([]);
  }
  expect((await listSnapshots(worker.bucket)).length).toBe(2 * ROUNDS + 1);
  // The reader saw many of them, some in the middle of an update: that was told by the checksum, and over at once.
  expect(new Set(seen.get(MANIFEST)?.map(({ sha256 }) => sha256)).size).toBeGreaterThan(ROUNDS);
  expect(tries.some((count) => count > 1)).toBe(true);
  expect(Math.max(...tries)).toBeLessThanOrEqual(3);
  expect(jsonOfReading(await read('/verify?deep=1'))).toMatchObject({ ok: true });
});
