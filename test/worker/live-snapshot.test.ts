import { describe, expect, test } from 'vitest';
import { textOf, utf8 } from '../../format/bytes.ts';
import { leafPath, ROOT, signaturePath } from '../../format/layout.ts';
import { filePathOf } from '../../format/snapshot/entry.ts';
import { LiveSnapshots } from '../../worker/live-snapshot.ts';
import { parseSettings, type Settings } from '../../worker/settings.ts';
import type { MirrorStore } from '../../worker/store.ts';
import { overlapping } from '../format/overlapping.ts';
import { failing, IMPOSTOR_KEY, KEY, OTHER_KEY, type SignedMirror, signMirror } from '../format/support.ts';

const BOTTLE = 'bottles/package0-1.0.arm64_sonoma.bottle.tar.gz';
const OLD = signMirror({ previousVersion: 2_000_000_000, bottles: 3 });
const NEW = signMirror({ previousVersion: 2_000_000_001, bottles: 4 });
const ONLY_IN_NEW = 'bottles/package3-1.0.arm64_sonoma.bottle.tar.gz';

/** A storage whose files a test may exchange, and whose reads it may hold back. */
class MemoryStore implements MirrorStore {
  files: Map<string, Uint8Array>;
  operations: string[] = [];
  /** Awaited by each read that begins, once what it will return is settled. */
  delay: Promise<void> = Promise.resolve();

  constructor({ files }: SignedMirror) {
    this.files = new Map(files);
  }

  async signedRoot() {
    const { files } = this;
    await this.#operation('pointer');
    const root = files.get(ROOT);
    return root && { root, signature: textOf(files.get(signaturePath(ROOT)) ?? utf8(''), ROOT) };
  }

  async leaf({ sha256 }: { sha256: string }) {
    const bytes = this.files.get(leafPath(sha256));
    await this.#operation('leaf');
    return bytes;
  }

  head = async () => undefined;
  open = async () => undefined;
  versions = async () => [];
  inspector = () => async () => [];

  async #operation(name: string): Promise<void> {
    this.operations.push(name);
    await this.delay;
  }
}

interface Fixture {
  store: MemoryStore;
  snapshots: LiveSnapshots;
  /** Milliseconds. */
  pass(time: number): void;
}

function serving(mirror: SignedMirror, settings: Partial<Settings> = { trusted: [KEY.publicKey] }): Fixture {
  let time = Date.parse('2026-11-01T12:00:00Z');
  const store = new MemoryStore(mirror);
  const snapshots = new LiveSnapshots(store, { ...parseSettings({}), ...settings }, () => new Date(time));
  return {
    store,
    snapshots,
    pass: (more) => {
      time += more;
    },
  };
}

const versionOf = async ({ snapshots }: Fixture): Promise<number> =>
  (await snapshots.current()).snapshot.version;
/** A read that never ends: its request was cancelled. */
const never = (): Promise<void> => new Promise(() => {});

