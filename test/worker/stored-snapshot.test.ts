import { describe, expect, test } from 'vitest';
import { utf8 } from '../../format/bytes.ts';
import type { ErrorCode } from '../../format/errors.ts';
import { blobName, POINTER } from '../../format/layout.ts';
import { encodeKept } from '../../format/snapshot/pointer.ts';
import { signRoot } from '../../format/snapshot/root.ts';
import { DAY, signMirror } from '../format/support.ts';
import { BOTTLE, digestOf, MIRROR, servingFaulty } from '../support/faults/faulty-app.ts';
import { memoryBucket, objectsOf } from '../support/faults/memory-bucket.ts';
import { TEST_KEY } from '../support/keys.ts';
import { expectProblem, SECURITY } from '../support/problem.ts';

/** The app on a published mirror whose objects a test may change. */
function serving(alter: (objects: Map<string, Uint8Array>) => void = () => undefined) {
  const { bucket, objects } = memoryBucket(MIRROR);
  alter(objects);
  return { objects, ...servingFaulty(bucket) };
}

describe('when `current`', () => {
  const signed = (changes: object) =>
    encodeKept(signRoot({ ...MIRROR.snapshot, ...changes } as never, TEST_KEY));

  test('is missing, nothing has been published', async () => {
    const { ask } = serving((objects) => objects.delete(POINTER));
    expectProblem(await ask(BOTTLE), 503, 'unpublished');
  });

  test.each<[what: string, bytes: Uint8Array | string, code: ErrorCode, status: number]>([
    ['is empty', '', 'mismatch', 424],
    ['is not JSON', 'null and void', 'mismatch', 424],
    ['is null', 'null', 'mismatch', 424],
    ['has no signature', '{"root":"{}"}', 'mismatch', 424],
    ['has an empty root', '{"root":"","signature":""}', 'mismatch', 424],
    ['is too long', new Uint8Array(8 * 1024 * 1024 + 1), 'too-large', 424],
    ['is of a newer format', signed({ format: 3 }), 'mismatch', 424],
    ['is of an older format', signed({ format: 1 }), 'mismatch', 424],
    ['contradicts itself', signed({ totals: { files: 1, bytes: 1 } }), 'mismatch', 424],
    [
      'is by another key',
      encodeKept(signRoot(MIRROR.snapshot, { ...TEST_KEY, seed: new Uint8Array(32) })),
      'bad-signature',
      503,
    ],
  ])('%s, nothing is served', async (_, bytes, code, status) => {
    const stored = typeof bytes === 'string' ? utf8(bytes) : bytes;
    const { ask } = serving((objects) => objects.set(POINTER, stored));
    expectProblem(await ask(BOTTLE), status, code);
  });

  test('is from the future, it is served with no time that has not come, and nothing older follows it', async () => {
    const later = objectsOf(signMirror({ now: new Date(Date.now() + 10 * DAY * 1000), bottles: 4 }));
    const { ask, pass, objects } = serving((stored) => {
      for (const [key, bytes] of later) stored.set(key, bytes);
    });
    const answer = await ask('snapshot/root.json');
    expect(answer.status).toBe(200);
    expect(Date.parse(answer.headers.get('last-modified') ?? '')).toBeLessThanOrEqual(Date.now());
    objects.set(POINTER, objectsOf(MIRROR).get(POINTER) ?? utf8(''));
    pass(10_000);
    expectProblem(await ask(BOTTLE), 503, 'rolled-back');
  });
});

test('when objects are gone behind a valid snapshot, each is said to be missing and the others are served', async () => {
  const [other] = [...MIRROR.files.keys()].filter((path) => path.startsWith('bottles/') && path !== BOTTLE);
  const { ask } = serving((objects) => objects.delete(blobName(digestOf(BOTTLE))));
  expectProblem(await ask(BOTTLE), 424, 'missing');
  expectProblem(await ask(BOTTLE, { range: 'bytes=0-3' }), 424, 'missing');
  expect(await ask(other ?? '')).toMatchObject({ status: 200 });
  const cold = serving((objects) => {
    for (const { sha256 } of MIRROR.snapshot.leaves) objects.delete(blobName(sha256));
  });
  for (const path of [BOTTLE, other ?? '', 'bottles/', 'api/v1/packages']) {
    expectProblem(await cold.ask(path), 424, 'missing');
  }
  const answer = await cold.ask('snapshot/root.json');
  expect([answer.status, Object.fromEntries(answer.headers)]).toEqual([
    200,
    expect.objectContaining(SECURITY),
  ]);
});
