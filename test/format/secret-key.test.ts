import { describe, expect, it } from 'vitest';
import { publicKeyHex } from '../../format/minisign/public-key.ts';
import {
  formatSecretKey,
  isEncrypted,
  type Lock,
  parseSecretKey,
  secretKeyOf,
} from '../../format/minisign/secret-key.ts';
import made from '../support/vectors/minisign-encrypted.json' with { type: 'json' };
import vectors from '../support/vectors/signatures.json' with { type: 'json' };
import { HOSTILE_TEXTS } from './hostile.ts';
import { failing, KEY, nodeScrypt } from './support.ts';

const plainFile = vectors.minisign.secretKeyFile;
const lock: Lock = {
  password: 'correct horse',
  salt: new Uint8Array(32).fill(9),
  scrypt: nodeScrypt,
  opslimit: 32_768,
  memlimit: 1_048_576,
};
const parse = (text: string, password?: string) =>
  parseSecretKey(text, 'mirror.key', password === undefined ? undefined : { password, scrypt: nodeScrypt });

/** The file with bytes changed from an offset on. */
function patched(text: string, offset: number, ...bytes: number[]): string {
  const [comment = '', line = ''] = text.split('\n');
  const raw = Buffer.from(line, 'base64');
  raw.set(bytes, offset);
  return `${comment}\n${raw.toString('base64')}\n`;
}

describe('an unencrypted secret key', () => {
  it('when the test vector is read, has its seed, key id and public key', async () => {
    const key = await parse(plainFile);
    expect(Buffer.from(key.seed).toString('hex')).toBe(vectors.ed25519.seedHex);
    expect(Buffer.from(key.keyId).toString('hex')).toBe(vectors.minisign.keyIdHexBytes);
    expect(publicKeyHex(key.publicKey)).toBe(vectors.ed25519.publicKeyHex);
  });

  it('when it is written, equals the file of minisign byte for byte', async () => {
    expect(await formatSecretKey(await parse(plainFile))).toBe(plainFile);
  });

  it('when it is only the base64 line, or has CRLF, reads the same key', async () => {
    const key = await parse(plainFile);
    expect(await parse(plainFile.split('\n')[1] ?? '')).toEqual(key);
    expect(await parse(plainFile.replaceAll('\n', '\r\n'))).toEqual(key);
  });

  it('when its checksum is not zero, as after minisign -C -W, is read all the same', async () => {
    expect(await parse(patched(plainFile, 126, 1, 2, 3))).toEqual(await parse(plainFile));
  });

  it('when its public half belongs to another seed, is refused', async () => {
    await expect(parse(patched(plainFile, 62 + 32, 0))).rejects.toEqual(failing('bad-input', 'mirror.key'));
  });
});

describe('an encrypted secret key', () => {
  it('when minisign made it, opens with its password', async () => {
    expect(isEncrypted(made.secretKeyFile, 'a.key')).toBe(true);
    const key = await parse(made.secretKeyFile, made.password);
    const line = Buffer.from(made.publicKeyFile.split('\n')[1] ?? '', 'base64');
    expect(publicKeyHex(key.publicKey)).toBe(line.subarray(10).toString('hex'));
    expect(Buffer.from(key.keyId)).toEqual(line.subarray(2, 10));
  });

  it('when it is written and read with its password, is the same key', async () => {
    const text = await formatSecretKey(KEY, lock);
    expect(isEncrypted(text, 'mirror.key')).toBe(true);
    expect(await parse(text, lock.password)).toEqual(KEY);
  });

  it('when it is written, the file contains neither seed nor public key', async () => {
    const line = (await formatSecretKey(KEY, lock)).split('\n')[1] ?? '';
    const raw = Buffer.from(line, 'base64');
    expect(raw.includes(Buffer.from(KEY.seed))).toBe(false);
    expect(raw.includes(Buffer.from(KEY.publicKey.key))).toBe(false);
    expect(raw.length).toBe(158);
  });

  it('when no limits are given, asks scrypt for a gigabyte as minisign does', async () => {
    const asked: unknown[] = [];
    await formatSecretKey(KEY, {
      password: 'x',
      salt: lock.salt,
      scrypt: async (_password, _salt, cost) => {
        asked.push(cost);
        return new Uint8Array(cost.dkLen);
      },
    });
    expect(asked).toEqual([{ N: 1_048_576, r: 8, p: 1, dkLen: 104 }]);
  });

  it.each(['wrong', '', 'correct horse '])('when the password is %j, is refused', async (password) => {
    const text = await formatSecretKey(KEY, lock);
    await expect(parse(text, password)).rejects.toEqual(failing('bad-input', 'mirror.key'));
  });

  it('when no password is given, says that one is needed', async () => {
    await expect(parse(made.secretKeyFile)).rejects.toThrow(/password is needed/);
  });

  it.each([
    ['its key id', 54],
    ['its seed', 62],
    ['its checksum', 126],
  ])('when a byte of %s is damaged, is refused', async (_, offset) => {
    const good = await formatSecretKey(KEY, lock);
    const byte = Buffer.from(good.split('\n')[1] ?? '', 'base64')[offset] ?? 0;
    const text = patched(good, offset, byte ^ 1);
    await expect(parse(text, lock.password)).rejects.toEqual(failing('bad-input', 'mirror.key'));
  });

  it.each([
    ['memory', 46],
    ['work', 38],
  ])('when it asks for absurd %s, is refused before any work is done', async (_, offset) => {
    const text = patched(made.secretKeyFile, offset, 0, 0, 0, 0, 0, 0, 0, 0x7f);
    await expect(
      parseSecretKey(text, 'mirror.key', {
        password: made.password,
        scrypt: () => expect.unreachable('scrypt was called'),
      }),
    ).rejects.toEqual(failing('bad-input', 'mirror.key'));
  });
});

describe('text that is not a secret key', () => {
  it.each([
    ['another signature algorithm', patched(plainFile, 0, 0x58)],
    ['another key derivation', patched(plainFile, 2, 0x58)],
    ['another checksum algorithm', patched(plainFile, 4, 0x58)],
    ['a public key', vectors.minisign.publicKeyFile],
    ['a third line', `${plainFile}more`],
  ])('when it is %s, is refused', async (_, text) => {
    await expect(parse(text, 'x')).rejects.toEqual(failing('bad-input', 'mirror.key'));
    expect(() => isEncrypted(text, 'mirror.key')).toThrow(failing('bad-input', 'mirror.key'));
  });

  it('when it is nearly one, the error quotes nothing of it', async () => {
    const line = plainFile.split('\n')[1] ?? '';
    const error: unknown = await parse(line.slice(4)).catch((thrown: unknown) => thrown);
    expect(error).toEqual(failing('bad-input', 'mirror.key'));
    expect(JSON.stringify(error) + String(error)).not.toContain(line.slice(60, 80));
  });

  it('when the text is hostile, is refused with a clear error', async () => {
    for (const text of HOSTILE_TEXTS)
      await expect(parse(text, 'x')).rejects.toEqual(failing('bad-input', 'mirror.key'));
  });

  it('when a key is made from a seed, has the known public key', () => {
    const key = secretKeyOf(Buffer.from(vectors.ed25519.seedHex, 'hex'), new Uint8Array(8));
    expect(publicKeyHex(key.publicKey)).toBe(vectors.ed25519.publicKeyHex);
  });
});
