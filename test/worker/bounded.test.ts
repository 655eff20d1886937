import { Agent, request } from 'undici';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { snapshotIdOf } from '../../builder/bucket/snapshots.ts';
import { textOf, utf8 } from '../../format/bytes.ts';
import { ROOT, signaturePath, snapshotKey, snapshotName } from '../../format/layout.ts';
import { encodeKept } from '../../format/snapshot/pointer.ts';
import { signMirror } from '../format/support.ts';
import { type CountingWorker, startCountingWorker } from '../support/counting-worker.ts';
import { putMirror } from '../support/runtimes.ts';

const MIRROR = signMirror({ now: new Date(), bottles: 60 });
const OWN_FILES = MIRROR.entries.filter(({ path }) => path === undefined).map(({ name }) => name);
const { version } = MIRROR.snapshot;
const SIGNED = {
  root: MIRROR.files.get(ROOT) ?? utf8(''),
  signature: textOf(MIRROR.files.get(signaturePath(ROOT)) ?? utf8(''), ROOT),
};
const ID = snapshotIdOf(SIGNED);
/** Of one call, as wrangler.toml has it. */
const BOUND = 45;
/** Parts of quick checks, parts of deep checks, and single files that an isolate reads at once. */
const AT_ONCE = { quick: 4, deep: 1, files: 4 };
/** Files that one check looks at together. */
const READERS = 6;
/** List operations that it takes to list this bucket, ten objects at a time, and to find that nothing was fetched. */
const PAGES = Math.ceil((OWN_FILES.length + MIRROR.snapshot.leaves.length) / 10) + 1;

const agent = new Agent({ connections: 256 });
afterAll(() => agent.close());

let worker: CountingWorker;
beforeAll(async () => {
  worker = await start();
});
afterAll(() => worker.close());

/** Starts an isolate that knows nothing. */
async function start(): Promise<CountingWorker> {
  const started = await startCountingWorker();
  await putMirror(started, MIRROR);
  await started.binding.put(snapshotKey(ID), new Uint8Array(encodeKept(SIGNED)));
  return started;
}

/** Makes requests at once, and returns their paths by the status of the answer. */
async function together(
  paths: readonly string[],
  { origin }: CountingWorker = worker,
): Promise<Partial<Record<number, string[]>>> {
  const answers = await Promise.all(
    paths.map(async (path) => {
      const headers = { accept: 'text/html' };
      const { statusCode, body } = await request(`${origin}${path}`, { dispatcher: agent, headers });
      await body.dump();
      return { path, statusCode };
    }),
  );
  const byStatus = Object.groupBy(answers, ({ statusCode }) => statusCode);
  return Object.fromEntries(
    Object.entries(byStatus).map(([status, some = []]) => [status, some.map(({ path }) => path)]),
  );
}

/** How many requests got each status. */
const counted = (byStatus: Partial<Record<number, string[]>>): Record<string, number> =>
  Object.fromEntries(Object.entries(byStatus).map(([status, paths = []]) => [status, paths.length]));

const partsFrom = (names: readonly string[], more = ''): string[] =>
  names.map((name) => `/verify?cursor=${encodeURIComponent(`${version}:${name}`)}${more}`);

test('when forty different checks come at once, few are made, and the bucket is listed once', async () => {
  const statuses = await together(partsFrom(OWN_FILES.slice(0, 40)));
  expect(counted(statuses)).toEqual({ 200: AT_ONCE.quick, 429: 40 - AT_ONCE.quick });
  const { list, most, ...reads } = await worker.operations();
  expect(list).toBe(PAGES);
  expect(most).toBeLessThanOrEqual(AT_ONCE.quick * READERS);
  expect(reads.get + reads.head).toBeLessThanOrEqual(AT_ONCE.quick * BOUND);
  // Later ones, one after the other, use the same listing, and each keeps to its bound.
  for (const path of partsFrom(OWN_FILES.slice(40, 44))) {
    expect(counted(await together([path]))).toEqual({ 200: 1 });
    const { get, head, ...later } = await worker.operations();
    expect([later.list, get + head <= BOUND]).toEqual([0, true]);
  }
});

test('when many single files are checked at once, few are read', async () => {
  await together(['/api/v1/health']);
  await worker.operations();
  const statuses = await together(OWN_FILES.slice(0, 39).map((name) => `/verify/${encodeURI(name)}`));
  expect(counted(statuses)).toEqual({ 200: AT_ONCE.files, 429: 39 - AT_ONCE.files });
  const { get, head, list } = await worker.operations();
  expect([head, list]).toEqual([0, 0]);
  expect(get).toBeLessThanOrEqual(AT_ONCE.files + MIRROR.snapshot.leaves.length);
});

test('when a version is named, its snapshots are found in one operation', async () => {
  await worker.operations();
  const named = [`/verify?snapshot=${version}`, `/verify?snapshot=${snapshotName(ID)}`];
  expect(counted(await together(named))).toEqual({ 200: 2 });
  expect(counted(await together([`/verify?snapshot=${version + 1}`]))).toEqual({ 400: 1 });
  expect((await worker.operations()).list).toBe(2);
});

/** Everything that anybody may ask of verification and that costs something, in a different order each time. */
const askedFor = (index: number): string => {
  const name = OWN_FILES[index % OWN_FILES.length] ?? '';
  const [part = ''] = partsFrom([name]);
  const [deep = ''] = partsFrom([name], '&deep=1');
  const asked = [
    ...['/verify', '/verify?deep=1', `/verify?snapshot=${version}`, `/verify/${encodeURI(name)}`],
    ...[part, deep, '/', '/api/v1/packages', `/${encodeURI(name)}`],
  ];
  return asked[index % asked.length] ?? '';
};

/** Makes so many requests at once, and compares what they ask of storage with what was answered. */
async function expectBounded(count: number, fresh = worker): Promise<void> {
  await fresh.operations();
  const statuses = await together(
    Array.from({ length: count }, (_, index) => askedFor(index)),
    fresh,
  );
  const { get, head, list, most } = await fresh.operations();
  const { 200: answered = [], 429: refused = [], ...others } = statuses;
  expect(others).toEqual({});
  const checks = answered.filter((path) => path.startsWith('/verify?') || path === '/verify').length;
  const byVersion = answered.filter((path) => path.includes('snapshot=')).length;
  const files = answered.length - checks;
  process.stdout.write(
    `  ${count} requests, ${refused.length} refused: ${get} get, ${head} head, ${list} list, ${most} at once\n`,
  );
  // What every isolate reads once: the pointer, leaves, the package list, the kept snapshots and their list.
  expect(get + head).toBeLessThanOrEqual(files + checks * BOUND + 10);
  expect(list).toBeLessThanOrEqual(PAGES + byVersion + 1);
}

test('when requests of all kinds come at once, what they ask of storage is bounded', () => expectBounded(54));

test('when two thousand of them come to a new isolate, that is bounded too', { tags: 'long' }, async () => {
  const fresh = await start();
  await expectBounded(2000, fresh);
  await fresh.close();
});
