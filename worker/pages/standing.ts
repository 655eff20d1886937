import { isExpired, type Root } from '../../format/snapshot/root.ts';
import { DAY, durationText } from './units.ts';

const SOON = 5 * DAY;

/** How a snapshot stands at one moment, in words for people. */
export interface Standing {
  kind: 'current' | 'expiring' | 'expired' | 'unverified';
  label: string;
  meaning: string;
}

/**
 * Judges a snapshot's signature and age, nothing else: the files themselves are `/verify`'s business.
 * `trusted` is false where the server has no key to check the signature with.
 */
export function standingOf(snapshot: Root, now: Date, trusted: boolean): Standing {
  if (!trusted) return UNVERIFIED;
  if (isExpired(snapshot, now)) return EXPIRED;
  const left = Date.parse(snapshot.expires_at) - now.getTime();
  return left < SOON ? expiringIn(left) : CURRENT;
}

const CURRENT: Standing = {
  kind: 'current',
  label: 'Signed and current',
  meaning: 'The list of all files carries a signature that this server trusts, and it has not expired.',
};

const EXPIRED: Standing = {
  kind: 'expired',
  label: 'Expired',
  meaning:
    'The signature is genuine but too old: newer versions may be missing. The operator has to sign anew.',
};

const UNVERIFIED: Standing = {
  kind: 'unverified',
  label: 'Signature not checked',
  meaning: 'This server was given no public key, so nothing here vouches for what it hands out.',
};

const expiringIn = (left: number): Standing => ({
  kind: 'expiring',
  label: `Expires in ${durationText(left)}`,
  meaning: 'The signature is good for now. The operator should renew it before clients start to refuse it.',
});
