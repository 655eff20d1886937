import { describe, expect, test } from 'vitest';
import { ROOT } from '../../../format/layout.ts';
import type { MirrorStore } from '../../../format/store.ts';
import type { Depth } from '../../../format/verify/report.ts';
import { failing, OTHER_KEY } from '../../format/support.ts';
import { type Fixture, inParts, MIRROR, NEXT, OWN_FILES, rootOf, verifying } from './support.ts';

describe('verification within bounds', () => {
  test.each([30, 45, 60])(
    'when a deep call may make %i operations, it makes no more, and all calls read every file once',
    async (verifyOperations) => {
      const fixture = verifying({ verifyOperations });
      const calls = await inParts(fixture, 'deep');
      expect(calls.length).toBeGreaterThan(1);
      for (const { cost } of calls) expect(cost).toBeLessThanOrEqual(verifyOperations);
      expect(calls.every(({ report }) => report.ok)).toBe(true);
      const checked = calls.reduce((sum, { report }) => sum + report.files.checked, 0);
      expect(checked).toBe(OWN_FILES.length);
      expect(new Set(fixture.store.opened)).toEqual(new Set(OWN_FILES));
      const bottles = fixture.store.opened.filter((path) => path.startsWith('bottles/'));
      expect(bottles).toHaveLength(new Set(bottles).size);
    },
  );

  test.each<Depth>(['quick', 'deep'])(
    'when the bound is too small even for one slice, %s calls still come to an end',
    async (depth) => {
      const calls = await inParts(verifying({ verifyOperations: 4 }), depth);
      expect(calls.at(-1)?.report.cursor).toBeNull();
      expect(calls.reduce((sum, { report }) => sum + report.files.verified, 0)).toBe(OWN_FILES.length);
    },
  );

  test('when quick calls follow each other within a minute, each keeps to its own bound; together they look at every file once and at no bytes of bottles', async () => {
    const fixture = verifying({ verifyOperations: 30 });
    const calls = await inParts(fixture, 'quick');
    expect(calls.length).toBeGreaterThan(1);
    for (const { cost } of calls) expect(cost).toBeLessThanOrEqual(30);
    expect(fixture.store.inspected.toSorted()).toEqual(OWN_FILES.toSorted());
    expect(fixture.store.opened.filter((path) => path.startsWith('bottles/'))).toEqual([]);
  });

  test.each([40, 45])(
    'when the bucket is too large to be listed with %i operations, that is tried once a minute, and each call keeps to its bound',
    async (verifyOperations) => {
      const fixture = verifying({ verifyOperations });
      let lists = 0;
      const records: MirrorStore['records'] = async (maxOperations, usage) => {
        lists += 1;
        usage.operations += maxOperations;
        fixture.store.operations += maxOperations;
        return undefined;
      };
      Object.assign(fixture.store, { records });
      const calls = await inParts(fixture, 'quick');
      expect(calls.length).toBeGreaterThan(2);
      // A file on demand may be in two places, so that a slice could cost eight more.
      expect(calls[0]?.cost).toBeLessThanOrEqual(verifyOperations - 8);
      for (const { cost } of calls) expect(cost).toBeLessThanOrEqual(verifyOperations);
      expect(lists).toBe(1);
      fixture.pass(60_000);
      await fixture.run('quick');
      expect(lists).toBe(2);
    },
  );

  test('when the cursor is of another snapshot, it is refused', async () => {
    const { cursor } = await verifying({ verifyOperations: 30 }).run('deep');
    const { run } = verifying({}, NEXT);
    await expect(run('deep', cursor ?? '')).rejects.toEqual(failing('bad-input'));
  });
});

