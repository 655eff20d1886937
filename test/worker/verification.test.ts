import { describe, expect, test } from 'vitest';
import { textOf, utf8 } from '../../format/bytes.ts';
import { leafPath, ROOT, signaturePath } from '../../format/layout.ts';
import { filePathOf, type SnapshotEntry } from '../../format/snapshot/entry.ts';
import type { Evidence } from '../../format/verify/evidence.ts';
import type { Depth, VerifyReport } from '../../format/verify/report.ts';
import { parseSettings, type Settings } from '../../worker/settings.ts';
import type { MirrorStore, StoredRecord } from '../../worker/store.ts';
import { Verification } from '../../worker/verification.ts';
import { failing, hexOf, KEY, OTHER_KEY, type SignedMirror, signMirror } from '../format/support.ts';

const MIRROR = signMirror({ bottles: 60 });
const NEXT = signMirror({ bottles: 60, previousVersion: MIRROR.snapshot.version });
const BOTTLE = 'bottles/package7-1.0.arm64_sonoma.bottle.tar.gz';
const OWN_FILES = MIRROR.entries.filter((entry) => entry.path === undefined).map((entry) => entry.name);

const rootOf = ({ files }: SignedMirror): string => hexOf('sha256', files.get(ROOT) ?? utf8(''));
const entryOf = (path: string): SnapshotEntry => {
  const entry = MIRROR.entries.find(({ name }) => name === path);
  return entry ?? expect.unreachable(`${path} is not listed`);
};

/** A storage in memory that counts what it is asked, keeps the records that a test gives it, and can be held back. */
class MemoryStore implements MirrorStore {
  files: Map<string, Uint8Array>;
  /** What it recorded of a file at upload; SHA-256 unless told. */
  recordOf = (bytes: Uint8Array): StoredRecord => ({ size: bytes.length, sha256: hexOf('sha256', bytes) });
  /** Bytes whose reading breaks off. */
  broken: string | undefined;
  delay: Promise<void> = Promise.resolve();
  operations = 0;
  /** Paths in the order that they were looked at, by record or by bytes. */
  inspected: string[] = [];
  opened: string[] = [];

  constructor({ files }: SignedMirror) {
    this.files = new Map(files);
  }

  async signedRoot() {
    await this.#operation();
    const root = this.files.get(ROOT);
    return root && { root, signature: textOf(this.files.get(signaturePath(ROOT)) ?? utf8(''), ROOT) };
  }

  versions = async () => [];

  async leaf({ sha256 }: { sha256: string }) {
    await this.#operation();
    return this.files.get(leafPath(sha256));
  }

  async head(entry: SnapshotEntry) {
    await this.#operation();
    const bytes = this.files.get(filePathOf(entry));
    return bytes && this.recordOf(bytes);
  }

  async open(entry: SnapshotEntry) {
    const path = filePathOf(entry);
    this.opened.push(path);
    await this.#operation();
    const bytes = this.files.get(path);
    if (!bytes) return undefined;
    const broken = path === this.broken;
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start(controller) {
        controller.enqueue(new Uint8Array(bytes));
        if (broken) controller.error(new Error('the disk is on fire'));
        else controller.close();
      },
    });
    return { record: this.recordOf(bytes), body };
  }

  inspector(onOperation: () => void) {
    return (entries: readonly SnapshotEntry[]): Promise<Evidence[]> =>
      Promise.all(
        entries.map(async (entry): Promise<Evidence> => {
          onOperation();
          this.inspected.push(filePathOf(entry));
          const record = await this.head(entry);
          return record ? { kind: 'recorded', ...record } : { kind: 'absent' };
        }),
      );
  }

  async #operation(): Promise<void> {
    this.operations += 1;
    await this.delay;
  }
}

interface Fixture {
  store: MemoryStore;
  verification: Verification;
  /** Milliseconds. */
  pass(time: number): void;
  run(depth?: Depth, cursor?: string, mirror?: SignedMirror): Promise<VerifyReport>;
}

