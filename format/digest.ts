import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { toBase64, utf8 } from './bytes.ts';

/** Returns the SHA-256 of bytes in memory as 64 lower-case hex digits. For streams, use the runtime's own hash. */
export const sha256Hex = (bytes: Uint8Array): string => bytesToHex(sha256(bytes));

/** Returns the SHA-256 of a string's UTF-8 bytes. */
export const sha256OfText = (text: string): Uint8Array => sha256(utf8(text));

/** Returns the `Repr-Digest` value (RFC 9530 section 3) of a SHA-256 in hex. */
export const reprDigest = (sha256InHex: string): string => `sha-256=:${toBase64(hexToBytes(sha256InHex))}:`;