describe('concurrent callers', () => {
  const together = (fixture: Fixture, runs: (() => Promise<unknown>)[]): Promise<number> =>
    Promise.all(runs.map((run) => run())).then(() => fixture.store.operations);

  test.each<Depth>(['quick', 'deep'])(
    'when they want the same %s report, they share one run',
    async (depth) => {
      const alone = verifying();
      const one = await together(alone, [() => alone.run(depth)]);
      const fixture = verifying();
      expect(
        await together(
          fixture,
          Array(10).fill(() => fixture.run(depth)),
        ),
      ).toBe(one);
    },
  );

  test('when one wants quick and one deep, each gets its own', async () => {
    const { run } = verifying();
    const [quick, deep] = await Promise.all([run('quick'), run('deep')]);
    expect([quick.depth, deep.depth]).toEqual(['quick', 'deep']);
  });

  test('when a switch comes during a run, requests after it do not get the old report', async () => {
    const { run, store } = verifying();
    const { promise, resolve } = Promise.withResolvers<void>();
    const { head } = store;
    store.head = (entry) => promise.then(() => head.call(store, entry));
    const before = run('quick');
    // The run has read its root by now and is held back at the first file.
    await new Promise((passed) => setTimeout(passed, 50));
    store.files = new Map(NEXT.files);
    const after = run('quick', undefined, NEXT);
    resolve();
    expect((await before).snapshot?.version).toBe(MIRROR.snapshot.version);
    expect((await after).snapshot?.version).toBe(NEXT.snapshot.version);
  });

  test('when the request that runs it is cut off, later ones wait thirty seconds and then run it', async () => {
    const { run, store, pass } = verifying();
    store.delay = new Promise(() => {});
    void run('deep');
    await expect.poll(() => store.operations).toBeGreaterThan(0);
    store.delay = Promise.resolve();
    pass(29_999);
    const first = Promise.race([run('deep'), new Promise((resolve) => setTimeout(resolve, 50, 'waiting'))]);
    expect(await first).toBe('waiting');
    pass(1);
    expect((await run('deep')).ok).toBe(true);
  });

  test('when a part is being read, another is refused, the same is shared, and quick reports go on', async () => {
    const { run, store, pass } = verifying();
    const { promise, resolve } = Promise.withResolvers<void>();
    store.delay = promise;
    const reading = [run('deep'), run('deep')];
    await expect(run('deep', `${MIRROR.snapshot.version}:manifest.json`)).rejects.toEqual(failing('busy'));
    const quick = run('quick');
    resolve();
    expect((await Promise.all([...reading, quick])).every(({ ok }) => ok)).toBe(true);
    expect((await run('deep', `${MIRROR.snapshot.version}:manifest.json`)).ok).toBe(true);
    store.delay = new Promise(() => {});
    void run('deep');
    store.delay = Promise.resolve();
    pass(30_000);
    expect((await run('deep', `${MIRROR.snapshot.version}:manifest.json`)).ok).toBe(true);
  });

  test('when a run fails, the next caller starts a new one', async () => {
    const { verification, store } = verifying();
    const run = (cursor?: string) => verification.run('deep', cursor, {});
    store.signedRoot = () => Promise.reject(new Error('no storage'));
    const failed = await run();
    expect(failed.ok).toBe(false);
    Reflect.deleteProperty(store, 'signedRoot');
    expect((await run()).ok).toBe(true);
    await expect(run('1:x')).rejects.toEqual(failing('bad-input'));
    const { operations } = store;
    await expect(run('1:x')).rejects.toEqual(failing('bad-input'));
    expect(store.operations).toBeGreaterThan(operations);
  });
});

describe('a quick report', () => {
  test('when it is requested again within a minute, it is the same and costs nothing', async () => {
    const { run, store, pass } = verifying();
    const report = await run();
    const { operations } = store;
    pass(59_999);
    expect(await run()).toBe(report);
    expect(store.operations).toBe(operations);
    pass(1);
    expect(await run()).not.toBe(report);
  });

  test('when the snapshot has changed, the kept report is not given for the new one', async () => {
    const { run, store } = verifying();
    await run();
    store.files = new Map(NEXT.files);
    expect((await run('quick', undefined, NEXT)).snapshot?.version).toBe(NEXT.snapshot.version);
  });

  test('when storage has another pointer by now, the report is about the snapshot that is served', async () => {
    const { run, store, verification } = verifying();
    store.files = new Map([...NEXT.files, ...MIRROR.files]);
    store.files.set(ROOT, NEXT.files.get(ROOT) ?? expect.unreachable());
    const report = await run('quick', undefined, MIRROR);
    expect(report).toMatchObject({ ok: true, snapshot: { version: MIRROR.snapshot.version } });
    expect(verification.last(rootOf(NEXT))).toBeUndefined();
    expect(verification.last(rootOf(MIRROR))).toBe(report);
  });

  test('when the mirror cannot be served, each call looks again', async () => {
    const { verification, store } = verifying({ trusted: [OTHER_KEY.publicKey] });
    expect((await verification.run('quick', undefined, {})).ok).toBe(false);
    const { operations } = store;
    expect((await verification.run('quick', undefined, {})).ok).toBe(false);
    expect(store.operations).toBeGreaterThan(operations);
  });

  test('when a deep report was made, it is shown for an hour, also after a quick one, but not given for one', async () => {
    const { run, verification, pass } = verifying();
    const deep = await run('deep');
    expect(verification.last(rootOf(MIRROR))).toBe(deep);
    expect((await run()).depth).toBe('quick');
    expect(verification.last(rootOf(MIRROR))).toBe(deep);
    pass(3_600_000);
    expect(verification.last(rootOf(MIRROR))).toBeUndefined();
  });
});
