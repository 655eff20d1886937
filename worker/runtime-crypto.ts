import { createHash, createPublicKey, verify } from 'node:crypto';
import type { RuntimeCrypto } from '../format/runtime-crypto.ts';

/** SHA-256 in hex of bytes in memory. */
export const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** The runtime's own cryptography, which workerd and Node offer alike. */
export const RUNTIME_CRYPTO: RuntimeCrypto = {
  sha256Hex: sha256Of,
  verify: (signature, message, publicKey) => {
    const x = Buffer.from(publicKey).toString('base64url');
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
    return verify(null, message, key, signature);
  },
};
