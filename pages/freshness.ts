import type { PublicKey } from '../format/minisign/public-key.ts';
import { isExpired, type Root } from '../format/snapshot/root.ts';
import { DAY } from './units.ts';

/** How long before a signature expires a page begins to warn at most, milliseconds. */
const SOON = 5 * DAY;
/** The share of its validity in which it warns at most: a signature that is good for three days is not old when it is made. */
const LAST_SHARE = 1 / 3;

/** How long the signature of a snapshot is still good for. */
export type Freshness = 'unverified' | 'expired' | 'expiring' | 'fresh';

/** Returns the freshness of a snapshot, and when it becomes another one by itself, milliseconds since 1970. */
export function freshnessOf(
  { snapshot, signer }: { snapshot: Root; signer: PublicKey | undefined },
  now: Date,
): { freshness: Freshness; until: number } {
  const expiry = Date.parse(snapshot.expires_at);
  if (!signer) return { freshness: 'unverified', until: Number.POSITIVE_INFINITY };
  if (isExpired(snapshot, now)) return { freshness: 'expired', until: Number.POSITIVE_INFINITY };
  const soon = Math.min(SOON, (expiry - Date.parse(snapshot.created_at)) * LAST_SHARE);
  if (expiry - now.getTime() < soon) return { freshness: 'expiring', until: expiry };
  return { freshness: 'fresh', until: expiry - soon };
}
