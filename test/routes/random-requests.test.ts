import pMap from 'p-map';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { blobName, ROOT } from '../../format/layout.ts';
import { signMirror } from '../format/support.ts';
import { Random } from '../support/random.ts';
import { type RawAnswer, type RawRequest, sendRaw } from '../support/raw-http.ts';
import { putMirror } from '../support/runtimes.ts';
import { startTestWorker, type TestWorker } from '../support/worker.ts';

const SEED = 20_261_101;

const MIRROR = signMirror({ now: new Date(), bottles: 20 });
const NAMES = MIRROR.entries.map(({ name }) => name);
/** What is planted: the bytes of every other one are replaced in the bucket, the rest are gone. */
const DAMAGE = MIRROR.entries.filter(({ name }) => /package[0-4]-/.test(name));
/** All names of it, content addresses as well. */
const DAMAGED = MIRROR.entries
  .filter((entry) => DAMAGE.some(({ sha256 }) => sha256 === entry.sha256))
  .map(({ name }) => name);

const PAGES = [
  '',
  'verify',
  'mirror.pub',
  'config/stout.toml',
  'bottles/',
  'index/',
  'blobs/sha256/',
  'snapshot/',
];
const API = ['health', 'manifest', 'policy', 'packages', 'packages?q=a', 'packages/jq', 'openapi.json'].map(
  (at) => `api/v1/${at}`,
);
const PATHS = [...NAMES, ...NAMES, ...PAGES, ...API, ROOT, 'nothing', 'current', 'bottles'];

const logs: string[] = [];
let worker: TestWorker;
beforeAll(async () => {
  worker = await startTestWorker({}, ({ message }) => void logs.push(message));
  await putMirror(worker, MIRROR);
  for (const [at, { sha256, size }] of DAMAGE.entries()) {
    if (at % 2 === 0) await worker.binding.put(blobName(sha256), new Uint8Array(size ?? 0));
    else await worker.binding.delete(blobName(sha256));
  }
});
afterAll(() => worker.close());

async function expectAllSane(count: number): Promise<void> {
  logs.length = 0;
  const random = new Random(SEED);
  const requests = Array.from({ length: count }, () => requestOf(random));
  const statuses = new Map<number, number>();
  await pMap(
    requests,
    async (request) => {
      const answer = await sendRaw(worker.origin, request);
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
      const context = JSON.stringify({
        request,
        answer: { ...answer, rest: answer.rest.toString('latin1').slice(0, 400) },
      });
      expectSane(request, answer, context);
    },
    { concurrency: 16 },
  );
  // All that there is to see was seen.
  for (const status of [200, 204, 206, 304, 308, 400, 404, 405, 412, 416, 424]) {
    expect(
      statuses.get(status) ?? 0,
      `answers with ${status}: ${JSON.stringify([...statuses])}`,
    ).toBeGreaterThan(0);
  }
  // Each line is a record of ours: no uncaught exception, no unhandled rejection, no warning of the runtime.
  expect(logs.length).toBeGreaterThan(count / 2);
  for (const line of logs) {
    expect(JSON.parse(line), line).toMatchObject({
      request_id: expect.any(String),
      status: expect.any(Number),
    });
    expect(line).not.toContain('"stack"');
  }
}

const NAME = 'random requests: only what was damaged fails, and no body comes where none may';
test(`200 ${NAME}`, () => expectAllSane(200));
test(`5,000 ${NAME}`, { tags: 'long' }, () => expectAllSane(5_000));

function expectSane(
  { method, target }: RawRequest,
  { status, headers, rest }: RawAnswer,
  context: string,
): void {
  expect(status, context).toBeLessThan(500);
  if (status === 424) {
    expect(
      DAMAGED.some((name) => target.includes(name)),
      context,
    ).toBe(true);
  }
  expect([...ALLOWED], context).toContain(status);
  if (method === 'HEAD' || status === 304 || status === 204) expect(rest.length, context).toBe(0);
  else if (headers['content-length']) expect(rest.length, context).toBe(Number(headers['content-length']));
  // What workerd itself cannot parse never reaches the Worker.
  if (headers['x-request-id'] === undefined) expect(status, context).toBe(400);
  else expect(headers, context).toMatchObject(ALWAYS);
}

const ALWAYS = { 'x-content-type-options': 'nosniff', 'cache-control': expect.any(String) };
const ALLOWED = new Set([200, 204, 206, 304, 308, 400, 404, 405, 412, 416, 424]);

function requestOf(random: Random): RawRequest {
  const method = random.pick([
    'GET',
    'GET',
    'GET',
    'GET',
    'HEAD',
    'HEAD',
    'OPTIONS',
    'POST',
    'DELETE',
    'PATCH',
  ]);
  const fields = [
    'range',
    'if-range',
    'if-match',
    'if-none-match',
    'if-modified-since',
    'if-unmodified-since',
    'accept',
  ] as const;
  const headers = fields
    .filter(() => random.chance(15))
    .map((name) => [name, fieldValue(random, name)] as const);
  return { method, target: targetOf(random), headers: Object.fromEntries(headers) };
}

function targetOf(random: Random): string {
  const path = PATHS[random.below(PATHS.length)] ?? '';
  switch (random.below(10)) {
    case 0:
      return `/${path}${random.pick(['/', '//', '%00', '%', '/..', '\\', '%2f', '.sig', 'x'])}`;
    case 1:
      return `/${path}?${random.pick(['raw=1', 'raw=1&raw=1', 'deep=1', 'cursor=x', 'q=%', 'page=-1', 'snapshot=1'])}`;
    case 2:
      return `/${random.text(60).replace(/[\s]/g, '')}`;
    case 3:
      return `/${path.slice(0, random.below(path.length + 1))}`;
    default:
      return `/${path}`;
  }
}

type Field =
  | 'range'
  | 'if-range'
  | 'if-match'
  | 'if-none-match'
  | 'if-modified-since'
  | 'if-unmodified-since'
  | 'accept';

function fieldValue(random: Random, field: Field): string {
  if (random.chance(15)) return random.text(40).trim();
  const number = (): string => String(random.pick([0, 1, random.below(100), random.below(1_000_000)]));
  const tag = (): string => `"${MIRROR.entries[random.below(NAMES.length)]?.sha256}"`;
  const date = (): string => new Date(Date.now() - random.pick([-1e9, 0, 1e9, 1e11])).toUTCString();
  switch (field) {
    case 'range':
      return `bytes=${random.pick([`${number()}-`, `-${number()}`, `${number()}-${number()}`, '0-0,2-3', ''])}`;
    case 'if-range':
      return random.pick([tag(), `W/${tag()}`, date()]);
    case 'if-match':
    case 'if-none-match':
      return random.pick(['*', tag(), `W/${tag()}`, `${tag()}, ${tag()}`]);
    case 'accept':
      return random.pick([
        '*/*',
        'text/html',
        'application/json',
        'text/plain',
        'text/html;q=0, */*',
        ',,;q',
      ]);
    default:
      return date();
  }
}
