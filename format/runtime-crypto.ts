import { sha256Hex } from './digest.ts';
import { verify } from './minisign/ed25519.ts';

/** Functions that a runtime may provide several times faster than {@link PORTABLE}. */
export interface RuntimeCrypto {
  /** Returns SHA-256 as 64 lower-case hex digits. */
  sha256Hex(bytes: Uint8Array): string;
  /** Verifies Ed25519 (RFC 8032): the signature has 64 bytes, the public key 32. */
  verify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean;
}

/** The implementation that runs anywhere. */
export const PORTABLE: RuntimeCrypto = { sha256Hex, verify };
