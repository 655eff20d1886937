import { formatPublicKey, publicKeyHex } from '../../format/minisign/public-key.ts';
import { isPresent } from '../directory/write.ts';
import { defaultKeyFiles, generateKey } from '../keys.ts';
import type { Session } from './session.ts';

/**
 * Makes the default key pair where there is no key to sign with, and tells of it. Only for a mirror that is new: one that
 * is there was signed with another key, and a new one would be trusted by nobody.
 */
export async function makeFirstKey({ environment, reporter }: Session): Promise<void> {
  const files = defaultKeyFiles(environment);
  if (environment.MIRROR_SIGNING_KEY || (await isPresent(files.secretPath))) return;
  const { publicKey } = await generateKey(files);
  reporter.note(
    `A new key pair signs your mirrors from now on. Keep ${files.secretPath} safe and backed up.`,
  );
  reporter.note(`${formatPublicKey(publicKey).trimEnd()}\nas hex, for stout: ${publicKeyHex(publicKey)}\n`);
}
