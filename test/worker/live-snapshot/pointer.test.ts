import { describe, expect, test } from 'vitest';
import { textOf, utf8 } from '../../../format/bytes.ts';
import type { MirrorError } from '../../../format/errors.ts';
import { ROOT, signaturePath } from '../../../format/layout.ts';
import type { SecretKey } from '../../../format/minisign/secret-key.ts';
import type { Settings } from '../../../worker/settings.ts';
import {
  failing,
  IMPOSTOR_KEY,
  KEY,
  MIRROR_ID,
  OTHER_KEY,
  type SignedMirror,
  signMirror,
} from '../../format/support.ts';
import { NEW, never, OLD, serving, versionOf } from './support.ts';

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
    store.files.set(ROOT, utf8(text.replace('"files": 10', '"files": 11')));
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

  test('when it may not be served, storage is read once a second, and every request gets the reason', async () => {
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

describe('what was served before', () => {
  const VERSION = 2_000_000_000;
  const mirrorOf = (key: SecretKey, version: number, mirror?: string) =>
    signMirror({ key, previousVersion: version - 1, bottles: 1, ...(mirror ? { mirror } : {}) });
  const ELSEWHERE = '0123456789ABCDEF-7';
  const trusted = [OTHER_KEY.publicKey, KEY.publicKey];

  /** Publishes one mirror after the other. Returns what becomes of each: its version, or why it is refused. */
  async function oneAfterTheOther(mirrors: SignedMirror[], settings: Partial<Settings> = { trusted }) {
    const fixture = serving(OLD, settings);
    const outcomes: unknown[] = [];
    for (const { files } of mirrors) {
      fixture.store.files = new Map(files);
      outcomes.push(await versionOf(fixture).catch((error: MirrorError) => error.code));
      fixture.pass(10_000);
    }
    return outcomes;
  }

  test('when a key signed the highest version that there is, the key before it is served, and the old one no more', async () => {
    const last = Number.MAX_SAFE_INTEGER;
    expect(
      await oneAfterTheOther([
        mirrorOf(KEY, VERSION),
        mirrorOf(KEY, last),
        mirrorOf(OTHER_KEY, VERSION + 1),
        mirrorOf(KEY, last),
        mirrorOf(OTHER_KEY, VERSION),
        mirrorOf(OTHER_KEY, VERSION + 1),
      ]),
    ).toEqual([VERSION, last, VERSION + 1, 'rolled-back', 'rolled-back', VERSION + 1]);
  });

  test('when a replaced key signs under the id of another mirror, it is refused all the same', async () => {
    const mirrors = [mirrorOf(OTHER_KEY, VERSION), mirrorOf(KEY, VERSION + 9, ELSEWHERE)];
    expect(await oneAfterTheOther(mirrors)).toEqual([VERSION, 'rolled-back']);
  });

  test.each<[what: string, settings: Partial<Settings>]>([
    ['a trusted key signs', { trusted: [KEY.publicKey] }],
    ['nothing is verified', { trusted: [], allowUnverified: true }],
  ])('when %s, versions are those of each mirror', async (_, settings) => {
    const mirrors = [
      mirrorOf(KEY, VERSION + 5),
      mirrorOf(KEY, VERSION + 1, ELSEWHERE),
      mirrorOf(KEY, VERSION + 4),
      mirrorOf(KEY, VERSION, ELSEWHERE),
      mirrorOf(KEY, VERSION + 5),
    ];
    const expected = [VERSION + 5, VERSION + 1, 'rolled-back', 'rolled-back', VERSION + 5];
    expect(await oneAfterTheOther(mirrors, settings)).toEqual(expected);
  });

  test('when the mirror is pinned, no other is served, and none of it is remembered', async () => {
    const settings = { trusted: [KEY.publicKey], mirror: MIRROR_ID };
    const mirrors = [
      mirrorOf(KEY, VERSION),
      mirrorOf(KEY, VERSION + 9, ELSEWHERE),
      mirrorOf(KEY, VERSION + 1),
    ];
    expect(await oneAfterTheOther(mirrors, settings)).toEqual([VERSION, 'other-mirror', VERSION + 1]);
  });
});
