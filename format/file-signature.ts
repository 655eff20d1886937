import { MirrorError } from './errors.ts';
import type { PublicKey } from './minisign/public-key.ts';
import type { SecretKey } from './minisign/secret-key.ts';
import { parseSignature, signPrehashed, verifyComment, verifyPrehash } from './minisign/signature.ts';
import { PORTABLE, type RuntimeCrypto } from './runtime-crypto.ts';

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
 * Verifies the `.sig` of `file`. `prehash` gives the BLAKE2b-512 of its bytes, over which the signature is then checked;
 * it is called once the comment is known to be authentic, and told what the comment says. Without it only the comment is
 * checked, which names the SHA-256 that the caller must then compare.
 * Throws `bad-input` or `bad-signature`; a signature that was made for another file is `bad-signature`.
 */
export function verifyFileSignature(
  text: string,
  file: string,
  trusted: readonly PublicKey[],
  prehash?: (claimed: SignedFile) => Uint8Array,
  crypto: RuntimeCrypto = PORTABLE,
): VerifiedSignature {
  const where = `${file}.sig`;
  const signature = parseSignature(text, where);
  const signer = verifyComment(signature, trusted, where, crypto);
  const claimed = parseComment(signature.trustedComment, where);
  if (claimed.file !== file) {
    throw new MirrorError('bad-signature', `${where} was made for another file.`, {
      where,
      expected: file,
      found: claimed.file,
    });
  }
  if (prehash) verifyPrehash(signature, prehash(claimed), signer, where, crypto);
  return { ...claimed, signer };
}

function parseComment(comment: string, where: string): SignedFile {
  const [, timestamp, file, sha256, size] = COMMENT.exec(comment) ?? [];
  if (file !== undefined && sha256 !== undefined) {
    return { timestamp: Number(timestamp), file, sha256, size: Number(size) };
  }
  throw new MirrorError('bad-input', `The trusted comment of ${where} is not a mirror's.`, {
    where,
    found: comment,
  });
}
