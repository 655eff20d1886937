import { scrypt as nodeScrypt } from 'node:crypto';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { defaultKeyPath, generateKey, publicKeyPath, signingKey, trustedKeys } from '../../builder/keys.ts';
import { formatPublicKey } from '../../format/minisign/public-key.ts';
import { formatSecretKey, type Scrypt, type SecretKey } from '../../format/minisign/secret-key.ts';
import { OTHER_KEY, TEST_KEY } from '../support/keys.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { failing } from './failing.ts';

const folder = await temporaryFolder();
let folders = 0;
async function newFolder(): Promise<string> {
  const path = join(folder, String(++folders));
  await mkdir(path);
  return path;
}

const scrypt: Scrypt = (password, salt, { N, r, p, dkLen }) =>
  new Promise((resolve, reject) => {
    nodeScrypt(password, salt, dkLen, { N, r, p, maxmem: 2 ** 30 }, (error, key) =>
      error ? reject(error) : resolve(key),
    );
  });

/** Returns the test key, encrypted as minisign does but with less work. */
const lockedKey = (password: string): Promise<string> =>
  formatSecretKey(TEST_KEY, {
    password,
    scrypt,
    salt: new Uint8Array(32).fill(7),
    opslimit: 524_288,
    memlimit: 16_777_216,
  });

const textOf = (key: SecretKey): Promise<string> => formatSecretKey(key);

const trustedIn = async (environment: Record<string, string>, ...given: string[]): Promise<string[]> =>
  (await trustedKeys(given, environment)).map(formatPublicKey);

const publicKeyText = formatPublicKey(TEST_KEY.publicKey);
const publicKeyLine = publicKeyText.split('\n')[1] ?? '';

describe('generateKey', () => {
  it('when it makes a pair, only the owner can read the secret file, and both halves match', async () => {
    const path = join(await newFolder(), 'deep', 'mirror.key');
    const key = await generateKey(path);
    expect(publicKeyPath(path)).toMatch(/deep\/mirror\.pub$/);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await textOf(await signingKey(path, {}))).toBe(await textOf(key));
    expect(await trustedIn({}, publicKeyPath(path))).toEqual([formatPublicKey(key.publicKey)]);
  });

  it('when it makes two, they differ', async () => {
    const place = await newFolder();
    const keys = [await generateKey(join(place, 'a')), await generateKey(join(place, 'b'))];
    expect(keys[0]?.seed).not.toEqual(keys[1]?.seed);
    expect(keys[0]?.keyId).not.toEqual(keys[1]?.keyId);
  });

  it.each(['mirror.key', 'mirror.pub'])(
    'when there is a %s, overwrites nothing and makes nothing',
    async (name) => {
      const place = await newFolder();
      await writeFile(join(place, name), 'precious');
      await expect(generateKey(join(place, 'mirror.key'))).rejects.toEqual(
        failing('refused', { where: join(place, name) }),
      );
      expect(await readdir(place)).toEqual([name]);
      expect(await readFile(join(place, name), 'utf8')).toBe('precious');
    },
  );
});

