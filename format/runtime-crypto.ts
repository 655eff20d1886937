import { sha256Hex } from './digest.ts';
import { verify } from './minisign/ed25519.ts';

/** What a runtime may do several times as fast as code that runs anywhere. */
export interface RuntimeCrypto {
  /** SHA-256 in 64 lower-case hex digits. */
  sha256Hex(bytes: Uint8Array): string;
  /** Ed25519 as RFC 8032 has it: 64 bytes of signature, 32 of public key. */
  verify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean;
}

/** The code that runs anywhere. */
export const PORTABLE: RuntimeCrypto = { sha256Hex, verify };
