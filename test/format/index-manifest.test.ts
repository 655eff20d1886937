import { describe, expect, it } from 'vitest';
import { utf8 } from '../../format/bytes.ts';
import {
  encodeIndexManifest,
  type IndexManifest,
  indexSignatureText,
  isSigned,
  parseIndexManifest,
  verifyIndex,
} from '../../format/index-manifest.ts';
import { parseSecretKey, type SecretKey } from '../../format/minisign/secret-key.ts';
import vectors from '../support/vectors/signatures.json' with { type: 'json' };
import { failing, IMPOSTOR_KEY, KEY, OTHER_KEY } from './support.ts';

const SHA256 = '46c875477d802f4df17d37dd6ee16b1074d2b1bf9d8de2960da2e566b6de6191';
const SIGNED_AT = 1_776_026_417;
const database = { count: 8310, db_sha256: SHA256, db_size: 2_860_000 };
const input = {
  version: '2026.04.12.2040',
  created_at: '2026-04-12T20:40:00Z',
  indexes: { formulas: database, casks: { ...database, count: 7614 } },
};

const signed = (key: SecretKey = KEY): IndexManifest =>
  parseIndexManifest(encodeIndexManifest(input, SIGNED_AT, key));

describe("stout's index signature", () => {
  it('when the known facts are signed, gives the known text and signature', async () => {
    const key = await parseSecretKey(vectors.minisign.secretKeyFile, 'n.key');
    const manifest = signed(key);
    expect(indexSignatureText(manifest)).toBe(vectors.stoutIndexV1.signedText);
    expect(manifest.signature).toBe(vectors.stoutIndexV1.signatureHex);
    expect(verifyIndex(manifest, [key.publicKey])).toBe(true);
  });

  it('when one of several trusted keys signed, holds', () => {
    const keys = [OTHER_KEY.publicKey, KEY.publicKey];
    const manifest = signed();
    expect(verifyIndex(manifest, keys)).toBe(true);
    expect(verifyIndex({ ...manifest, signature: manifest.signature?.toUpperCase() }, keys)).toBe(true);
  });

  it.each<[string, Partial<IndexManifest>]>([
    [
      'the database of formulas',
      { indexes: { ...input.indexes, formulas: { ...database, db_sha256: '0'.repeat(64) } } },
    ],
    ['signed_at', { signed_at: SIGNED_AT + 1 }],
    ['index_version', { index_version: '2026.04.12.2041' }],
    ['the number of formulas', { indexes: { ...input.indexes, formulas: { ...database, count: 8311 } } }],
    ['the number of casks', { indexes: { ...input.indexes, casks: { ...database, count: 0 } } }],
  ])('when %s differs, does not hold', (_, change) => {
    expect(verifyIndex({ ...signed(), ...change }, [KEY.publicKey])).toBe(false);
  });

  it('when no trusted key made it, does not hold', () => {
    expect(verifyIndex(signed(), [])).toBe(false);
    expect(verifyIndex(signed(), [OTHER_KEY.publicKey, IMPOSTOR_KEY.publicKey])).toBe(false);
  });

  it.each(['', 'zz', 'ab', '0'.repeat(127), '0'.repeat(129), 'g'.repeat(128), `${'0'.repeat(127)}\n`])(
    'when it is %j, does not hold and does not throw',
    (signature) => {
      expect(verifyIndex({ ...signed(), signature }, [KEY.publicKey])).toBe(false);
    },
  );
});

describe('the index manifest', () => {
  it('when it is encoded, carries its version twice and a signature', () => {
    const manifest = signed();
    expect(isSigned(manifest)).toBe(true);
    expect(manifest).toMatchObject({ version: input.version, index_version: input.version });
    expect(manifest).toMatchObject({ indexes: input.indexes, signed_at: SIGNED_AT });
  });

  it('when there are no casks, signs a count of zero, as stout assumes', () => {
    const bytes = encodeIndexManifest({ ...input, indexes: { formulas: database } }, SIGNED_AT, KEY);
    const manifest = parseIndexManifest(bytes);
    expect(indexSignatureText(manifest)).toMatch(/:8310:0$/);
    expect(verifyIndex(manifest, [KEY.publicKey])).toBe(true);
  });

  it('when the same is encoded twice, gives the same bytes', () => {
    const encode = () => encodeIndexManifest(input, SIGNED_AT, KEY);
    expect(encode()).toEqual(encode());
  });

  it.each([{}, { signature: 'aa' }, { signed_at: 1 }, { signature: null, signed_at: null }])(
    'when it is not signed (%j), is read as unsigned',
    (change) => {
      const manifest = parseIndexManifest(utf8(JSON.stringify({ ...input, ...change })));
      expect(isSigned(manifest)).toBe(false);
      expect(verifyIndex(manifest, [KEY.publicKey])).toBe(false);
    },
  );

  it('when upstream adds fields that we do not know, is read all the same', () => {
    const manifest = { ...input, indexes: { ...input.indexes, fonts: 1 }, homebrew_commit: 'abc' };
    expect(parseIndexManifest(utf8(JSON.stringify(manifest))).version).toBe(input.version);
  });

  it.each([
    ['no JSON', 'x'],
    ['no object', '[]'],
    ['without indexes', JSON.stringify({ ...input, indexes: undefined })],
    ['without formulas', JSON.stringify({ ...input, indexes: {} })],
    ['with a digest in capitals', JSON.stringify(input).replaceAll(SHA256, 'A'.repeat(64))],
    ['with a negative size', JSON.stringify(input).replaceAll('2860000', '-1')],
    ['with a size beyond exact integers', JSON.stringify(input).replaceAll('2860000', '1e300')],
    ['with a count that is text', JSON.stringify(input).replaceAll('8310', '"8310"')],
  ])('when it is %s, is refused naming where it came from', (_, text) => {
    const url = 'https://upstream.example/manifest.json';
    expect(() => parseIndexManifest(utf8(text), url)).toThrow(failing('bad-input', url));
  });

  it('when it is not UTF-8, is refused', () => {
    expect(() => parseIndexManifest(Uint8Array.of(0x7b, 0xff, 0x7d))).toThrow(failing('bad-input'));
  });
});
