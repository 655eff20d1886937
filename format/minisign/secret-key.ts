import { blake2b } from '@noble/hashes/blake2.js';
import { concatBytes } from '@noble/hashes/utils.js';
import { fromBase64, sameBytes, toBase64, utf8 } from '../bytes.ts';
import { MirrorError } from '../errors.ts';
import { publicKeyOf } from './ed25519.ts';
import type { PublicKey } from './public-key.ts';

/** A minisign secret key, ready to sign. */
export interface SecretKey {
  keyId: Uint8Array;
  /** Ed25519 seed, 32 bytes. */
  seed: Uint8Array;
  publicKey: PublicKey;
}

/** The runtime's scrypt (RFC 7914). It needs about 128·N·r bytes of memory. */
export type Scrypt = (
  password: Uint8Array,
  salt: Uint8Array,
  cost: { N: number; r: number; p: number; dkLen: number },
) => Promise<Uint8Array>;

/** How a secret key file is encrypted. */
export interface Lock {
  password: string;
  salt: Uint8Array;
  scrypt: Scrypt;
  /** libsodium's limits. The default is minisign's own: one GiB of memory, seconds of work. */
  opslimit?: number;
  memlimit?: number;
}

const COMMENT = 'untrusted comment: ';
/** Signature algorithm, key derivation and checksum algorithm: the first six bytes of a key file. */
const PLAIN = utf8('Ed\0\0B2');
const ENCRYPTED = utf8('EdScB2');
const HEAD_LENGTH = 54;
const LOCKED_LENGTH = 104;
const SENSITIVE_OPSLIMIT = 33_554_432;
const SENSITIVE_MEMLIMIT = 1_073_741_824;

/** Returns the secret key of a 32-byte seed and an 8-byte key id. Both must come from a secure random source. */
export const secretKeyOf = (seed: Uint8Array, keyId: Uint8Array): SecretKey => ({
  seed,
  keyId,
  publicKey: { keyId, key: publicKeyOf(seed) },
});

/** Returns the two-line secret key file, encrypted if a lock is given. */
export async function formatSecretKey(key: SecretKey, lock?: Lock): Promise<string> {
  const { opslimit = SENSITIVE_OPSLIMIT, memlimit = SENSITIVE_MEMLIMIT } = lock ?? {
    opslimit: 0,
    memlimit: 0,
  };
  const sk = concatBytes(key.seed, key.publicKey.key);
  const salt = lock?.salt ?? new Uint8Array(32);
  const head = concatBytes(lock ? ENCRYPTED : PLAIN, salt, u64(opslimit), u64(memlimit));
  // minisign leaves the checksum of an unencrypted key zero and does not read it.
  const sum = lock ? checksum(key.keyId, sk) : new Uint8Array(32);
  const body = concatBytes(key.keyId, sk, sum);
  const stored = lock ? xor(body, await keyStream(lock, salt, opslimit, memlimit)) : body;
  const comment = lock ? 'minisign encrypted secret key' : 'minisign secret key';
  return `${COMMENT}${comment}\n${toBase64(concatBytes(head, stored))}\n`;
}

/** Returns true if the file needs a password. Throws `bad-input` unless it is a secret key. */
export const isEncrypted = (text: string, where: string): boolean =>
  sameBytes(decode(text, where).slice(0, 6), ENCRYPTED);

/**
 * Reads a secret key file.
 * Throws `bad-input` naming `where` for another format, a missing or wrong password, or costs beyond 2 GiB.
 */
export async function parseSecretKey(
  text: string,
  where: string,
  lock?: Pick<Lock, 'password' | 'scrypt'>,
): Promise<SecretKey> {
  const bad = (what: string) => new MirrorError('bad-input', what, { where });
  const bytes = decode(text, where);
  const encrypted = sameBytes(bytes.slice(0, 6), ENCRYPTED);
  let body: Uint8Array = bytes.slice(HEAD_LENGTH);
  if (encrypted) {
    if (!lock) throw bad(`${where} is encrypted: its password is needed.`);
    body = xor(body, await keyStream(lock, bytes.slice(6, 38), ...limits(bytes, where)));
  }
  const keyId = body.slice(0, 8);
  const sk = body.slice(8, 72);
  if (encrypted && !sameBytes(body.slice(72), checksum(keyId, sk))) throw bad(`Wrong password for ${where}.`);
  const key = secretKeyOf(sk.slice(0, 32), keyId);
  if (sameBytes(key.publicKey.key, sk.slice(32))) return key;
  throw bad(`${where} is damaged: its two halves do not belong together.`);
}

function decode(text: string, where: string): Uint8Array {
  const lines = text.trim().split(/\r?\n/);
  const line = lines.length === 1 ? lines[0] : lines[1];
  const bytes = lines.length <= 2 && line !== undefined ? fromBase64(line) : undefined;
  const known =
    bytes?.length === HEAD_LENGTH + LOCKED_LENGTH &&
    [PLAIN, ENCRYPTED].some((kind) => sameBytes(bytes.slice(0, 6), kind));
  // Never quote what was found: it may be a secret.
  if (!known) throw new MirrorError('bad-input', `${where} is not a minisign secret key.`, { where });
  return bytes;
}

function limits(bytes: Uint8Array, where: string): [opslimit: number, memlimit: number] {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const opslimit = Number(view.getBigUint64(38, true));
  const memlimit = Number(view.getBigUint64(46, true));
  if (memlimit <= 2 * SENSITIVE_MEMLIMIT && opslimit <= 4 * SENSITIVE_OPSLIMIT) return [opslimit, memlimit];
  throw new MirrorError('bad-input', `${where} asks for more memory or work than a key needs.`, { where });
}

const keyStream = (
  { password, scrypt }: Pick<Lock, 'password' | 'scrypt'>,
  salt: Uint8Array,
  opslimit: number,
  memlimit: number,
): Promise<Uint8Array> =>
  scrypt(utf8(password), salt, { ...scryptCost(opslimit, memlimit), dkLen: LOCKED_LENGTH });

/** Returns the scrypt parameters that libsodium chooses for its two limits (crypto_pwhash_scryptsalsa208sha256). */
function scryptCost(opslimit: number, memlimit: number): { N: number; r: number; p: number } {
  const r = 8;
  const ops = Math.max(opslimit, 32_768);
  const byOps = ops < memlimit / 32;
  const maxN = byOps ? ops / (r * 4) : memlimit / (r * 128);
  let N = 2;
  while (N <= maxN / 2) N *= 2;
  return { N, r, p: byOps ? 1 : Math.max(1, Math.floor(ops / 4 / N / r)) };
}

const checksum = (keyId: Uint8Array, sk: Uint8Array): Uint8Array =>
  blake2b(concatBytes(utf8('Ed'), keyId, sk), { dkLen: 32 });

function xor(a: Uint8Array, b: Uint8Array): Uint8Array {
  // A short key stream would leave the end of the key unencrypted.
  if (a.length !== b.length) throw new MirrorError('bad-input', 'scrypt returned a key of the wrong length.');
  return a.map((byte, index) => byte ^ (b[index] ?? 0));
}

function u64(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true);
  return bytes;
}
