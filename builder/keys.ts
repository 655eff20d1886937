import { scrypt as nodeScrypt, randomBytes } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
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
import { isAbsent, isPresent } from './directory/write.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Asks a person for the password of a key file; absent where nobody can be asked. */
export type AskPassword = (where: string) => Promise<string>;

const derive = promisify<string | Buffer, Buffer, number, object, Buffer>(nodeScrypt);

const scrypt: Scrypt = (password, salt, { N, r, p, dkLen }) =>
  derive(Buffer.from(password), Buffer.from(salt), dkLen, { N, r, p, maxmem: 256 * N * r });

/** A key pair on disk. */
export interface KeyFiles {
  secretPath: string;
  publicPath: string;
}

/** Where the first `create` keeps its key pair: `$XDG_CONFIG_HOME/stout-mirror`. */
export function defaultKeyFiles(environment: Environment): KeyFiles {
  const config = environment.XDG_CONFIG_HOME || join(environment.HOME || homedir(), '.config');
  return keyFilesAt(join(config, 'stout-mirror', 'mirror.key'));
}

/** The public key stands beside the secret one: `x.key` and `x.pub`. */
export const keyFilesAt = (secretPath: string): KeyFiles => ({
  secretPath,
  publicPath: `${secretPath.replace(/\.key$/, '')}.pub`,
});

/** Makes a key pair, the secret file readable by its owner alone; encrypted when a password is given. Never overwrites (`refused`). */
export async function generateKey(
  { secretPath, publicPath }: KeyFiles,
  password?: string,
): Promise<SecretKey> {
  const key = secretKeyOf(randomBytes(32), randomBytes(8));
  const text = await formatSecretKey(
    key,
    password === undefined ? undefined : { password, scrypt, salt: randomBytes(32) },
  );
  await mkdir(dirname(secretPath), { recursive: true, mode: 0o700 });
  await writeNew(secretPath, text, 0o600);
  try {
    await writeNew(publicPath, formatPublicKey(key.publicKey), 0o644);
  } catch (error) {
    await rm(secretPath); // beside another's public key it would sign what nobody can check
    throw error;
  }
  return key;
}

async function writeNew(path: string, text: string, mode: number): Promise<void> {
  try {
    await writeFile(path, text, { flag: 'wx', mode });
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'EEXIST')) throw cause;
    throw new MirrorError('refused', `${path} exists already: a key is never overwritten.`, {
      where: path,
      cause,
    });
  }
}

/**
 * The key to sign with: `--key FILE`, else `MIRROR_SIGNING_KEY` (the text of a key file), else the default key pair.
 * The password of an encrypted one is `MIRROR_KEY_PASSWORD`, or asked for. Throws `bad-input` or `missing`.
 */
export async function signingKey(
  path: string | undefined,
  environment: Environment,
  ask?: AskPassword,
): Promise<SecretKey> {
  const text = environment.MIRROR_SIGNING_KEY;
  if (path === undefined && text) return unlock(text, 'MIRROR_SIGNING_KEY', environment, ask);
  const file = path ?? defaultKeyFiles(environment).secretPath;
  return unlock(await readText(file), file, environment, ask);
}

async function unlock(
  text: string,
  where: string,
  environment: Environment,
  ask: AskPassword | undefined,
): Promise<SecretKey> {
  if (!isEncrypted(text, where)) return parseSecretKey(text, where);
  const password = environment.MIRROR_KEY_PASSWORD ?? (await ask?.(where));
  if (password !== undefined) return parseSecretKey(text, where, { password, scrypt });
  throw new MirrorError('bad-input', `${where} is encrypted: set MIRROR_KEY_PASSWORD.`, { where });
}

/**
 * The keys to trust: each of `given` is a public key (`RW…`) or the path of a `.pub` file; without any, the public half
 * of MIRROR_SIGNING_KEY or of the default key pair. Throws `bad-input` or `missing`.
 */
export async function trustedKeys(given: readonly string[], environment: Environment): Promise<PublicKey[]> {
  if (given.length > 0) return Promise.all(given.map(readPublicKey));
  const text = environment.MIRROR_SIGNING_KEY;
  const encrypted = text !== undefined && text !== '' && isEncrypted(text, 'MIRROR_SIGNING_KEY');
  if (text && !encrypted) return [(await parseSecretKey(text, 'MIRROR_SIGNING_KEY')).publicKey];
  const { publicPath } = defaultKeyFiles(environment);
  if (encrypted && !(await isPresent(publicPath))) {
    throw new MirrorError('missing', 'MIRROR_SIGNING_KEY is encrypted: give its public key with --trust.');
  }
  return [await readPublicKey(publicPath)];
}

async function readPublicKey(keyOrPath: string): Promise<PublicKey> {
  if (/^RW[A-Za-z0-9+/]{54}$/.test(keyOrPath)) return parsePublicKey(keyOrPath, keyOrPath);
  return parsePublicKey(await readText(keyOrPath), keyOrPath);
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    if (!isAbsent(cause)) throw cause;
    throw new MirrorError(
      'missing',
      `There is no key at ${path}: give one, or make one with \`stout-mirror keygen\`.`,
      {
        where: path,
        cause,
      },
    );
  }
}