describe('what may be served', () => {
  test('when a trusted key has signed, the snapshot and its signer are there', async () => {
    const live = await serving(OLD).snapshots.current();
    expect(live.snapshot).toEqual(OLD.snapshot);
    expect(live.signer).toEqual(KEY.publicKey);
  });

  test('when one of several trusted keys has signed, that is enough', async () => {
    const trusted = [OTHER_KEY.publicKey, KEY.publicKey];
    expect((await serving(OLD, { trusted }).snapshots.current()).signer).toEqual(KEY.publicKey);
  });

  test('when no key is configured, it is refused and storage is not even asked', async () => {
    const { snapshots, store } = serving(OLD, { trusted: [] });
    await expect(snapshots.current()).rejects.toEqual(failing('refused'));
    expect(store.operations).toEqual([]);
  });

  test.each([
    ['another key', OTHER_KEY],
    ['a key with the trusted one’s id', IMPOSTOR_KEY],
  ])('when %s has signed, it is bad-signature', async (_, key) => {
    const { snapshots } = serving(signMirror({ key }));
    await expect(snapshots.current()).rejects.toEqual(failing('bad-signature'));
  });

  test('when unverified mirrors are allowed, there is no signer; with a key they are not allowed after all', async () => {
    const foreign = signMirror({ key: OTHER_KEY });
    const open = serving(foreign, { trusted: [], allowUnverified: true });
    expect((await open.snapshots.current()).signer).toBeUndefined();
    const keyed = serving(foreign, { trusted: [KEY.publicKey], allowUnverified: true });
    await expect(keyed.snapshots.current()).rejects.toEqual(failing('bad-signature'));
  });

  test('when one byte of the root is another, it is bad-signature', async () => {
    const { snapshots, store } = serving(OLD);
    const text = textOf(store.files.get(ROOT) ?? utf8(''), ROOT);
    store.files.set(ROOT, utf8(text.replace('"files": 9', '"files": 8')));
    expect(textOf(store.files.get(ROOT) ?? utf8(''), ROOT)).not.toBe(text);
    await expect(snapshots.current()).rejects.toEqual(failing('bad-signature'));
  });

  test.each(['', 'no signature', 'untrusted comment: x\nAAAA\ntrusted comment: y\nAAAA\n'])(
    'when the signature is %j, storage is to blame, not the client',
    async (signature) => {
      const { snapshots, store } = serving(OLD);
      store.files.set(signaturePath(ROOT), utf8(signature));
      await expect(snapshots.current()).rejects.toEqual(failing('mismatch'));
    },
  );

  test('when nothing is published, it says so; after a publish it serves', async () => {
    const fixture = serving(OLD);
    fixture.store.files = new Map();
    await expect(fixture.snapshots.current()).rejects.toEqual(failing('unpublished'));
    fixture.store.files = new Map(OLD.files);
    fixture.pass(1_000);
    expect(await versionOf(fixture)).toBe(OLD.snapshot.version);
  });

  test('when it may not be served, storage is asked once a second, and every request told the reason', async () => {
    const fixture = serving(signMirror({ key: OTHER_KEY }));
    for (let request = 0; request < 20; request++) {
      await expect(fixture.snapshots.current()).rejects.toEqual(failing('bad-signature'));
    }
    expect(fixture.store.operations).toEqual(['pointer']);
    fixture.pass(999);
    await expect(fixture.snapshots.current()).rejects.toEqual(failing('bad-signature'));
    expect(fixture.store.operations).toEqual(['pointer']);
    fixture.pass(1);
    await expect(fixture.snapshots.current()).rejects.toEqual(failing('bad-signature'));
    expect(fixture.store.operations).toEqual(['pointer', 'pointer']);
  });

  test('when the clock is put back by a day, what is new is seen all the same', async () => {
    const fixture = serving(OLD);
    await versionOf(fixture);
    fixture.pass(-86_400_000);
    fixture.store.files = new Map(NEW.files);
    expect(await versionOf(fixture)).toBe(NEW.snapshot.version);
    expect(fixture.store.operations).toEqual(['pointer', 'pointer']);
  });
});

