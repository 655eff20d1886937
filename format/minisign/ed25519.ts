import * as ed from '@noble/ed25519';
import { sha512 } from '@noble/hashes/sha2.js';

ed.hashes.sha512 = sha512;

/** Returns the Ed25519 signature (RFC 8032), 64 bytes, by a 32-byte seed. */
export const sign = (message: Uint8Array, seed: Uint8Array): Uint8Array => ed.sign(message, seed);

/** Returns the 32-byte public key of a 32-byte seed. */
export const publicKeyOf = (seed: Uint8Array): Uint8Array => ed.getPublicKey(seed);

/** Verifies strictly by RFC 8032. Refuses encodings that only ZIP 215 allows, as libsodium does. */
export function verify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  try {
    return ed.verify(signature, message, publicKey, { zip215: false });
  } catch {
    return false; // noble throws for points that are not on the curve
  }
}
