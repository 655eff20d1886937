import { describe, expect, it } from 'vitest';
import {
  formatPublicKey,
  keyIdText,
  parsePublicKey,
  publicKeyHex,
  publicKeyLine,
} from '../../format/minisign/public-key.ts';
import vectors from '../support/vectors/signatures.json' with { type: 'json' };
import { HOSTILE_TEXTS } from './hostile.ts';
import { failing, KEY, OTHER_KEY } from './support.ts';

const file = vectors.minisign.publicKeyFile;
const line = file.split('\n')[1] ?? '';
const parse = (text: string) => parsePublicKey(text, 'mirror.pub');

describe('a minisign public key', () => {
  it('when a file made by minisign is read, has its key and key id', () => {
    const key = parse(file);
    expect(publicKeyHex(key)).toBe(vectors.ed25519.publicKeyHex);
    expect(Buffer.from(key.keyId).toString('hex')).toBe(vectors.minisign.keyIdHexBytes);
    expect(keyIdText(key.keyId)).toBe('EFCDAB8967452301');
  });

  it('when it is written, gives the file and the line of minisign, byte for byte', () => {
    expect(formatPublicKey(parse(file))).toBe(file);
    expect(publicKeyLine(parse(file))).toBe(line);
  });

  it.each([
    ['its line alone', line],
    ['its line and a newline', `${line}\n`],
    ['CRLF line ends', file.replaceAll('\n', '\r\n')],
    ['another comment', `untrusted comment: our mirror\n${line}`],
  ])('when it is given as %s, reads the same key', (_, text) => {
    expect(parse(text)).toEqual(parse(file));
  });

  it.each([
    ['a key of another algorithm', Buffer.from(`Xx${'\0'.repeat(40)}`).toString('base64')],
    ['a key that is one byte short', Buffer.from(`Ed${'\0'.repeat(39)}`).toString('base64')],
    ['a key that is one byte long', Buffer.from(`Ed${'\0'.repeat(41)}`).toString('base64')],
    ['a line with a character of another alphabet', `${line.slice(0, -1)}-`],
    ['a third line', `${file}more`],
    ['a first line that is not a comment', `comment\n${line}`],
    ['a key in bits that base64 does not use', `${line}AB==`],
    ['a secret key', vectors.minisign.secretKeyFile],
    ['a signature', vectors.minisign.signatureFile],
  ])('when it is %s, is refused', (_, text) => {
    expect(() => parse(text)).toThrow(failing('bad-input', 'mirror.pub'));
  });

  it('when a file holds two keys, is refused rather than half read', () => {
    const both = `${publicKeyLine(KEY.publicKey)}\n${publicKeyLine(OTHER_KEY.publicKey)}\n`;
    expect(() => parse(both)).toThrow(failing('bad-input', 'mirror.pub'));
  });

  it('when a secret key file is given by mistake, does not quote the secret', () => {
    const secret = vectors.minisign.secretKeyFile.slice(-80, -40);
    try {
      parse(vectors.minisign.secretKeyFile);
      expect.unreachable();
    } catch (error) {
      expect(JSON.stringify(error) + String(error)).not.toContain(secret);
    }
  });

  it('when the text is hostile, is refused with a clear error', () => {
    for (const text of HOSTILE_TEXTS) expect(() => parse(text)).toThrow(failing('bad-input', 'mirror.pub'));
  });
});
