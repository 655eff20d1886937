import fc from 'fast-check';
import { describe, expect } from 'vitest';
import { utf8 } from '../../format/bytes.ts';
import { MirrorError } from '../../format/errors.ts';
import { signFile, verifyFileSignature } from '../../format/file-signature.ts';
import { blake2b512 } from '../../format/minisign/blake2.ts';
import { formatPublicKey, parsePublicKey, publicKeyLine } from '../../format/minisign/public-key.ts';
import {
  formatSecretKey,
  parseSecretKey,
  type Scrypt,
  secretKeyOf,
} from '../../format/minisign/secret-key.ts';
import { parseSignature, signPrehashed } from '../../format/minisign/signature.ts';
import { KEY, OTHER_KEY, verifyPrehashed } from '../format/support.ts';
import { hostile } from './mutation.ts';
import { anyText, bytesOf, count, type Effort, hex, holds, parsed, plainName } from './support.ts';

const GIB = 1024 ** 3;
const publicKey = fc.record({ keyId: bytesOf(8), key: bytesOf(32) });
const secretKey = fc.tuple(bytesOf(32), bytesOf(8)).map(([seed, keyId]) => secretKeyOf(seed, keyId));

/** No scrypt at all, but as many bytes; what it would cost is looked at. */
const cheap: Scrypt = async (password, salt, { N, r, p, dkLen }) => {
  expect(Math.log2(N) % 1).toBe(0);
  expect(128 * N * r).toBeLessThanOrEqual(2 * GIB);
  expect(N * r * p).toBeLessThanOrEqual(2 ** 27);
  const block = blake2b512(utf8(`${password}${salt}`));
  return Uint8Array.from({ length: dkLen }, (_, index) => block[index % 64] ?? 0);
};
const lock = { password: 'secret', salt: new Uint8Array(32).fill(7), scrypt: cheap };

const LINE = publicKeyLine(KEY.publicKey);
const PUBLIC = [LINE, formatPublicKey(KEY.publicKey), formatPublicKey(OTHER_KEY.publicKey)] as const;
const SECRET = [await formatSecretKey(KEY), await formatSecretKey(KEY, lock)] as const;
const PREHASH = blake2b512(utf8('signed'));
const FACTS = { timestamp: 1, file: 'a/b', sha256: 'ab'.repeat(32), size: 6 };
const SIGNATURES = [
  signFile(KEY, PREHASH, FACTS),
  signFile(OTHER_KEY, PREHASH, FACTS),
  signPrehashed(KEY, PREHASH, ''),
] as const;

export function minisignProperties(effort: Effort): void {
  describe('minisign', () => {
    holds('a public key is read as it was written', effort, publicKey, (key) => {
      for (const text of [
        publicKeyLine(key),
        formatPublicKey(key),
        formatPublicKey(key).replaceAll('\n', '\r\n'),
      ]) {
        expect(parsePublicKey(text, 'x')).toEqual(key);
      }
    });

    holds('what is taken for a public key has one spelling', effort, hostile(PUBLIC), async (text) => {
      const key = await parsed(() => parsePublicKey(text, 'x'));
      if (key) expect(text).toContain(publicKeyLine(key));
    });

    holds(
      'a secret key is read as it was written, locked or not',
      effort,
      fc.tuple(secretKey, fc.boolean()),
      async ([key, locked]) => {
        const text = await formatSecretKey(key, locked ? lock : undefined);
        expect(await parseSecretKey(text, 'x', locked ? lock : undefined)).toEqual(key);
      },
      0.2,
    );

    holds(
      'what is no secret key is refused without quoting it',
      effort,
      hostile(SECRET),
      async (text) => {
        const key = await parseSecretKey(text, 'x', lock).catch((error: unknown) => {
          if (!(error instanceof MirrorError)) throw error;
          const told = JSON.stringify({ ...error, message: error.message });
          for (const line of text.split('\n'))
            if (line.length > 60) expect(told).not.toContain(line.slice(20, 50));
          return undefined;
        });
        // Nothing in an unlocked file vouches for the key's id, and minisign looks for nothing.
        if (key) expect(key.publicKey.key).toEqual(KEY.publicKey.key);
      },
      0.3,
    );

    const comment = fc.oneof(
      anyText,
      fc.string({ unit: 'grapheme', maxLength: 300 }),
      fc.constantFrom('', '\t', 'x'.repeat(8173)),
    );
    holds(
      'a signature is read as it was written, and holds',
      effort,
      comment,
      async (text) => {
        const signature = await parsed(() => signPrehashed(KEY, PREHASH, text));
        if (signature === undefined) return;
        // Through UTF-8, as it goes through a file.
        const read = parseSignature(Buffer.from(signature).toString(), 'x');
        expect(read.trustedComment).toBe(text.toWellFormed());
        expect(verifyPrehashed(read, PREHASH, [KEY.publicKey], 'x')).toEqual(KEY.publicKey);
      },
      0.2,
    );

    holds(
      'an altered signature holds only where nothing that counts was altered',
      effort,
      hostile(SIGNATURES),
      async (text) => {
        const said = await parsed(() =>
          verifyFileSignature(text, FACTS.file, [KEY.publicKey], () => PREHASH),
        );
        if (!said) return;
        expect(said).toEqual({ ...FACTS, signer: KEY.publicKey });
        expect(text.replaceAll('\r', '').trimEnd().split('\n').slice(1)).toEqual(
          SIGNATURES[0].trimEnd().split('\n').slice(1),
        );
      },
      0.5,
    );

    const facts = fc.record({
      timestamp: fc.nat(999_999_999),
      file: fc.array(plainName, { minLength: 1, maxLength: 4 }).map((names) => names.join('/')),
      sha256: hex(64),
      size: count.filter((size) => size < 1e15),
    });
    holds(
      'what a signature says of a file is read as it was said',
      effort,
      facts,
      (said) => {
        const text = signFile(KEY, PREHASH, said);
        expect(verifyFileSignature(text, said.file, [KEY.publicKey], () => PREHASH)).toEqual({
          ...said,
          signer: KEY.publicKey,
        });
      },
      0.1,
    );
  });
}
