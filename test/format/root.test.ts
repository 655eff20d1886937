import { describe, expect, it } from 'vitest';
import { textOf, utf8 } from '../../format/bytes.ts';
import { signFile } from '../../format/file-signature.ts';
import { ROOT } from '../../format/layout.ts';
import { blake2b512 } from '../../format/minisign/blake2.ts';
import { keyIdText } from '../../format/minisign/public-key.ts';
import { buildSnapshot } from '../../format/snapshot/build.ts';
import { encodeChannel, encodeKept, MAX_POINTER_SIZE, parseKept } from '../../format/snapshot/pointer.ts';
import { isExpired, openRoot, parseRoot, type Root, signRoot } from '../../format/snapshot/root.ts';
import { HOSTILE_TEXTS } from './hostile.ts';
import { DAY, entryOf, failing, GENERATOR, IMPOSTOR_KEY, KEY, NOW, OTHER_KEY } from './support.ts';

const { snapshot } = buildSnapshot({
  entries: [entryOf('a'), entryOf('b')],
  now: NOW,
  validFor: DAY,
  keyId: KEY.keyId,
  generator: GENERATOR,
});
const [LEAF] = snapshot.leaves;
const SIGNED = signRoot(snapshot, KEY);
const trusted = [KEY.publicKey];
const encode = (root: object): Uint8Array => utf8(JSON.stringify(root));

describe('opening a root', () => {
  it('when a trusted key signed it, returns the snapshot and its signer', () => {
    const opened = openRoot(SIGNED, [OTHER_KEY.publicKey, KEY.publicKey]);
    expect(opened).toMatchObject({
      snapshot,
      signer: KEY.publicKey,
      sha256: entryOf('', SIGNED.root).sha256,
    });
  });

  it.each([
    ['another key signed it', signRoot(snapshot, OTHER_KEY)],
    ['a key with the same key id signed it', signRoot(snapshot, IMPOSTOR_KEY)],
    [
      'its bytes are altered',
      { ...SIGNED, root: utf8(textOf(SIGNED.root, 'root').replace('stout', 'stoat')) },
    ],
    [
      'its version is altered',
      { ...SIGNED, root: SIGNED.root.map((byte, at) => (at === 30 ? byte ^ 1 : byte)) },
    ],
    ['a blank follows', { ...SIGNED, root: utf8(`${textOf(SIGNED.root, 'root')} `) }],
    [
      'the signature is that of another root',
      { ...SIGNED, signature: signRoot({ ...snapshot, version: 1 }, KEY).signature },
    ],
  ])('when %s, is refused', (_, signed) => {
    expect(signed).not.toEqual(SIGNED);
    expect(() => openRoot(signed, trusted)).toThrow(failing('bad-signature'));
  });

  it('when its signature holds but states another SHA-256, is refused', () => {
    const facts = { timestamp: 1, file: ROOT, sha256: '0'.repeat(64), size: SIGNED.root.length };
    const signed = { ...SIGNED, signature: signFile(KEY, blake2b512(SIGNED.root), facts) };
    expect(() => openRoot(signed, trusted)).toThrow(failing('bad-signature', `${ROOT}.sig`));
  });

  it('when no key is trusted, is refused', () => {
    expect(() => openRoot(SIGNED, [])).toThrow(failing('bad-signature'));
  });

  it('when the same snapshot is signed twice, gives the same bytes', () => {
    expect(signRoot(snapshot, KEY)).toEqual(SIGNED);
  });

  it('when a root has another format, says what is needed', () => {
    const other = (format: number) => encode({ ...snapshot, format, mirror: 1, leaves: 'elsewhere' });
    expect(() => parseRoot(other(3))).toThrow(/a newer stout-mirror is needed/);
    expect(() => parseRoot(other(1))).toThrow(/make it again with create/);
  });

  it('when it has hosts for files on demand, returns them', () => {
    const sources = ['a.example.com', 'ghcr.io'];
    expect(parseRoot(encode({ ...snapshot, sources })).sources).toEqual(sources);
  });

  const wrong: [string, object][] = [
    ['no leaves', { ...snapshot, leaves: [], totals: { files: 0, bytes: 0 } }],
    [
      'leaves out of order',
      { ...snapshot, leaves: [{ ...LEAF, first: 'b' }, LEAF], totals: { files: 4, bytes: 4 } },
    ],
    ['the same leaf twice', { ...snapshot, leaves: [LEAF, LEAF], totals: { files: 4, bytes: 4 } }],
    ['too few files in total', { ...snapshot, totals: { ...snapshot.totals, files: 1 } }],
    ['too many bytes in total', { ...snapshot, totals: { ...snapshot.totals, bytes: 3 } }],
    ['a leaf whose address is not a SHA-256', { ...snapshot, leaves: [{ ...LEAF, sha256: '../../root' }] }],
    ['a version below one', { ...snapshot, version: 0 }],
    ['a version above the largest', { ...snapshot, version: 2 ** 53 }],
    ['no mirror', { ...snapshot, mirror: undefined }],
    ['a mirror without a version', { ...snapshot, mirror: keyIdText(KEY.keyId) }],
    ['a mirror of version 0', { ...snapshot, mirror: `${keyIdText(KEY.keyId)}-0` }],
    ['a mirror of too great a version', { ...snapshot, mirror: `${keyIdText(KEY.keyId)}-9007199254740992` }],
    ['a mirror in lower case', { ...snapshot, mirror: '0123456789abcdef-1' }],
    ['hosts out of order', { ...snapshot, sources: ['b.com', 'a.com'] }],
    ['a host twice', { ...snapshot, sources: ['a.com', 'a.com'] }],
    ['an empty list of hosts', { ...snapshot, sources: [] }],
    ['an address for a host', { ...snapshot, sources: ['127.0.0.1'] }],
    ['a version with a fraction', { ...snapshot, version: 1.5 }],
    ['an expiry that is not a time', { ...snapshot, expires_at: 'never' }],
    ['no expiry', { ...snapshot, expires_at: undefined }],
    ['an endless generator', { ...snapshot, generator: { ...GENERATOR, name: 'x'.repeat(2000) } }],
  ];
  it.each(wrong)('when it is signed with %s, is refused naming its path', (_, root) => {
    expect(() => parseRoot(encode(root))).toThrow(failing('bad-input', 'snapshot/root.json'));
  });

  it('when the text is hostile, is refused with a clear error', () => {
    for (const text of HOSTILE_TEXTS) expect(() => parseRoot(utf8(text))).toThrow(failing('bad-input'));
  });
});

