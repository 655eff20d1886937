import { describe, expect, it } from 'vitest';
import { utf8 } from '../../format/bytes.ts';
import {
  encodeIndexManifest,
  type IndexFacts,
  indexFactsOf,
  indexSignatureText,
  parseIndexManifest,
  signIndex,
  verifyIndex,
} from '../../format/index-manifest.ts';
import { parseSecretKey } from '../../format/minisign/secret-key.ts';
import vectors from '../support/vectors/signatures.json' with { type: 'json' };
import { failing, IMPOSTOR_KEY, KEY, OTHER_KEY } from './support.ts';

const FACTS: IndexFacts = {
  formulasSha256: '46c875477d802f4df17d37dd6ee16b1074d2b1bf9d8de2960da2e566b6de6191',
  signedAt: 1_776_026_417,
  indexVersion: '2026.04.12.2040',
  formulaCount: 8310,
  caskCount: 7614,
};
const database = { count: 8310, db_sha256: FACTS.formulasSha256, db_size: 2_860_000 };
const input = {
  version: FACTS.indexVersion,
  created_at: '2026-04-12T20:40:00Z',
  indexes: { formulas: database, casks: { ...database, count: 7614 } },
};

describe("stout's index signature", () => {
  it('when the known facts are signed, gives the known text and signature', async () => {
    const key = await parseSecretKey(vectors.minisign.secretKeyFile, 'n.key');
    expect(indexSignatureText(FACTS)).toBe(vectors.stoutIndexV1.signedText);
    expect(signIndex(FACTS, key)).toBe(vectors.stoutIndexV1.signatureHex);
    expect(verifyIndex(FACTS, vectors.stoutIndexV1.signatureHex, [key.publicKey])).toBe(true);
  });

  it('when one of several trusted keys signed, holds', () => {
    const keys = [OTHER_KEY.publicKey, KEY.publicKey];
    expect(verifyIndex(FACTS, signIndex(FACTS, KEY), keys)).toBe(true);
    expect(verifyIndex(FACTS, signIndex(FACTS, KEY).toUpperCase(), keys)).toBe(true);
  });

  it.each([
    ['formulasSha256', { formulasSha256: '0'.repeat(64) }],
    ['signedAt', { signedAt: FACTS.signedAt + 1 }],
    ['indexVersion', { indexVersion: '2026.04.12.2041' }],
    ['formulaCount', { formulaCount: 8311 }],
    ['caskCount', { caskCount: 0 }],
  ])('when %s is another, does not hold', (_, change) => {
    expect(verifyIndex({ ...FACTS, ...change }, signIndex(FACTS, KEY), [KEY.publicKey])).toBe(false);
  });

  it('when no trusted key made it, does not hold', () => {
    expect(verifyIndex(FACTS, signIndex(FACTS, KEY), [])).toBe(false);
    expect(verifyIndex(FACTS, signIndex(FACTS, KEY), [OTHER_KEY.publicKey, IMPOSTOR_KEY.publicKey])).toBe(
      false,
    );
  });

  it.each(['', 'zz', 'ab', '0'.repeat(127), '0'.repeat(129), 'g'.repeat(128), `${'0'.repeat(127)}\n`])(
    'when it is %j, does not hold and does not throw',
    (signature) => {
      expect(verifyIndex(FACTS, signature, [KEY.publicKey])).toBe(false);
    },
  );
});

describe('the index manifest', () => {
  it('when it is encoded, carries a signature over the facts that it states', () => {
    const manifest = parseIndexManifest(encodeIndexManifest(input, FACTS.signedAt, KEY));
    expect(indexFactsOf(manifest)).toEqual(FACTS);
    expect(verifyIndex(FACTS, manifest.signature ?? '', [KEY.publicKey])).toBe(true);
    expect(manifest).toMatchObject({ version: FACTS.indexVersion, index_version: FACTS.indexVersion });
  });

  it('when there are no casks, signs a count of zero, as stout assumes', () => {
    const bytes = encodeIndexManifest({ ...input, indexes: { formulas: database } }, FACTS.signedAt, KEY);
    const manifest = parseIndexManifest(bytes);
    expect(manifest.signature).toBe(signIndex({ ...FACTS, caskCount: 0 }, KEY));
  });

  it('when the same is encoded twice, gives the same bytes', () => {
    const encode = () => encodeIndexManifest(input, FACTS.signedAt, KEY);
    expect(encode()).toEqual(encode());
  });

  it.each([{}, { signature: 'aa' }, { signed_at: 1 }, { signature: null, signed_at: null }])(
    'when it is not signed (%j), states no signed facts',
    (signed) => {
      const manifest = { ...input, ...signed };
      expect(indexFactsOf(parseIndexManifest(utf8(JSON.stringify(manifest))))).toBeUndefined();
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
    ['with a digest in capitals', JSON.stringify(input).replaceAll(FACTS.formulasSha256, 'A'.repeat(64))],
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
