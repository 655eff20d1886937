import { blake2b } from '@noble/hashes/blake2.js';

/** Returns the unkeyed BLAKE2b-512 that minisign signs. At about 25 MB/s it is for documents, not for databases. */
export const blake2b512 = (bytes: Uint8Array): Uint8Array => blake2b(bytes, { dkLen: 64 });
