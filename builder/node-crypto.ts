import { createPublicKey, hash, verify } from 'node:crypto';
import type { RuntimeCrypto } from '../format/runtime-crypto.ts';

/** Node's own cryptography: the portable one needs tens of milliseconds before its first signature is verified. */
export const NODE_CRYPTO: RuntimeCrypto = {
  sha256Hex: (bytes) => hash('sha256', bytes),
  blake2b512: (bytes) => hash('blake2b512', bytes, 'buffer'),
  verify: (signature, message, publicKey) => {
    const x = Buffer.from(publicKey).toString('base64url');
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
    return verify(null, message, key, signature);
  },
};
