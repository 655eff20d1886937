import { formatPublicKey, publicKeyHex } from '../../format/minisign/public-key.ts';
import { isPresent } from '../directory/write.ts';
import { defaultKeyPath, generateKey } from '../keys.ts';
import type { Session } from './session.ts';

/**
 * Makes the default key pair if there is no key to sign with, and prints it. Only for new mirrors: an existing one was
 * signed with another key, and nobody would trust a new one.
 */
export async function makeFirstKey({ environment, reporter }: Session): Promise<void> {
  const path = defaultKeyPath(environment);
  if (environment.MIRROR_SIGNING_KEY || (await isPresent(path))) return;
  const { publicKey } = await generateKey(path);
  reporter.note(`A new key pair signs your mirrors from now on. Keep ${path} safe and backed up.`);
  reporter.note(`${formatPublicKey(publicKey).trimEnd()}\nas hex, for stout: ${publicKeyHex(publicKey)}\n`);
}