function verifying(changes: Partial<Settings> = {}, mirror = MIRROR): Fixture {
  let time = Date.parse('2026-11-02T12:00:00Z');
  const store = new MemoryStore(mirror);
  const settings = { ...parseSettings({ VERIFY_OPERATIONS: '1000' }), trusted: [KEY.publicKey], ...changes };
  const verification = new Verification(store, settings, () => new Date(time));
  return {
    store,
    verification,
    pass: (more) => {
      time += more;
    },
    run: (depth = 'quick', cursor, of = mirror) => verification.run(depth, cursor, rootOf(of)),
  };
}

/** The reports of as many calls as it takes. */
async function inParts(
  { run, store }: Fixture,
  depth: Depth,
): Promise<{ report: VerifyReport; cost: number }[]> {
  const calls: { report: VerifyReport; cost: number }[] = [];
  for (let cursor: string | null | undefined; cursor !== null && calls.length < 200; ) {
    const before = store.operations;
    const report = await run(depth, cursor);
    calls.push({ report, cost: store.operations - before });
    cursor = report.cursor;
  }
  return calls;
}

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

  test('when quick calls are bounded, together they look at every file once and at no bytes of bottles', async () => {
    const fixture = verifying({ verifyOperations: 30 });
    const calls = await inParts(fixture, 'quick');
    expect(calls.length).toBeGreaterThan(1);
    expect(fixture.store.inspected.toSorted()).toEqual(OWN_FILES.toSorted());
    expect(fixture.store.opened.filter((path) => path.startsWith('bottles/'))).toEqual([]);
  });

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

  test('when a switch comes during a run, those who ask after it do not get the old report', async () => {
    const { run, store } = verifying();
    const { promise, resolve } = Promise.withResolvers<void>();
    const { inspector } = store;
    store.inspector = (onOperation) => {
      const inspect = inspector.call(store, onOperation);
      return (entries) => promise.then(() => inspect(entries));
    };
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

  test('when a run fails, the next caller starts afresh', async () => {
    const { run, store } = verifying();
    store.signedRoot = () => Promise.reject(new Error('no storage'));
    const failed = await run('deep');
    expect(failed.ok).toBe(false);
    Reflect.deleteProperty(store, 'signedRoot');
    expect((await run('deep')).ok).toBe(true);
    await expect(run('deep', '1:x')).rejects.toEqual(failing('bad-input'));
    const { operations } = store;
    await expect(run('deep', '1:x')).rejects.toEqual(failing('bad-input'));
    expect(store.operations).toBeGreaterThan(operations);
  });
});

