import { readFile, stat } from 'node:fs/promises';
import { hasCode } from '../../format/errors.ts';
import { keyIdText } from '../../format/minisign/public-key.ts';
import { isEncrypted } from '../../format/minisign/secret-key.ts';
import { ifPresent } from '../directory/write.ts';
import { defaultKeyPath, MAX_KEY, signingKey, trustedKeys } from '../keys.ts';
import type { Environment } from '../places.ts';
import { type Check, failed, ok, type Result, warning } from './finding.ts';

/** Which keys to look at. */
export interface KeyOptions {
  /** File of the secret key. */
  key: string | undefined;
  environment: Environment;
  /** Keys to trust, or their files; without any, the own key pair. */
  trust: readonly string[];
  /** Called with the id of the key that signs, as text, once it is known. */
  onKey: (id: string) => void;
}

/** Returns the checks of the keys that sign, and of those that are trusted. */
export const keyChecks = (options: KeyOptions): Check[] => [
  { area: 'keys', check: 'secret key', work: () => secretKey(options) },
  { area: 'keys', check: 'trusted keys', work: () => trusted(options) },
];

async function trusted({ trust, environment }: KeyOptions): Promise<Result> {
  try {
    return ok((await trustedKeys(trust, environment)).map(({ keyId }) => keyIdText(keyId)).join(', '));
  } catch (error) {
    if (trust.length > 0 || !hasCode(error, 'missing')) throw error;
    return warning('none', error.message);
  }
}

async function secretKey(options: KeyOptions): Promise<Result[]> {
  const { key, environment } = options;
  const text = key === undefined ? environment.MIRROR_SIGNING_KEY : undefined;
  if (text) return [await described('MIRROR_SIGNING_KEY', text, undefined, options)];
  const path = key ?? defaultKeyPath(environment);
  const found = await ifPresent(stat(path));
  if (!found) {
    const advice = 'The first create makes one, or keygen. To serve and verify, none is needed.';
    return [warning(`There is no secret key at ${path}.`, advice)];
  }
  if (!found.isFile() || found.size > MAX_KEY) {
    return [
      failed('bad-input', `${path} is not the file of a key.`, 'Name the file of a secret key with --key.'),
    ];
  }
  const own = await readFile(path, 'utf8');
  const result = await described(path, own, path, options);
  if (process.platform === 'win32' || (found.mode & 0o077) === 0) return [result];
  const rights = (found.mode & 0o777).toString(8);
  return [result, warning(`Others may read ${path} (mode ${rights}).`, `chmod 600 ${path}`)];
}

/** Says which key a text is. An encrypted key is opened only if the environment has its password. */
async function described(
  where: string,
  text: string,
  path: string | undefined,
  { environment, onKey }: KeyOptions,
): Promise<Result> {
  const isLocked = isEncrypted(text, where);
  if (isLocked && environment.MIRROR_KEY_PASSWORD === undefined) {
    return ok(`${where}, encrypted; its password is asked for`);
  }
  const { publicKey } = await signingKey(path, environment);
  const id = keyIdText(publicKey.keyId);
  onKey(id);
  return ok(`${id}, ${where}${isLocked ? ', encrypted' : ''}`);
}
