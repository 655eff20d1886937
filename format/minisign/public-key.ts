import { bytesToHex, concatBytes } from '@noble/hashes/utils.js';
import { fromBase64, toBase64, utf8 } from '../bytes.ts';
import { MirrorError } from '../errors.ts';

/** A minisign public key. */
export interface PublicKey {
  /** Eight bytes that say which key made a signature. */
  keyId: Uint8Array;
  /** Raw Ed25519 public key, 32 bytes. */
  key: Uint8Array;
}

const COMMENT = 'untrusted comment: ';

/** Returns the key id as minisign prints it: a little-endian number in 16 upper-case hex digits. */
export const keyIdText = (keyId: Uint8Array): string =>
  bytesToHex(Uint8Array.from(keyId).reverse()).toUpperCase();

/** Returns the raw public key for stout's `additional_trusted_keys`: 64 lower-case hex digits. */
export const publicKeyHex = (publicKey: PublicKey): string => bytesToHex(publicKey.key);

/** Returns the one-line form (`RW…`, 56 characters) that `minisign -P` takes. */
export const publicKeyLine = ({ keyId, key }: PublicKey): string =>
  toBase64(concatBytes(utf8('Ed'), keyId, key));

/** Returns the two-line `.pub` file. */
export const formatPublicKey = (publicKey: PublicKey): string =>
  `${COMMENT}minisign public key ${keyIdText(publicKey.keyId)}\n${publicKeyLine(publicKey)}\n`;

/** Parses a `.pub` file or just its base64 line. Throws `bad-input` naming `where`. */
export function parsePublicKey(text: string, where: string): PublicKey {
  const lines = text.trim().split(/\r?\n/);
  // Two lines must be a comment and a key. Two keys are refused, because half of a list must not pass for all of it.
  const line = lines.length === 2 && lines[0]?.startsWith(COMMENT) ? lines[1] : text;
  const bytes = line === undefined ? undefined : fromBase64(line.trim());
  if (bytes?.length !== 42 || bytes[0] !== 0x45 || bytes[1] !== 0x64) {
    throw new MirrorError('bad-input', `${where} is not a minisign public key.`, {
      where,
      expected: 'a .pub file, or its line of 56 characters that starts with RW',
    });
  }
  return { keyId: bytes.slice(2, 10), key: bytes.slice(10) };
}