describe('a quick report', () => {
  test('when it is asked for again within a minute, it is the same and costs nothing', async () => {
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

  test('when the caller still knows the old pointer, the report is kept for the snapshot that it is about', async () => {
    const { run, store, verification } = verifying();
    store.files = new Map(NEXT.files);
    const report = await run('quick', undefined, MIRROR);
    expect(report.snapshot?.version).toBe(NEXT.snapshot.version);
    expect(verification.recent(rootOf(MIRROR))).toBeUndefined();
    expect(verification.recent(rootOf(NEXT))).toBe(report);
  });

  test('when the mirror cannot be served, each call looks again', async () => {
    const { verification, store } = verifying({ trusted: [OTHER_KEY.publicKey] });
    expect((await verification.run('quick', undefined, undefined)).ok).toBe(false);
    const { operations } = store;
    expect((await verification.run('quick', undefined, undefined)).ok).toBe(false);
    expect(store.operations).toBeGreaterThan(operations);
  });

  test('when a deep report was made, it is not given for a quick one, nor kept', async () => {
    const { run, verification } = verifying();
    await run('deep');
    expect(verification.recent(rootOf(MIRROR))).toBeUndefined();
    expect((await run()).depth).toBe('quick');
  });
});

describe('what the evidence proves', () => {
  type Counts = Partial<VerifyReport['files']>;
  test.each<[recorded: string, recordOf: (bytes: Uint8Array) => StoredRecord, ok: boolean, files: Counts]>([
    [
      'SHA-256',
      (bytes) => ({ size: bytes.length, sha256: hexOf('sha256', bytes) }),
      true,
      { verified: OWN_FILES.length },
    ],
    [
      'MD5 alone',
      (bytes) => ({ size: bytes.length, md5: hexOf('md5', bytes) }),
      true,
      { consistent: OWN_FILES.length, verified: 0 },
    ],
    ['no checksum', (bytes) => ({ size: bytes.length }), false, { failed: OWN_FILES.length, verified: 0 }],
    [
      'another SHA-256 and the right MD5',
      (bytes) => ({ size: bytes.length, sha256: hexOf('sha256', utf8('x')), md5: hexOf('md5', bytes) }),
      false,
      { failed: OWN_FILES.length },
    ],
  ])('when storage recorded %s, a quick report says no more than that', async (_, recordOf, ok, files) => {
    const { run, store } = verifying();
    store.recordOf = recordOf;
    expect(await run()).toMatchObject({ ok, files: { checked: OWN_FILES.length, ...files } });
  });

  test('when there is no checksum, each file is unknown to a quick report and verified by a deep one', async () => {
    const { run, store } = verifying();
    store.recordOf = (bytes) => ({ size: bytes.length });
    const states = (await run('quick')).failures.map(({ state }) => state);
    expect(new Set(states)).toEqual(new Set(['unknown']));
    expect(await run('deep')).toMatchObject({ ok: true, files: { verified: OWN_FILES.length } });
  });

  test('when records lie, a deep report goes by the bytes', async () => {
    const { run, store } = verifying();
    const honest = new Map(store.files);
    store.files.set(BOTTLE, utf8('the bytes of bottles/package7-1.0.arm64_sonoma.bottle.tar.gZ'));
    store.recordOf = (bytes) => {
      const path = [...store.files].find(([, candidate]) => candidate === bytes)?.[0] ?? '';
      const good = honest.get(path) ?? bytes;
      return { size: good.length, sha256: hexOf('sha256', good) };
    };
    expect((await run('quick')).ok).toBe(true);
    expect((await run('deep')).failures).toMatchObject([{ path: BOTTLE, state: 'mismatch' }]);
  });

  test('when one file cannot be read to its end, the report names it and goes on', async () => {
    const { run, store } = verifying();
    store.broken = BOTTLE;
    const report = await run('deep');
    expect(report.failures).toMatchObject([{ path: BOTTLE, state: 'unknown' }]);
    expect(report.failures[0]?.message).toContain('the disk is on fire');
    expect(report.files).toMatchObject({ verified: OWN_FILES.length - 1, failed: 1 });
  });

  test('when files are missing, each is named', async () => {
    const { run, store } = verifying();
    store.files.delete(BOTTLE);
    expect((await run()).failures).toMatchObject([{ path: BOTTLE, state: 'missing' }]);
  });
});

describe('one file', () => {
  test('when its bytes are as signed, it is verified by bytes, whatever was recorded', async () => {
    const { verification, store } = verifying();
    store.recordOf = (bytes) => ({ size: bytes.length });
    expect(await verification.file(entryOf(BOTTLE))).toEqual({
      path: BOTTLE,
      state: 'verified',
      evidence: 'bytes',
    });
  });

  test.each<[what: string, bytes: Uint8Array | undefined, state: string]>([
    ['missing', undefined, 'missing'],
    ['empty', utf8(''), 'mismatch'],
    ['longer', utf8('the bytes of bottles/package7-1.0.arm64_sonoma.bottle.tar.gz!'), 'mismatch'],
    ['altered', utf8('the bytes of bottles/package7-1.0.arm64_sonoma.bottle.tar.gZ'), 'mismatch'],
  ])('when it is %s, the verdict says so', async (_, bytes, state) => {
    const { verification, store } = verifying();
    if (bytes) store.files.set(BOTTLE, bytes);
    else store.files.delete(BOTTLE);
    expect(await verification.file(entryOf(BOTTLE))).toMatchObject({ path: BOTTLE, state });
  });

  test('when it cannot be read, it is unknown: no verdict on its bytes', async () => {
    const { verification, store } = verifying();
    store.broken = BOTTLE;
    expect(await verification.file(entryOf(BOTTLE))).toMatchObject({ path: BOTTLE, state: 'unknown' });
  });

  test('when many ask at once, it is read once', async () => {
    const { verification, store } = verifying();
    await Promise.all(Array.from({ length: 10 }, () => verification.file(entryOf(BOTTLE))));
    expect(store.opened).toEqual([BOTTLE]);
    await verification.file(entryOf(BOTTLE));
    expect(store.opened).toEqual([BOTTLE, BOTTLE]);
  });
});
