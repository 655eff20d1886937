import { MirrorError } from './errors.ts';
import type { PublicKey } from './minisign/public-key.ts';
import type { SecretKey } from './minisign/secret-key.ts';
import { parseSignature, signPrehashed, verifyComment, verifyPrehashed } from './minisign/signature.ts';

/** What the trusted comment of every `.sig` in a mirror says about the file it signs. */
export interface SignedFile {
  /** When it was signed, Unix seconds. */
  timestamp: number;
  /** Path of the signed file inside the mirror. */
  file: string;
  /** SHA-256 in hex. */
  sha256: string;
  /** Bytes. */
  size: number;
}

const COMMENT = /^timestamp:(\d{1,12})\tfile:([^\t]+)\tsha256:([0-9a-f]{64})\tsize:(\d{1,15})$/;

/** The `.sig` text for a file given by its BLAKE2b-512 digest and the facts that the comment states. */
export function signFile(key: SecretKey, prehash: Uint8Array, facts: SignedFile): string {
  const { timestamp, file, sha256, size } = facts;
  return signPrehashed(key, prehash, `timestamp:${timestamp}\tfile:${file}\tsha256:${sha256}\tsize:${size}`);
}

/** A signature that holds: what it says, and who says it. */
export interface VerifiedSignature extends SignedFile {
  signer: PublicKey;
}

/**
 * Verifies the `.sig` of `file`. With `prehash` (BLAKE2b-512 of the bytes) the signature over the bytes is checked;
 * without it only the authenticated comment, which names the SHA-256 that the caller must then compare.
 * Throws `bad-input` or `bad-signature`; a signature that was made for another file is `bad-signature`.
 */
export function verifyFileSignature(
  text: string,
  file: string,
  trusted: readonly PublicKey[],
  prehash?: Uint8Array,
): VerifiedSignature {
  const where = `${file}.sig`;
  const signature = parseSignature(text, where);
  const signer = prehash
    ? verifyPrehashed(signature, prehash, trusted, where)
    : verifyComment(signature, trusted, where);
  const match = COMMENT.exec(signature.trustedComment);
  if (!match?.[2] || !match[3]) {
    throw new MirrorError('bad-input', `The trusted comment of ${where} is not a mirror's.`, {
      where,
      found: signature.trustedComment,
    });
  }
  if (match[2] !== file) {
    throw new MirrorError('bad-signature', `${where} was made for another file.`, {
      where,
      expected: file,
      found: match[2],
    });
  }
  return { timestamp: Number(match[1]), file, sha256: match[3], size: Number(match[4]), signer };
}
