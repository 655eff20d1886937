import { constants, createHash, createPrivateKey, createPublicKey, privateEncrypt } from 'node:crypto';
import { readFileSync } from 'node:fs';

const KEY = createPrivateKey(readFileSync(new URL('./test-key.pem', import.meta.url)));
const HASH_LENGTH = 64;
const ENCODED_LENGTH = 256;

/** The public half of the sample's published test key, PEM. It vouches for nothing outside a sample. */
export const SAMPLE_KEY: string = createPublicKey(KEY).export({ type: 'spki', format: 'pem' }).toString();

/** What a signed file says of its signature; a test may alter it. */
export interface JwsHeaders {
  alg: string;
  kid: string;
}

/**
 * A payload as Homebrew signs its API files: JWS general JSON serialisation, PS512 over an unencoded payload (RFC 7515
 * section 7.2.1, RFC 7797). Equal payloads give equal files: the salt follows from the message.
 */
export function signJws(
  payload: string,
  { alg, kid }: JwsHeaders = { alg: 'PS512', kid: 'homebrew-1' },
): string {
  const header = JSON.stringify({ alg, b64: false, crit: ['b64'] });
  const protectedHeader = Buffer.from(header).toString('base64url');
  const signature = sign(Buffer.from(`${protectedHeader}.${payload}`)).toString('base64url');
  return JSON.stringify({
    payload,
    signatures: [{ protected: protectedHeader, header: { kid }, signature }],
  });
}

/** RSASSA-PSS (RFC 8017 section 8.1.1) with SHA-512 and a salt as long as it, which is not random here, so that files stay the same. */
function sign(message: Buffer): Buffer {
  const digest = sha512(message);
  const salt = sha512(Buffer.from('salt'), digest);
  const hash = sha512(Buffer.alloc(8), digest, salt);
  const block = Buffer.alloc(ENCODED_LENGTH - HASH_LENGTH - 1);
  block[block.length - salt.length - 1] = 1;
  salt.copy(block, block.length - salt.length);
  const mask = maskOf(hash, block.length);
  const masked = block.map((byte, index) => byte ^ (mask[index] ?? 0));
  masked[0] = (masked[0] ?? 0) & 0x7f; // the key has 2048 bits, one more than the encoded message
  const encoded = Buffer.concat([masked, hash, Buffer.from([0xbc])]);
  return privateEncrypt({ key: KEY, padding: constants.RSA_NO_PADDING }, encoded);
}

/** MGF1 (RFC 8017 appendix B.2.1). */
function maskOf(seed: Buffer, length: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(length / HASH_LENGTH) }, (_, counter) => {
    const octets = Buffer.alloc(4);
    octets.writeUInt32BE(counter);
    return sha512(seed, octets);
  });
  return Buffer.concat(blocks).subarray(0, length);
}

function sha512(...parts: Buffer[]): Buffer {
  const hash = createHash('sha512');
  for (const part of parts) hash.update(part);
  return hash.digest();
}
