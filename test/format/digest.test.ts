import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { fromBase64, sameBytes, toBase64, utf8 } from '../../format/bytes.ts';
import { reprDigest, sha256Hex, sha256OfText } from '../../format/digest.ts';
import { isSha256 } from '../../format/is-sha256.ts';
import { blake2b512 } from '../../format/minisign/blake2.ts';

const SAMPLES = ['', 'a', 'hello stout\n', 'é\0\u{1f37a}', 'x'.repeat(1000)];

describe('digests', () => {
  it.each(SAMPLES)("when %j is hashed, gives what the runtime's own hash gives", (text) => {
    const expected = (algorithm: string) => createHash(algorithm).update(text).digest();
    expect(sha256Hex(utf8(text))).toBe(expected('sha256').toString('hex'));
    expect(Buffer.from(sha256OfText(text))).toEqual(expected('sha256'));
    expect(Buffer.from(blake2b512(utf8(text)))).toEqual(expected('blake2b512'));
  });

  it('when a SHA-256 is given, writes the Repr-Digest of RFC 9530', () => {
    expect(reprDigest('c3ab8ff13720e8ad9047dd39466b3c8974e592c2fa383d4a3960714caef0c4f2')).toBe(
      'sha-256=:w6uP8Tcg6K2QR905Rms8iXTlksL6OD1KOWBxTK7wxPI=:',
    );
  });

  it.each([
    '',
    'a'.repeat(63),
    'a'.repeat(65),
    'A'.repeat(64),
    'g'.repeat(64),
    `${'a'.repeat(64)}\n`,
    ` ${'a'.repeat(63)}`,
  ])('when it is %j, it is not a SHA-256', (text) => expect(isSha256(text)).toBe(false));

  it('when it is 64 lower-case hex digits, it is a SHA-256', () => {
    expect(isSha256('0123456789abcdef'.repeat(4))).toBe(true);
  });
});

describe('base64', () => {
  it.each(SAMPLES)('when %j is encoded, it is standard base64 and decodes to the same bytes', (text) => {
    expect(toBase64(utf8(text))).toBe(Buffer.from(text).toString('base64'));
    expect(fromBase64(toBase64(utf8(text)))).toEqual(utf8(text));
  });

  it.each([
    'A',
    'AA',
    'AAA',
    'A===',
    '====',
    'AA=A',
    'QQ',
    'QR==',
    'QUJ=',
    '-_-_',
    'QQ==\n',
    ' QQ==',
    'QQ==QQ==',
    'QQ== ',
    'é',
  ])('when it is %j, is refused', (text) => expect(fromBase64(text)).toBeUndefined());
});

describe('comparing bytes', () => {
  it('when one is a prefix of the other, they differ', () => {
    expect(sameBytes(utf8('ab'), utf8('abc'))).toBe(false);
    expect(sameBytes(utf8(''), utf8('a'))).toBe(false);
    expect(sameBytes(utf8('abc'), utf8('abd'))).toBe(false);
    expect(sameBytes(utf8('abc'), utf8('abc'))).toBe(true);
  });
});
