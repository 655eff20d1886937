import { concatBytes } from '@noble/hashes/utils.js';
import { fromBase64, sameBytes, toBase64, utf8 } from '../bytes.ts';
import { MirrorError } from '../errors.ts';
import { PORTABLE, type RuntimeCrypto } from '../runtime-crypto.ts';
import { sign } from './ed25519.ts';
import { keyIdText, type PublicKey } from './public-key.ts';
import type { SecretKey } from './secret-key.ts';

/** A parsed prehashed minisign signature file. */
export interface Signature {
  keyId: Uint8Array;
  /** Ed25519 over the BLAKE2b-512 of the file, 64 bytes. */
  signature: Uint8Array;
  trustedComment: string;
  /** Ed25519 over `signature` and the trusted comment, 64 bytes. */
  globalSignature: Uint8Array;
}

/** Maximum size of a `.sig` file in bytes. */
export const MAX_SIGNATURE = 10_240;

const UNTRUSTED = 'untrusted comment: ';
const TRUSTED = 'trusted comment: ';
const MAX_COMMENT = 8173;
const PREHASHED = utf8('ED');
// biome-ignore lint/suspicious/noControlCharactersInRegex: minisign prints trusted comments on terminals
const UNPRINTABLE = /[\x00-\x08\x0a-\x1f\x7f]/;

/**
 * Signs a file by its BLAKE2b-512 digest. Returns the four-line `.sig` text. Throws `bad-input` unless the trusted comment
 * is printable (tabs allowed) and at most 8,173 bytes long, the most that minisign reads.
 */
export function signPrehashed(key: SecretKey, prehash: Uint8Array, trustedComment: string): string {
  if (UNPRINTABLE.test(trustedComment) || utf8(trustedComment).length > MAX_COMMENT) {
    const found = trustedComment.slice(0, 80);
    const message = 'A trusted comment must be printable and at most 8,173 bytes long.';
    throw new MirrorError('bad-input', message, { found });
  }
  const signature = sign(prehash, key.seed);
  const globalSignature = sign(concatBytes(signature, utf8(trustedComment)), key.seed);
  return [
    `${UNTRUSTED}signature from minisign secret key`,
    toBase64(concatBytes(PREHASHED, key.keyId, signature)),
    TRUSTED + trustedComment,
    toBase64(globalSignature),
    '',
  ].join('\n');
}

/** Parses a `.sig` file. Throws `bad-input` naming `where` unless it is prehashed (`ED`), as all in a mirror are. */
export function parseSignature(text: string, where: string): Signature {
  const lines = text.length <= MAX_SIGNATURE ? text.replace(/\n$/, '').split('\n') : [];
  const [untrusted, first, comment, second] = lines.map((line) => line.replace(/\r$/, ''));
  const bytes = fromBase64(first ?? '');
  const globalSignature = fromBase64(second ?? '');
  const trustedComment = comment?.startsWith(TRUSTED) ? comment.slice(TRUSTED.length) : undefined;
  if (
    lines.length !== 4 ||
    !untrusted?.startsWith(UNTRUSTED) ||
    bytes?.length !== 74 ||
    globalSignature?.length !== 64 ||
    trustedComment === undefined ||
    UNPRINTABLE.test(trustedComment)
  ) {
    throw new MirrorError('bad-input', `${where} is not a minisign signature.`, { where });
  }
  if (!sameBytes(bytes.slice(0, 2), PREHASHED)) {
    throw new MirrorError('bad-input', `${where} is a kind of signature that mirrors do not use.`, {
      where,
      expected: 'ED (prehashed)',
      found: String.fromCharCode(...bytes.slice(0, 2)),
    });
  }
  return { keyId: bytes.slice(2, 10), signature: bytes.slice(10), trustedComment, globalSignature };
}

/**
 * Verifies the global signature, which covers the trusted comment, and returns the key that made it. If `prehash` is given,
 * also verifies the signature over the BLAKE2b-512 digest of the file that it returns. It is called once the comment is
 * known to be authentic. Throws `bad-signature` naming `where`.
 */
export function verifySignature(
  { keyId, signature, trustedComment, globalSignature }: Signature,
  trusted: readonly PublicKey[],
  where: string,
  prehash?: () => Uint8Array,
  crypto: RuntimeCrypto = PORTABLE,
): PublicKey {
  const bad = (message: string, details = {}) =>
    new MirrorError('bad-signature', message, { where, ...details });
  const candidates = trusted.filter((key) => sameBytes(key.keyId, keyId));
  if (candidates.length === 0) {
    throw bad(`${where} was made with a key that is not trusted here.`, {
      expected: trusted.map((key) => keyIdText(key.keyId)).join(', ') || 'a trusted key',
      found: keyIdText(keyId),
    });
  }
  const message = concatBytes(signature, utf8(trustedComment));
  const signer = candidates.find((key) => crypto.verify(globalSignature, message, key.key));
  if (!signer) throw bad(`The trusted comment of ${where} was altered.`);
  if (!prehash || crypto.verify(signature, prehash(), signer.key)) return signer;
  throw bad(`${where} does not match the file that it signs.`);
}
