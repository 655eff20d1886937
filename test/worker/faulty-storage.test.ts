import { describe, expect, test } from 'vitest';
import { utf8 } from '../../format/bytes.ts';
import type { PublicKey } from '../../format/minisign/public-key.ts';
import { createApp } from '../../worker/app.ts';
import { R2Store } from '../../worker/r2-store.ts';
import { parseSettings } from '../../worker/settings.ts';
import { BOTTLE, digestOf, MIRROR, servingFaulty } from '../support/faults/faulty-app.ts';
import { type Fault, failing, type Plan } from '../support/faults/faulty-bucket.ts';
import { memoryBucket } from '../support/faults/memory-bucket.ts';
import { TEST_KEY } from '../support/keys.ts';
import { expectProblem } from '../support/problem.ts';

const BYTES = MIRROR.files.get(BOTTLE) ?? utf8('');

/** Milliseconds. */
const PATIENCE = 200;

const serving = (plan?: Plan, trusted?: PublicKey[]) =>
  servingFaulty(memoryBucket(MIRROR).bucket, plan, trusted, PATIENCE);

const POINTER_READ = /^get current$/;
const LEAF_READ = new RegExp(MIRROR.snapshot.leaves.map(({ sha256 }) => sha256).join('|'));
const readOf = (path: string): RegExp => new RegExp(digestOf(path));

/** What is read, and what then asks for it. */
const READS: [what: string, read: RegExp, path: string, request: Record<string, string>][] = [
  ['the pointer', POINTER_READ, BOTTLE, {}],
  ['a leaf', LEAF_READ, BOTTLE, {}],
  ['a file', readOf(BOTTLE), BOTTLE, {}],
  ['a range of a file', new RegExp(`^get .*${digestOf(BOTTLE)}`), BOTTLE, { range: 'bytes=1-3' }],
  ['the record of a file', readOf(BOTTLE), BOTTLE, { method: 'HEAD' }],
  ['the package list', readOf('index/packages.tsv'), 'api/v1/packages', {}],
];

/** All reads at once, because most of the time is spent on waiting. */
async function each(look: (...read: (typeof READS)[number]) => Promise<void>): Promise<void> {
  await Promise.all(READS.map((read) => look(...read)));
}

test.each<Fault>(['error', 'silence'])('when a read meets one %s, the client does not notice', (fault) =>
  each(async (what, read, path, request) => {
    const { ask, faulty } = serving(failing(fault, read, 1));
    expect(await ask(path, request), what).toMatchObject({ status: request.range ? 206 : 200 });
    expect(
      faulty.reads.filter((one) => read.test(one)),
      what,
    ).toHaveLength(2);
  }),
);

test.each<[fault: Fault, reads: number]>([
  ['error', 2],
  ['silence', 2],
  ['refusal', 1],
])(
  'when a read always meets %s, the client gets an error after %i of them, and is served once that has passed',
  (fault, reads) =>
    each(async (what, read, path, request) => {
      const { ask, faulty, pass } = serving(failing(fault, read));
      const answer = await ask(path, request);
      if (request.method === 'HEAD') expect(answer, what).toMatchObject({ status: 503, body: '' });
      else expectProblem(answer, 503, 'upstream');
      const made = faulty.reads.filter((one) => read.test(one));
      expect(made, what).toHaveLength(reads);
      faulty.plan = () => undefined;
      pass(1_000);
      expect(await ask(path, request), what).toMatchObject({ status: request.range ? 206 : 200 });
    }),
);

test.each<Fault>(['cut', 'stop'])('when a document comes with a %s, it is storage that failed', (fault) =>
  each(async (what, read, path) => {
    if (what !== 'the pointer' && what !== 'a leaf') return;
    expectProblem(await serving(failing(fault, read)).ask(path), 503, 'upstream');
  }),
);

test('when a document breaks off once, the client does not notice', async () => {
  expect(await serving(failing('cut', LEAF_READ, 1)).ask(BOTTLE)).toMatchObject({ status: 200 });
});

