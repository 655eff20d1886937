import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { thisProcess, withLease } from '../../builder/bucket/lease.ts';
import { sha256Hex } from '../../format/digest.ts';
import { type Carelessness, startCarelessStore } from '../support/careless-store.ts';
import { SILENT } from '../support/silent.ts';
import { startTestWorker, type TestWorker } from '../support/worker.ts';

const MINUTE = 60_000;
let worker: TestWorker;
beforeAll(async () => {
  worker = await startTestWorker();
});
afterEach(() => worker.bucket.delete('lease'));
afterAll(() => worker.close());

const lease = <T>(work: (confirm: () => Promise<void>) => Promise<T>, clock = () => new Date()): Promise<T> =>
  withLease({ bucket: worker.bucket, clock, reporter: SILENT }, work);

async function writeLease(document: object): Promise<void> {
  const until = new Date(Date.now() + MINUTE).toISOString();
  const bytes = new TextEncoder().encode(
    JSON.stringify({ holder: 'somebody@elsewhere', until, ...document }),
  );
  await worker.bucket.put('lease', bytes, sha256Hex(bytes));
}

/** The number of a process that has run and is gone. */
async function goneProcess(): Promise<number> {
  const child = spawn(process.execPath, ['--version']);
  await once(child, 'exit');
  return child.pid ?? 0;
}

describe('a lease', () => {
  test('exists while the work runs, and not after it, however that ends', async () => {
    await lease(async () =>
      expect(await worker.bucket.head('lease')).toMatchObject({ size: expect.any(Number) }),
    );
    expect(await worker.bucket.head('lease')).toBeUndefined();
    await expect(lease(() => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    expect(await worker.bucket.head('lease')).toBeUndefined();
  });

  test('when several ask at once, is given to one of them', async () => {
    let inside = 0;
    const ask = () =>
      lease(async () => {
        inside += 1;
        expect(inside).toBe(1);
        await new Promise((resolve) => setTimeout(resolve, 100));
        inside -= 1;
        return 'held';
      }).catch((error: { code?: string }) => error.code);
    const outcomes = await Promise.all([ask(), ask(), ask(), ask()]);
    expect(outcomes.sort()).toEqual(['held', 'locked', 'locked', 'locked']);
  });

  test('when another process of this machine held it and is gone, is taken over at once', async () => {
    await writeLease({ ...(await thisProcess()), pid: await goneProcess() });
    expect(await lease(async () => 'held')).toBe('held');
  });

  test.each<[string, () => Promise<object>]>([
    ['a process that runs', thisProcess],
    ['a process of another machine', async () => ({ machine: 'other', pid: await goneProcess() })],
    ['an unknown process', async () => ({})],
  ])('when %s holds it, is refused', async (_name, holder) => {
    await writeLease(await holder());
    await expect(lease(async () => 'held')).rejects.toMatchObject({ code: 'locked' });
  });

  test('when it runs out soon, is renewed before an irreversible step', async () => {
    let now = Date.now();
    await lease(
      async (confirm) => {
        const before = await worker.bucket.head('lease');
        await confirm();
        expect(await worker.bucket.head('lease')).toEqual(before);
        now += 6 * MINUTE;
        await confirm();
        expect(await worker.bucket.head('lease')).not.toEqual(before);
      },
      () => new Date(now),
    );
  });

  test("when it runs out soon after the work, is not deleted: by then it may be another publisher's", async () => {
    let now = Date.now();
    const work = async (): Promise<void> => {
      now += 6 * MINUTE;
    };
    await lease(work, () => new Date(now));
    expect(await worker.bucket.head('lease')).toBeDefined();
  });

  test('when another publisher has replaced it, is not deleted', async () => {
    await lease(() => writeLease({}));
    expect(await worker.bucket.head('lease')).toBeDefined();
  });

  test('when another publisher has taken it over, the next step fails, and theirs is not deleted', async () => {
    let now = Date.now();
    const work = lease(
      async (confirm) => {
        now += 11 * MINUTE;
        await writeLease({});
        await confirm();
      },
      () => new Date(now),
    );
    await expect(work).rejects.toMatchObject({ code: 'locked' });
    expect(await worker.bucket.head('lease')).toMatchObject({ size: expect.any(Number) });
  });
});

describe('a store that cannot be published to', () => {
  test.each<[Carelessness, string]>([
    ['If-None-Match', 'ignores If-None-Match'],
    ['If-Match', 'ignores If-Match'],
    ['SHA-256', 'SHA-256'],
    ['MD5', 'not the MD5'],
    ['keeping', 'does not return and list'],
    ['fresh reads', 'does not return and list'],
    ['fresh lists', 'does not return and list'],
    ['refusing', 'ignores If-None-Match'],
    ['buckets', 'must not contain the bucket'],
  ])('as it lacks %s is refused before anything is done', async (lacks, message) => {
    const store = await startCarelessStore(lacks);
    let worked = false;
    const work = withLease({ bucket: store.bucket, clock: () => new Date(), reporter: SILENT }, async () => {
      worked = true;
    });
    await expect(work).rejects.toMatchObject({ code: 'refused', message: expect.stringContaining(message) });
    expect([worked, store.keys()]).toEqual([false, []]);
    store.close();
  });
});