describe('the pointer', () => {
  test('when ten seconds have passed and not before, it is read again', async () => {
    const fixture = serving(OLD);
    await versionOf(fixture);
    fixture.store.files = new Map(NEW.files);
    fixture.pass(9_999);
    expect(await versionOf(fixture)).toBe(OLD.snapshot.version);
    expect(fixture.store.operations).toEqual(['pointer']);
    fixture.pass(1);
    expect(await versionOf(fixture)).toBe(NEW.snapshot.version);
    expect(fixture.store.operations).toEqual(['pointer', 'pointer']);
  });

  test('when a read takes long, its age counts from when it began', async () => {
    const fixture = serving(OLD);
    const first = fixture.snapshots.current();
    fixture.pass(4_000);
    await first;
    fixture.pass(6_000);
    await versionOf(fixture);
    expect(fixture.store.operations).toEqual(['pointer', 'pointer']);
  });

  test('when many requests come at once, they share one read', async () => {
    const fixture = serving(OLD);
    await Promise.all(Array.from({ length: 20 }, () => fixture.snapshots.current()));
    fixture.pass(10_000);
    await Promise.all(Array.from({ length: 20 }, () => fixture.snapshots.current()));
    expect(fixture.store.operations).toEqual(['pointer', 'pointer']);
  });

  test('when nothing has changed, the snapshot is the very same, not opened again', async () => {
    const fixture = serving(OLD);
    const before = await fixture.snapshots.current();
    fixture.pass(10_000);
    expect(await fixture.snapshots.current()).toBe(before);
  });

  test('when it goes back to a lower version, it is rolled-back, until it is mended', async () => {
    const fixture = serving(NEW);
    await versionOf(fixture);
    fixture.store.files = new Map(OLD.files);
    fixture.pass(10_000);
    await expect(fixture.snapshots.current()).rejects.toEqual(failing('rolled-back'));
    fixture.store.files = new Map(NEW.files);
    fixture.pass(1_000);
    expect(await versionOf(fixture)).toBe(NEW.snapshot.version);
  });

  test('when it turns bad, what was good before is not served instead', async () => {
    const fixture = serving(OLD);
    await versionOf(fixture);
    fixture.store.files = new Map(signMirror({ key: OTHER_KEY, previousVersion: 2_000_000_005 }).files);
    fixture.pass(10_000);
    await expect(fixture.snapshots.current()).rejects.toEqual(failing('bad-signature'));
  });

  test('when the request that reads it is cut off, later ones wait five seconds for it and then read', async () => {
    const fixture = serving(OLD);
    fixture.store.delay = never();
    void fixture.snapshots.current();
    fixture.store.delay = Promise.resolve();
    fixture.pass(4_999);
    const waiting = Promise.race([versionOf(fixture), Promise.resolve().then(() => 'waiting')]);
    expect(await waiting).toBe('waiting');
    fixture.pass(1);
    expect(await versionOf(fixture)).toBe(OLD.snapshot.version);
    expect(fixture.store.operations).toEqual(['pointer', 'pointer']);
  });

  test('when a slow read ends after a later one, the later one stands', async () => {
    const fixture = serving(OLD);
    const { promise, resolve } = Promise.withResolvers<void>();
    fixture.store.delay = promise;
    const slow = fixture.snapshots.current();
    fixture.store.delay = Promise.resolve();
    fixture.store.files = new Map(NEW.files);
    fixture.pass(5_000);
    expect(await versionOf(fixture)).toBe(NEW.snapshot.version);
    resolve();
    expect((await slow).snapshot.version).toBe(NEW.snapshot.version);
    expect(await versionOf(fixture)).toBe(NEW.snapshot.version);
  });
});

