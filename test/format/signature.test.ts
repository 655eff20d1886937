import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../format/bytes.ts';
import { parsePublicKey } from '../../format/minisign/public-key.ts';
import { parseSecretKey } from '../../format/minisign/secret-key.ts';
import { parseSignature, signPrehashed, verifySignature } from '../../format/minisign/signature.ts';
import made from '../support/vectors/minisign-encrypted.json' with { type: 'json' };
import vectors from '../support/vectors/signatures.json' with { type: 'json' };
import { HOSTILE_TEXTS } from './hostile.ts';
import { failing, IMPOSTOR_KEY, KEY, OTHER_KEY, verifyPrehashed } from './support.ts';

const { message, publicKeyFile, secretKeyFile, signatureFile } = vectors.minisign;
const prehashOf = (text: string): Uint8Array =>
  new Uint8Array(createHash('blake2b512').update(text).digest());
const PREHASH = prehashOf('a file');
const SIGNED = signPrehashed(KEY, PREHASH, 'timestamp:1\tfile:a');
const trusted = [KEY.publicKey];
const parse = (text: string) => parseSignature(text, 'a.sig');
const lineOf = (text: string, index: number): string => text.split('\n')[index] ?? '';

/** The text with one of its four lines replaced. */
function withLine(text: string, index: number, line: string): string {
  const lines = text.split('\n');
  lines[index] = line;
  return lines.join('\n');
}

/** The base64 line with one byte changed. */
function flipped(line: string, offset: number): string {
  const bytes = Buffer.from(line, 'base64');
  bytes.set([(bytes[offset] ?? 0) ^ 1], offset);
  return bytes.toString('base64');
}

describe('the known answers', () => {
  it('when the message is signed, gives the signature of minisign, byte for byte', async () => {
    const key = await parseSecretKey(secretKeyFile, 'n.key');
    const comment = 'version=7 expires=2026-12-01T00:00:00Z';
    expect(signPrehashed(key, prehashOf(message), comment)).toBe(signatureFile);
  });

  it.each([
    ['of the vectors', { publicKeyFile, signatureFile, message }],
    ['made by minisign with an encrypted key', made],
  ])('when the signature %s is checked, it holds', (_, vector) => {
    const key = parsePublicKey(vector.publicKeyFile, 'n.pub');
    const signature = parse(vector.signatureFile);
    expect(verifyPrehashed(signature, prehashOf(vector.message), [key], 'n.sig')).toEqual(key);
  });
});

describe('checking a signature', () => {
  it('when several keys are trusted, returns the one that signed', () => {
    const keys = [OTHER_KEY.publicKey, IMPOSTOR_KEY.publicKey, KEY.publicKey];
    expect(verifyPrehashed(parse(SIGNED), PREHASH, keys, 'a.sig')).toEqual(KEY.publicKey);
    expect(verifySignature(parse(SIGNED), keys, 'a.sig')).toEqual(KEY.publicKey);
  });

  it.each([
    ['no key is trusted', []],
    ['only another key is trusted', [OTHER_KEY.publicKey]],
    ['the trusted key merely has its key id', [IMPOSTOR_KEY.publicKey]],
  ])('when %s, is refused', (_, keys) => {
    expect(() => verifyPrehashed(parse(SIGNED), PREHASH, keys, 'a.sig')).toThrow(
      failing('bad-signature', 'a.sig'),
    );
    expect(() => verifySignature(parse(SIGNED), keys, 'a.sig')).toThrow(failing('bad-signature', 'a.sig'));
  });

  it('when a key is not trusted, names it and those that are', () => {
    expect(() => verifySignature(parse(SIGNED), [OTHER_KEY.publicKey], 'a.sig')).toThrow(
      expect.objectContaining({ expected: '0202020202020202', found: '0101010101010101' }),
    );
  });

  it('when the file differs, is refused although the comment is authentic', () => {
    const signature = parse(SIGNED);
    expect(() => verifyPrehashed(signature, prehashOf('another file'), trusted, 'a.sig')).toThrow(
      failing('bad-signature', 'a.sig'),
    );
    expect(verifySignature(signature, trusted, 'a.sig')).toEqual(KEY.publicKey);
  });

  it.each([
    ['the comment is altered', withLine(SIGNED, 2, 'trusted comment: timestamp:2\tfile:a')],
    ['the comment is cut', withLine(SIGNED, 2, 'trusted comment: timestamp:1\tfile:')],
    ['a byte of the signature is altered', withLine(SIGNED, 1, flipped(lineOf(SIGNED, 1), 40))],
    ['a byte of the global signature is altered', withLine(SIGNED, 3, flipped(lineOf(SIGNED, 3), 40))],
    ['the key id is altered', withLine(SIGNED, 1, flipped(lineOf(SIGNED, 1), 2))],
    [
      'the comment is that of another signature by the same key',
      [2, 3].reduce(
        (text, line) => withLine(text, line, lineOf(signPrehashed(KEY, prehashOf('b'), 'b'), line)),
        SIGNED,
      ),
    ],
  ])('when %s, is refused', (_, text) => {
    expect(() => verifyPrehashed(parse(text), PREHASH, trusted, 'a.sig')).toThrow(failing('bad-signature'));
    expect(() => verifySignature(parse(text), trusted, 'a.sig')).toThrow(failing('bad-signature'));
  });

  it('when only the untrusted comment is altered, still holds: nobody may rely on it', () => {
    const text = withLine(SIGNED, 0, 'untrusted comment: whatever');
    expect(verifyPrehashed(parse(text), PREHASH, trusted, 'a.sig')).toEqual(KEY.publicKey);
  });

  it('when the signer is the order-1 point that signs anything, is refused', () => {
    const weak = { keyId: KEY.keyId, key: Uint8Array.of(1, ...new Uint8Array(31)) };
    const forged = { ...parse(SIGNED), signature: new Uint8Array(64), globalSignature: new Uint8Array(64) };
    forged.signature[0] = 1;
    forged.globalSignature[0] = 1;
    expect(() => verifyPrehashed(forged, PREHASH, [weak], 'a.sig')).toThrow(failing('bad-signature'));
  });
});