describe('the expiry of a snapshot', () => {
  const expiry = NOW.getTime() + DAY * 1000;
  const at = (time: number, root: Root = snapshot): boolean => isExpired(root, new Date(time));

  it('when it is a millisecond away, the snapshot is valid; when it is reached, expired', () => {
    expect([at(NOW.getTime()), at(expiry - 1), at(expiry), at(expiry + DAY)]).toEqual([
      false,
      false,
      true,
      true,
    ]);
  });

  it.each([
    '2026-12-01T00:00:00+02',
    '2026-02-30T00:00:00Z',
    '2026-12-01 00:00:00Z',
    '10000-01-01T00:00:00Z',
    '2026-12-01',
  ])('when a time is written as %s, which not every client can parse, the root is refused', (time) => {
    for (const changed of [{ expires_at: time }, { created_at: time }]) {
      expect(() => parseRoot(encode({ ...snapshot, ...changed }))).toThrow(failing('bad-input'));
    }
  });
});

describe('a pointer', () => {
  it('when it is encoded and parsed, returns root and signature byte for byte', () => {
    expect(parseKept(encodeKept(SIGNED), 'current')).toEqual(SIGNED);
  });

  it('when its root has 20,000 leaves, is within the size limit', () => {
    const leaf = { ...LEAF, first: `bottles/${'x'.repeat(60)}`, size: 200_000, files: 512, bytes: 10 ** 11 };
    const root = utf8(
      JSON.stringify({ ...snapshot, leaves: Array.from({ length: 20_000 }, () => leaf) }, null, 1),
    );
    expect(encodeKept({ ...SIGNED, root }).length).toBeLessThan(MAX_POINTER_SIZE);
  });

  it('when it would be larger than readers accept, is not written', () => {
    const root = utf8('x'.repeat(MAX_POINTER_SIZE));
    expect(() => encodeChannel({ ...SIGNED, root, moved_at: 1, history: [] })).toThrow(failing('too-large'));
  });

  it.each(['{"root":1,"signature":"x"}', '{"root":"x"}', '[]', 'null'])(
    'when it is %s, is refused',
    (text) => {
      expect(() => parseKept(utf8(text), 'current')).toThrow(failing('bad-input', 'current'));
    },
  );

  it('when the text is hostile, is refused with a clear error', () => {
    for (const text of HOSTILE_TEXTS) {
      expect(() => parseKept(utf8(text), 'current')).toThrow(failing('bad-input', 'current'));
    }
  });
});