describe('signingKey', () => {
  it('when no key is named, uses the default pair; if there is none, makes none', async () => {
    const environment = { XDG_CONFIG_HOME: await newFolder() };
    await expect(signingKey(undefined, environment)).rejects.toEqual(
      failing('missing', { message: expect.stringContaining('--key') }),
    );
    expect(await readdir(environment.XDG_CONFIG_HOME)).toEqual([]);
    const key = await generateKey(defaultKeyPath(environment));
    expect(await textOf(await signingKey(undefined, environment))).toBe(await textOf(key));
    expect(await trustedIn(environment)).toEqual([formatPublicKey(key.publicKey)]);
  });

  it('when MIRROR_SIGNING_KEY is set, uses it unless a file is named', async () => {
    const path = join(await newFolder(), 'other.key');
    await writeFile(path, await formatSecretKey(OTHER_KEY));
    const environment = { MIRROR_SIGNING_KEY: await formatSecretKey(TEST_KEY), XDG_CONFIG_HOME: '/nowhere' };
    expect(await signingKey(undefined, environment)).toEqual(TEST_KEY);
    expect(await signingKey(path, environment)).toEqual(OTHER_KEY);
  });

  it('when a named file is missing, makes none and says how to make one', async () => {
    const path = join(await newFolder(), 'none.key');
    await expect(signingKey(path, {})).rejects.toEqual(
      failing('missing', { where: path, message: expect.stringContaining('keygen') }),
    );
  });

  it('when it is encrypted, opens it with MIRROR_KEY_PASSWORD or asks', async () => {
    const path = join(await newFolder(), 'locked.key');
    await writeFile(path, await lockedKey('open sesame'));
    const byEnvironment = await signingKey(path, { MIRROR_KEY_PASSWORD: 'open sesame' });
    expect(byEnvironment).toEqual(TEST_KEY);
    const asked: string[] = [];
    const ask = async (where: string) => {
      asked.push(where);
      return 'open sesame';
    };
    expect(await signingKey(path, {}, ask)).toEqual(TEST_KEY);
    expect(asked).toEqual([path]);
  });

  it('when a named file has no end, stops reading', async () => {
    await expect(signingKey('/dev/zero', {})).rejects.toEqual(failing('too-large', { where: '/dev/zero' }));
    await expect(trustedKeys(['/dev/zero'], {})).rejects.toEqual(failing('too-large'));
  });

  it('when the password is wrong or missing, refuses', async () => {
    const MIRROR_SIGNING_KEY = await lockedKey('open sesame');
    const wrong = { MIRROR_SIGNING_KEY, MIRROR_KEY_PASSWORD: 'open sesam' };
    await expect(signingKey(undefined, wrong)).rejects.toEqual(
      failing('bad-input', { message: expect.stringContaining('Wrong password') }),
    );
    await expect(signingKey(undefined, { MIRROR_SIGNING_KEY })).rejects.toEqual(
      failing('bad-input', { message: expect.stringContaining('MIRROR_KEY_PASSWORD') }),
    );
  });

  it('when the text is not a key, does not quote it', async () => {
    await expect(signingKey(undefined, { MIRROR_SIGNING_KEY: 'hunter2' })).rejects.toSatisfy(
      (error: Error) => !JSON.stringify({ ...error, message: error.message }).includes('hunter2'),
    );
  });
});

describe('trustedKeys', () => {
  it('when keys are given as text and as files, trusts all of them', async () => {
    const path = join(await newFolder(), 'other.pub');
    await writeFile(path, formatPublicKey(OTHER_KEY.publicKey));
    expect(await trustedKeys([publicKeyLine, path], {})).toEqual([TEST_KEY.publicKey, OTHER_KEY.publicKey]);
  });

  it('when none are given, trusts the public half of MIRROR_SIGNING_KEY', async () => {
    const environment = { MIRROR_SIGNING_KEY: await formatSecretKey(TEST_KEY) };
    expect(await trustedKeys([], environment)).toEqual([TEST_KEY.publicKey]);
  });

  it('when MIRROR_SIGNING_KEY is encrypted, trusts the default public key and needs no password', async () => {
    const environment = { MIRROR_SIGNING_KEY: await lockedKey('x'), XDG_CONFIG_HOME: await newFolder() };
    await generateKey(defaultKeyPath({ XDG_CONFIG_HOME: environment.XDG_CONFIG_HOME }));
    expect(await trustedKeys([], environment)).toHaveLength(1);
  });

  it('when there is no key at all, says how to get one', async () => {
    await expect(trustedKeys([], { XDG_CONFIG_HOME: await newFolder() })).rejects.toEqual(failing('missing'));
  });

  it('when a file is not a public key, names it', async () => {
    const path = join(await newFolder(), 'secret.key');
    await writeFile(path, await formatSecretKey(TEST_KEY));
    await expect(trustedKeys([path], {})).rejects.toEqual(failing('bad-input', { where: path }));
  });
});
