import { MirrorError } from './errors.ts';
import type { PublicKey } from './minisign/public-key.ts';
import type { SecretKey } from './minisign/secret-key.ts';
import { parseSignature, signPrehashed, verifySignature } from './minisign/signature.ts';
import { PORTABLE, type RuntimeCrypto } from './runtime-crypto.ts';

/** What the trusted comment of a `.sig` states about the signed file. */
export interface SignedFile {
  /** When it was signed, Unix seconds. */
  timestamp: number;
  /** Path of the signed file in the mirror. */
  file: string;
  /** SHA-256 in hex. */
  sha256: string;
  /** Bytes. */
  size: number;
}

const COMMENT = /^timestamp:(\d{1,12})\tfile:([^\t]+)\tsha256:([0-9a-f]{64})\tsize:(\d{1,15})$/;

/** Returns the `.sig` text for a file, given its BLAKE2b-512 digest and the facts for the comment. */
export function signFile(key: SecretKey, prehash: Uint8Array, facts: SignedFile): string {
  const { timestamp, file, sha256, size } = facts;
  return signPrehashed(key, prehash, `timestamp:${timestamp}\tfile:${file}\tsha256:${sha256}\tsize:${size}`);
}

/**
 * Verifies the `.sig` of `file`. Returns what its comment states, and the key that made it.
 *
 * If `prehash` is given, it is called with what the comment states, once that is known to be authentic. The signature over
 * the BLAKE2b-512 that it returns is verified. Without it, the caller must compare the SHA-256 that the comment states.
 *
 * Throws `bad-input` or `bad-signature`, also if the signature was made for another file.
 */
export function verifyFileSignature(
  text: string,
  file: string,
  trusted: readonly PublicKey[],
  prehash?: (claimed: SignedFile) => Uint8Array,
  crypto: RuntimeCrypto = PORTABLE,
): SignedFile & { signer: PublicKey } {
  const where = `${file}.sig`;
  const signature = parseSignature(text, where);
  const claimed = (): SignedFile => parseComment(signature.trustedComment, file, where);
  const signer = verifySignature(signature, trusted, where, prehash && (() => prehash(claimed())), crypto);
  return { ...claimed(), signer };
}

function parseComment(comment: string, expected: string, where: string): SignedFile {
  const [, timestamp, file, sha256 = '', size] = COMMENT.exec(comment) ?? [];
  if (file === expected) return { timestamp: Number(timestamp), file, sha256, size: Number(size) };
  if (file === undefined) {
    const details = { where, found: comment };
    throw new MirrorError('bad-input', `The trusted comment of ${where} is not a mirror's.`, details);
  }
  const details = { where, expected, found: file };
  throw new MirrorError('bad-signature', `${where} was made for another file.`, details);
}
