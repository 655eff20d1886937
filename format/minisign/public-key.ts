import { bytesToHex, concatBytes } from '@noble/hashes/utils.js';
import { fromBase64, toBase64, utf8 } from '../bytes.ts';
import { MirrorError } from '../errors.ts';

/** A minisign public key. */
export interface PublicKey {
  /** Eight bytes that tell which key made a signature. */
  keyId: Uint8Array;
  /** Raw Ed25519 public key, 32 bytes. */
  key: Uint8Array;
}

const COMMENT = 'untrusted comment: ';

/** The key id as minisign prints it: 16 upper-case hex digits, read as a little-endian number. */
export const keyIdText = (keyId: Uint8Array): string =>
  bytesToHex(Uint8Array.from(keyId).reverse()).toUpperCase();

/** The raw public key as stout's `additional_trusted_keys` wants it: 64 lower-case hex digits. */
export const publicKeyHex = (publicKey: PublicKey): string => bytesToHex(publicKey.key);

/** The one-line form (`RW…`, 56 characters) that `minisign -P` takes. */
export const publicKeyLine = ({ keyId, key }: PublicKey): string =>
  toBase64(concatBytes(utf8('Ed'), keyId, key));

/** The two-line `.pub` file. */
export const formatPublicKey = (publicKey: PublicKey): string =>
  `${COMMENT}minisign public key ${keyIdText(publicKey.keyId)}\n${publicKeyLine(publicKey)}\n`;

/**
 * Reads a `.pub` file or its base64 line alone.
 * Throws `bad-input` naming `where`.
 */
export function parsePublicKey(text: string, where: string): PublicKey {
  const lines = text.trim().split(/\r?\n/);
  // Two lines are a comment and a key, never two keys: half of a list must not pass for the whole.
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
