import { describe, expect, it } from 'vitest';
import { utf8 } from '../../format/bytes.ts';
import { signFile, verifyFileSignature } from '../../format/file-signature.ts';
import { blake2b512 } from '../../format/minisign/blake2.ts';
import { parseSignature, signPrehashed } from '../../format/minisign/signature.ts';
import { failing, hexOf, IMPOSTOR_KEY, KEY, NOW_SECONDS, OTHER_KEY } from './support.ts';

const BYTES = utf8('the formulas database');
const FACTS = {
  timestamp: NOW_SECONDS,
  file: 'index/formulas.db',
  sha256: hexOf('sha256', BYTES),
  size: BYTES.length,
};
const SIGNED = signFile(KEY, blake2b512(BYTES), FACTS);
const trusted = [KEY.publicKey];

describe('the signature of a file', () => {
  it('when it is made, its trusted comment states time, path, SHA-256 and size', () => {
    expect(parseSignature(SIGNED, 'a.sig').trustedComment).toBe(
      `timestamp:${NOW_SECONDS}\tfile:index/formulas.db\tsha256:${FACTS.sha256}\tsize:21`,
    );
  });

  it('when bytes, path and key match, returns the facts and the signer', () => {
    const expected = { ...FACTS, signer: KEY.publicKey };
    expect(verifyFileSignature(SIGNED, FACTS.file, trusted, () => blake2b512(BYTES))).toEqual(expected);
    expect(verifyFileSignature(SIGNED, FACTS.file, trusted)).toEqual(expected);
  });

  it('when it was made for another file, is refused', () => {
    expect(() => verifyFileSignature(SIGNED, 'index/casks.db', trusted)).toThrow(
      expect.objectContaining({ code: 'bad-signature', found: FACTS.file, expected: 'index/casks.db' }),
    );
  });

  it('when the bytes differ, is refused', () => {
    expect(() => verifyFileSignature(SIGNED, FACTS.file, trusted, () => blake2b512(utf8('others')))).toThrow(
      failing('bad-signature', 'index/formulas.db.sig'),
    );
  });

  it('when the SHA-256 in its comment is altered, is refused also without the bytes', () => {
    const altered = SIGNED.replace(FACTS.sha256, hexOf('sha256', utf8('malware')));
    expect(altered).not.toBe(SIGNED);
    expect(() => verifyFileSignature(altered, FACTS.file, trusted)).toThrow(failing('bad-signature'));
  });

  it.each([
    ['an unknown key', OTHER_KEY],
    ['a key that only has the key id', IMPOSTOR_KEY],
  ])('when it is by %s, is refused with and without the bytes', (_, key) => {
    const signed = signFile(key, blake2b512(BYTES), FACTS);
    expect(() => verifyFileSignature(signed, FACTS.file, trusted)).toThrow(failing('bad-signature'));
    expect(() => verifyFileSignature(signed, FACTS.file, trusted, () => blake2b512(BYTES))).toThrow(
      failing('bad-signature'),
    );
  });

  it.each([
    'timestamp:1\tfile:index/formulas.db\thashed',
    `timestamp:1\tfile:index/formulas.db\tsha256:${FACTS.sha256}`,
    `timestamp:1\tfile:index/formulas.db\tsha256:${FACTS.sha256.toUpperCase()}\tsize:21`,
    `timestamp:1\tfile:index/formulas.db\tsha256:${FACTS.sha256}\tsize:-1`,
    `timestamp:1\tfile:index/formulas.db\tsha256:${FACTS.sha256}\tsize:21\tmore`,
    `timestamp:1\tfile:a\tfile:index/formulas.db\tsha256:${FACTS.sha256}\tsize:21`,
    `timestamp:1e3\tfile:index/formulas.db\tsha256:${FACTS.sha256}\tsize:21`,
    `timestamp:1\tfile:index/formulas.db\tsha256:${FACTS.sha256}\tsize:9999999999999999`,
    '',
  ])('when a trusted key signed with the comment %j, is refused', (comment) => {
    const signed = signPrehashed(KEY, blake2b512(BYTES), comment);
    expect(() => verifyFileSignature(signed, FACTS.file, trusted)).toThrow(
      failing('bad-input', 'index/formulas.db.sig'),
    );
  });

  it('when the file name would break the comment, signing is refused', () => {
    expect(() => signFile(KEY, blake2b512(BYTES), { ...FACTS, file: 'a\nb' })).toThrow(failing('bad-input'));
  });
});