describe('leaves', () => {
  test('when a name is looked up cold, it costs one pointer and one leaf; warm, nothing', async () => {
    const { snapshots, store } = serving(OLD);
    const cold = await (await snapshots.current()).find(BOTTLE);
    expect(cold?.name).toBe(BOTTLE);
    expect(store.operations).toEqual(['pointer', 'leaf']);
    await (await snapshots.current()).find(BOTTLE);
    expect(store.operations).toEqual(['pointer', 'leaf']);
  });

  test('when every listed name is looked up, each is found; others are not', async () => {
    const live = await serving(OLD).snapshots.current();
    for (const entry of OLD.entries) expect(await live.find(entry.name)).toEqual(entry);
    const sorted = OLD.entries.map(({ name }) => name).sort();
    for (const [index, name] of sorted.entries()) {
      expect((await live.from(name))?.name).toBe(name);
      expect((await live.from(`${name}\0`))?.name).toBe(sorted[index + 1]);
    }
    expect((await live.from(''))?.name).toBe(sorted[0]);
    for (const name of ['', 'zzz', `${BOTTLE}x`, BOTTLE.slice(0, -1), '__proto__', 'snapshot/root.json']) {
      expect(await live.find(name)).toBeUndefined();
    }
  });

  test('when many requests miss the same leaf at once, they share one read', async () => {
    const { snapshots, store } = serving(OLD);
    await Promise.all(
      Array.from({ length: 20 }, async () =>
        expect(await (await snapshots.current()).find(BOTTLE)).toMatchObject({ name: BOTTLE }),
      ),
    );
    expect(store.operations).toEqual(['pointer', 'leaf']);
  });

  test('when the pointer is read again and a leaf is the same, it is not read again', async () => {
    const fixture = serving(OLD);
    await (await fixture.snapshots.current()).find(BOTTLE);
    fixture.pass(10_000);
    await (await fixture.snapshots.current()).find(BOTTLE);
    expect(fixture.store.operations).toEqual(['pointer', 'leaf', 'pointer']);
  });

  test.each<
    [what: string, bytes: (good: Uint8Array) => Uint8Array | undefined, code: 'mismatch' | 'missing']
  >([
    ['has one byte too many', (good) => Uint8Array.of(...good, 0x20), 'mismatch'],
    ['is cut short', (good) => good.subarray(0, -1), 'mismatch'],
    ['is empty', () => utf8(''), 'mismatch'],
    ['is valid but lists other files', () => utf8('{"files":[]}'), 'mismatch'],
    ['is missing', () => undefined, 'missing'],
  ])('when a leaf %s, no name in it is found, and once mended every name is', async (_, damage, code) => {
    const { snapshots, store } = serving(OLD);
    const paths = [...store.files.keys()].filter((path) => path.startsWith('snapshot/leaves/'));
    for (const path of paths) {
      const bytes = damage(store.files.get(path) ?? utf8(''));
      if (bytes) store.files.set(path, bytes);
      else store.files.delete(path);
    }
    const live = await snapshots.current();
    await expect(live.find(BOTTLE)).rejects.toEqual(failing(code));
    await expect(live.find(BOTTLE)).rejects.toEqual(failing(code));
    store.files = new Map(OLD.files);
    expect((await live.find(BOTTLE))?.name).toBe(BOTTLE);
  });

  test('when a signed leaf goes on into the next one, nothing in it is served and the next one is', async () => {
    const mirror = overlapping(OLD);
    const live = await serving(mirror).snapshots.current();
    const before = mirror.snapshot.leaves[0]?.first ?? '';
    for (const look of [live.find(before), live.from(before), live.from('')]) {
      await expect(look).rejects.toEqual(failing('mismatch', mirror.leaf));
    }
    expect((await live.find(mirror.within))?.name).toBe(mirror.within);
    expect(await live.find(mirror.beyond)).toBeUndefined();
  });

  test('when a switch comes in the middle of a request, it finishes on the snapshot it began with', async () => {
    const fixture = serving(OLD);
    const before = await fixture.snapshots.current();
    for (const [path, bytes] of NEW.files) fixture.store.files.set(path, bytes);
    fixture.pass(10_000);
    const after = await fixture.snapshots.current();
    expect(after.snapshot.version).toBeGreaterThan(before.snapshot.version);
    expect(await before.find(ONLY_IN_NEW)).toBeUndefined();
    expect((await after.find(ONLY_IN_NEW))?.name).toBe(ONLY_IN_NEW);
    expect(await before.find(BOTTLE)).toEqual(OLD.entries.find((entry) => filePathOf(entry) === BOTTLE));
  });

  test('when the request that reads a leaf is cut off, later ones read it after five seconds', async () => {
    const fixture = serving(OLD);
    const live = await fixture.snapshots.current();
    fixture.store.delay = never();
    void live.find(BOTTLE);
    fixture.store.delay = Promise.resolve();
    fixture.pass(5_000);
    expect((await live.find(BOTTLE))?.name).toBe(BOTTLE);
  });
});
