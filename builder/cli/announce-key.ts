import { formatPublicKey, publicKeyHex } from '../../format/minisign/public-key.ts';
import type { LoadedKey } from '../keys.ts';
import type { Session } from './session.ts';

/** Tells of a key pair that was made just now; says nothing of one that was there. */
export function announceKey({ reporter }: Session, { key, created }: LoadedKey): void {
  if (!created) return;
  reporter.note(
    `A new key pair signs your mirrors from now on. Keep ${created.secretPath} safe and backed up.`,
  );
  reporter.note(
    `${formatPublicKey(key.publicKey).trimEnd()}\nas hex, for stout: ${publicKeyHex(key.publicKey)}\n`,
  );
}