describe('reading a signature file', () => {
  it('when its lines end in CRLF or the last newline is missing, is read alike', () => {
    expect(parse(SIGNED.replaceAll('\n', '\r\n'))).toEqual(parse(SIGNED));
    expect(parse(SIGNED.trimEnd())).toEqual(parse(SIGNED));
  });

  it('when it is a legacy signature over the file itself, is refused', () => {
    const bytes = Buffer.from(lineOf(SIGNED, 1), 'base64');
    bytes.write('Ed');
    expect(() => parse(withLine(SIGNED, 1, bytes.toString('base64')))).toThrow(
      expect.objectContaining({ code: 'bad-input', found: 'Ed' }),
    );
  });

  it.each([
    ['a line is missing', SIGNED.split('\n').slice(1).join('\n')],
    ['a line is too many', `${SIGNED}more\n`],
    ['an empty line follows', `${SIGNED}\n`],
    ['the comments are exchanged', withLine(SIGNED, 0, lineOf(SIGNED, 2))],
    ['the trusted comment has no prefix', withLine(SIGNED, 2, 'timestamp:1\tfile:a')],
    ['the signature is short', withLine(SIGNED, 1, Buffer.alloc(73).toString('base64'))],
    ['the signature is long', withLine(SIGNED, 1, Buffer.alloc(75).toString('base64'))],
    ['the global signature is short', withLine(SIGNED, 3, Buffer.alloc(63).toString('base64'))],
    ['base64 lacks its padding', withLine(SIGNED, 3, lineOf(SIGNED, 3).replaceAll('=', ''))],
    ['base64 has bits that it does not use', withLine(SIGNED, 3, lineOf(SIGNED, 3).replace(/.==$/, 'B=='))],
    ['base64 has a blank', withLine(SIGNED, 3, ` ${lineOf(SIGNED, 3)}`)],
    ['the comment rings a bell', withLine(SIGNED, 2, 'trusted comment: \x07')],
    ['the comment has an escape sequence', withLine(SIGNED, 2, 'trusted comment: \x1b[2J')],
    ['the comment has an inner carriage return', withLine(SIGNED, 2, 'trusted comment: a\rb')],
    ['it is longer than any signature', withLine(SIGNED, 2, `trusted comment: ${'x'.repeat(11_000)}`)],
  ])('when %s, is refused', (_, text) => {
    expect(() => parse(text)).toThrow(failing('bad-input', 'a.sig'));
  });

  it('when the text is hostile, is refused with a clear error', () => {
    for (const text of HOSTILE_TEXTS) expect(() => parse(text)).toThrow(failing('bad-input', 'a.sig'));
  });
});

describe('signing', () => {
  it.each([
    ['a line feed', 'a\nb'],
    ['a carriage return', 'a\rb'],
    ['a NUL', 'a\0b'],
    ['an escape', 'a\x1bb'],
    ['DEL', 'a\x7fb'],
    ['more bytes than minisign reads', 'x'.repeat(8174)],
    ['that many bytes in fewer characters', 'é'.repeat(4087)],
  ])('when the trusted comment holds %s, is refused', (_, comment) => {
    expect(() => signPrehashed(KEY, PREHASH, comment)).toThrow(failing('bad-input'));
  });

  it.each(['', 'a\tb', 'é', 'x'.repeat(8173)])('when the comment is %j, reads back the same', (comment) => {
    const signature = parse(signPrehashed(KEY, PREHASH, comment));
    expect(signature.trustedComment).toBe(comment);
    expect(verifyPrehashed(signature, PREHASH, trusted, 'a.sig')).toEqual(KEY.publicKey);
  });

  it('when the same is signed twice, gives the same text', () => {
    expect(signPrehashed(KEY, PREHASH, 'timestamp:1\tfile:a')).toBe(SIGNED);
    expect(utf8(SIGNED).every((byte) => byte < 0x80)).toBe(true);
  });
});