test('when the package list breaks off, it is storage that failed', async () => {
  const { ask } = serving(failing('cut', readOf('index/packages.tsv')));
  expectProblem(await ask('api/v1/packages'), 503, 'upstream');
});

test('when a file breaks off on its way, the client does not take it for the whole', async () => {
  const { faulty } = serving();
  faulty.plan = failing('cut', readOf(BOTTLE));
  const app = createApp({
    store: new R2Store(faulty.bucket),
    settings: { ...parseSettings({}), trusted: [TEST_KEY.publicKey] },
    clock: () => new Date(),
  });
  const response = await app.request(`https://mirror.example/${BOTTLE}`);
  expect(response.headers.get('content-length')).toBe(String(BYTES.length));
  await expect(response.arrayBuffer()).rejects.toThrow();
});

test('when the pointer cannot be read any more, nothing is served from before, and everything once it can', async () => {
  const { ask, faulty, pass } = serving();
  expect((await ask(BOTTLE)).status).toBe(200);
  pass(10_000);
  faulty.plan = failing('error', POINTER_READ);
  const paths = [BOTTLE, 'index/manifest.json', 'api/v1/packages', 'bottles/', 'snapshot/root.json'];
  const answers = await Promise.all(paths.map((path) => ask(path)));
  for (const answer of answers) expectProblem(answer, 503, 'upstream');
  expect(await ask('api/v1/health')).toMatchObject({
    status: 503,
    body: expect.stringContaining('upstream'),
  });
  expect(JSON.parse((await ask('verify')).body)).toMatchObject({ ok: false });
  faulty.plan = () => undefined;
  pass(1_000);
  expect((await ask(BOTTLE)).status).toBe(200);
});

describe('when verification', () => {
  test('cannot list, each file is unknown, and none is said to be bad or good', async () => {
    const { ask } = serving(failing('error', /^list/));
    const report = JSON.parse((await ask('verify')).body);
    expect(report).toMatchObject({ ok: false, files: { verified: 0, consistent: 0 } });
    expect(new Set(report.failures.map(({ state }: { state: string }) => state))).toEqual(
      new Set(['unknown']),
    );
  });

  test('meets one error, it finds nothing wrong', async () => {
    const { ask } = serving(failing('error', /^list|^head|^get/, 1));
    expect(JSON.parse((await ask('verify')).body)).toMatchObject({ ok: true });
  });

  test('reads a file that breaks off, that file alone is unknown', async () => {
    const { ask } = serving(failing('cut', readOf(BOTTLE)));
    const { ok, failures } = JSON.parse((await ask('verify?deep=1')).body);
    expect({ ok, failures }).toMatchObject({ ok: false, failures: [{ path: BOTTLE, state: 'unknown' }] });
  });
});

test('when there is no key, every path that has anything says so, and storage is not asked', async () => {
  const { ask, faulty } = serving(undefined, []);
  for (const path of [
    BOTTLE,
    '',
    'index/manifest.json',
    'bottles/',
    'verify',
    `verify/${BOTTLE}`,
    'v2/a/tags/list',
  ]) {
    expectProblem(await ask(path, { accept: 'application/json' }), 503, 'refused');
  }
  expect(await ask('api/v1/health')).toMatchObject({
    status: 503,
    body: expect.stringContaining('TRUSTED_KEYS'),
  });
  expect(faulty.reads).toEqual([]);
});

test('when a deep check is running, one of another part gets 429; a listing serves a minute', async () => {
  const { ask, faulty } = serving();
  const { version } = MIRROR.snapshot;
  const answers = await Promise.all(
    ['', '&cursor=', `&cursor=${version}:manifest.json`].map((more) => ask(`verify?deep=1${more}`)),
  );
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 429]);
  const refused = answers[2];
  if (refused) expectProblem(refused, 429, 'busy');
  expect(refused?.headers.get('retry-after')).toBe('5');
  for (const path of ['verify', `verify?snapshot=${version}`, 'verify', `verify?snapshot=${version}`]) {
    expect(JSON.parse((await ask(path)).body)).toMatchObject({ ok: true });
  }
  expect(faulty.reads.filter((read) => read.startsWith('list blobs'))).toHaveLength(1);
});
