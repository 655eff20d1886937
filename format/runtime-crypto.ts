import { sha256Hex } from './digest.ts';
import { blake2b512 } from './minisign/blake2.ts';
import { verify } from './minisign/ed25519.ts';

/** Functions that a runtime may provide several times faster than {@link PORTABLE}. */
export interface RuntimeCrypto {
  /** Returns SHA-256 as 64 lower-case hex digits. */
  sha256Hex(bytes: Uint8Array): string;
  /** Verifies Ed25519 (RFC 8032): the signature has 64 bytes, the public key 32. */
  verify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean;
  /**
   * Returns the BLAKE2b-512 that minisign signs. A server leaves it out, also on Node, which has one: it may prove a document by the
   * SHA-256 in its trusted comment, which is signed too (docs/format.md section 2), and that of a large root takes less time.
   */
  blake2b512?(bytes: Uint8Array): Uint8Array;
}

/** The implementation that runs anywhere. */
export const PORTABLE: RuntimeCrypto = { sha256Hex, verify, blake2b512 };
