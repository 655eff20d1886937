import { afterAll, describe, expect, test } from 'vitest';
import { blobName } from '../../format/layout.ts';
import { OPENAPI } from '../../worker/openapi.ts';
import { signMirror } from '../format/support.ts';
import { send } from '../support/http.ts';
import { type DescribedPath, expectDescribed } from '../support/openapi.ts';
import { putMirror } from '../support/runtimes.ts';
import { startTestWorker, type TestWorker } from '../support/worker.ts';

const MIRROR = signMirror({ now: new Date() });

/** Something to ask for at each described path. */
const TARGETS: Record<DescribedPath, string> = {
  '/api/v1/health': '/api/v1/health',
  '/api/v1/manifest': '/api/v1/manifest',
  '/api/v1/policy': '/api/v1/policy',
  '/api/v1/packages': '/api/v1/packages',
  '/api/v1/packages/{name}': '/api/v1/packages/jq',
  '/packages/{name}': '/packages/jq',
  '/changes': '/changes',
  '/changes.atom': '/changes.atom',
  '/badge.svg': '/badge.svg',
  '/verify': '/verify',
  '/verify/{path}': '/verify/manifest.json',
  '/channels/': '/channels/',
  '/at/': '/at/',
  '/{folder}/': '/bottles/',
};

/** The lists of places need nothing of a mirror's files. */
const LISTS = { '/channels/': 200, '/at/': 200 };

const workers: TestWorker[] = [];
afterAll(() => Promise.all(workers.map((worker) => worker.close())));

async function startWorker(variables: Record<string, string>): Promise<TestWorker> {
  const worker = await startTestWorker(variables);
  workers.push(worker);
  await putMirror(worker, MIRROR);
  return worker;
}

/** Requests every path, compares the response with its description, and returns the statuses. */
async function statusesOf({ origin }: TestWorker): Promise<Record<string, number>> {
  const statuses: Record<string, number> = {};
  for (const [path, target] of Object.entries(TARGETS)) {
    const answer = await send(origin, target, { headers: { accept: 'application/json' } });
    expectDescribed(path as DescribedPath, answer);
    statuses[path] = answer.status;
  }
  return statuses;
}

const all = (status: number, others: Partial<Record<DescribedPath, number>>) => ({
  ...Object.fromEntries(Object.keys(OPENAPI.paths).map((path) => [path, status])),
  ...others,
});

describe('what the description of the API says of errors', () => {
  test('when a private mirror is asked without a token, 401 is as described, and health answers', async () => {
    const worker = await startWorker({ MIRROR_TOKEN: 'correct-horse-battery' });
    expect(await statusesOf(worker)).toEqual(all(401, { '/api/v1/health': 200 }));
  });

  test('when leaves are gone from storage, 424 is as described, and /verify reports it', async () => {
    const worker = await startWorker({});
    for (const { sha256 } of MIRROR.snapshot.leaves) await worker.binding.delete(blobName(sha256));
    const answered = { '/api/v1/health': 200, '/verify': 200, '/badge.svg': 200, ...LISTS };
    expect(await statusesOf(worker)).toEqual(all(424, answered));
  });

  test('when no key is configured, 503 is as described', async () => {
    expect(await statusesOf(await startWorker({ TRUSTED_KEYS: '' }))).toEqual(all(503, {}));
  });

  test('when nothing is published, 503 is as described, and /verify reports it', async () => {
    const worker = await startWorker({});
    await worker.binding.delete('current');
    expect(await statusesOf(worker)).toEqual(all(503, { '/verify': 200, ...LISTS }));
  });

  test('when a variable cannot be read, 503 is as described', async () => {
    expect(await statusesOf(await startWorker({ EXPIRED: 'maybe' }))).toEqual(all(503, {}));
  });
});
