import type { ClientConfigInput } from '../format/client-config.ts';
import type { LiveSnapshot } from './live-snapshot.ts';
import type { Settings } from './settings.ts';

/** What the configuration of a client at `origin` is made from. */
export function clientConfigOf(
  { snapshot: { created_at, expires_at } }: LiveSnapshot,
  origin: string,
  { trusted }: Settings,
): ClientConfigInput {
  const validFor = Math.floor((Date.parse(expires_at) - Date.parse(created_at)) / 1000);
  return { origin, publicKeys: trusted, validFor };
}
