import { scrypt as nodeScrypt, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { MirrorError } from '../format/errors.ts';
import { formatPublicKey, type PublicKey, parsePublicKey } from '../format/minisign/public-key.ts';
import {
  formatSecretKey,
  isEncrypted,
  parseSecretKey,
  type Scrypt,
  type SecretKey,
  secretKeyOf,
} from '../format/minisign/secret-key.ts';
import { namingFile } from './directory/disk-error.ts';
import { isAbsent, isPresent } from './directory/write.ts';
import { configFolder, type Environment } from './places.ts';
import { readUpTo } from './request/text.ts';

/** Far longer than the file of a key, bytes. */
export const MAX_KEY = 64 * 1024;

/** Asks a person for the password of a key file. Absent where nobody can be asked. */
export type AskPassword = (where: string) => Promise<string>;

const derive = promisify<string | Buffer, Buffer, number, object, Buffer>(nodeScrypt);

const scrypt: Scrypt = (password, salt, { N, r, p, dkLen }) =>
  derive(Buffer.from(password), Buffer.from(salt), dkLen, { N, r, p, maxmem: 256 * N * r });

/** Returns the secret key file of the key pair that the first `create` makes. */
export const defaultKeyPath = (environment: Environment): string =>
  join(configFolder(environment), 'mirror.key');

/** Returns the public key file beside a secret one: `x.pub` for `x.key`. */
export const publicKeyPath = (secretPath: string): string => `${secretPath.replace(/\.key$/, '')}.pub`;

/**
 * Makes a key pair. Only its owner can read the secret file, which is encrypted if a password is given.
 * Throws `refused` rather than overwrite a file.
 */
export async function generateKey(secretPath: string, password?: string): Promise<SecretKey> {
  const key = secretKeyOf(randomBytes(32), randomBytes(8));
  const lock = password === undefined ? undefined : { password, scrypt, salt: randomBytes(32) };
  const text = await formatSecretKey(key, lock);
  await mkdir(dirname(secretPath), { recursive: true, mode: 0o700 });
  await writeNew(secretPath, text, 0o600);
  try {
    await writeNew(publicKeyPath(secretPath), formatPublicKey(key.publicKey), 0o644);
  } catch (error) {
    await rm(secretPath); // beside another key's public half, its signatures could never be verified
    throw error;
  }
  return key;
}

async function writeNew(path: string, text: string, mode: number): Promise<void> {
  try {
    await namingFile(path, () => writeFile(path, text, { flag: 'wx', mode }));
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'EEXIST')) throw cause;
    throw new MirrorError(
      'refused',
      `${path} exists, and a key is never overwritten. Make the pair elsewhere: stout-mirror keygen --key FILE`,
      { where: path, cause },
    );
  }
}

/**
 * Returns the key to sign with: of the file `path`, else of `MIRROR_SIGNING_KEY` (the text of a key file), else of the
 * default key pair. The password of an encrypted key is `MIRROR_KEY_PASSWORD`, or asked for.
 * Throws `bad-input` or `missing`.
 */
export async function signingKey(
  path: string | undefined,
  environment: Environment,
  ask?: AskPassword,
): Promise<SecretKey> {
  const given = path === undefined && environment.MIRROR_SIGNING_KEY;
  const where = given ? 'MIRROR_SIGNING_KEY' : (path ?? defaultKeyPath(environment));
  const text = given || (await readText(where, path === undefined ? NO_SECRET_KEY : makeOneAt(path)));
  if (!isEncrypted(text, where)) return parseSecretKey(text, where);
  const password = environment.MIRROR_KEY_PASSWORD ?? (await ask?.(where));
  if (password !== undefined) return parseSecretKey(text, where, { password, scrypt });
  throw new MirrorError('bad-input', `${where} is encrypted: set MIRROR_KEY_PASSWORD.`, { where });
}

/**
 * Returns the keys to trust. Each of `given` is a public key (`RW…`) or the path of a `.pub` file. Without any, it is the
 * public half of MIRROR_SIGNING_KEY or of the default key pair. Throws `bad-input` or `missing`.
 */
export async function trustedKeys(given: readonly string[], environment: Environment): Promise<PublicKey[]> {
  if (given.length > 0) return Promise.all(given.map(readPublicKey));
  const text = environment.MIRROR_SIGNING_KEY;
  if (text && !isEncrypted(text, 'MIRROR_SIGNING_KEY')) {
    return [(await parseSecretKey(text, 'MIRROR_SIGNING_KEY')).publicKey];
  }
  const publicPath = publicKeyPath(defaultKeyPath(environment));
  if (text && !(await isPresent(publicPath))) {
    throw new MirrorError('missing', 'MIRROR_SIGNING_KEY is encrypted: give its public key with --trust.');
  }
  return [parsePublicKey(await readText(publicPath, NO_PUBLIC_KEY), publicPath)];
}

/** True for the text of a public key, false for a file. */
export const isKeyText = (keyOrPath: string): boolean => /^RW[A-Za-z0-9+/]{54}$/.test(keyOrPath);

async function readPublicKey(keyOrPath: string): Promise<PublicKey> {
  if (isKeyText(keyOrPath)) return parsePublicKey(keyOrPath, keyOrPath);
  return parsePublicKey(
    await readText(keyOrPath, 'A key to trust is its text (RW…) or its .pub file.'),
    keyOrPath,
  );
}

const NO_SECRET_KEY =
  'Name the secret key that signs this mirror with --key, or put its text into MIRROR_SIGNING_KEY.';
const NO_PUBLIC_KEY = 'Name the public key that signs the mirror with --trust.';
const makeOneAt = (path: string): string => `To make a new key pair there: stout-mirror keygen --key ${path}`;

async function readText(path: string, advice: string): Promise<string> {
  try {
    // A pipe, so that a key need not be in a file: --key <(…).
    const bytes = await namingFile(path, () => readUpTo(createReadStream(path), path, MAX_KEY));
    return Buffer.from(bytes).toString();
  } catch (cause) {
    if (!isAbsent(cause)) throw cause;
    throw new MirrorError('missing', `There is no key at ${path}. ${advice}`, { where: path, cause });
  }
}
