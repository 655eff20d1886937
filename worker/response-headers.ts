import { CACHE_CONTROL, keptAtMost, restricted } from './http/caching.ts';
import { CORS } from './http/cors.ts';
import { isEncrypted } from './http/encryption.ts';
import type { Settings } from './settings.ts';

/** Browsers, and curl with --hsts, then use only https for this host (RFC 6797): for a year. */
const STRICT_TRANSPORT = 'max-age=31536000';

/** What is known of a request that the headers of its response say. */
export interface RequestState {
  requestId: string;
  /** When the request came, milliseconds since 1970. */
  began: number;
  warning?: string;
  /** When the snapshot that the response is from expires, where none is served after that; milliseconds since 1970. */
  refusedFrom?: number;
  /** How long it took to look up that snapshot, milliseconds. */
  snapshotTime?: number;
}

/** What decides about the headers of all responses of a server. */
export type HeaderSettings = Pick<Settings, 'tokens' | 'encryption'>;

/**
 * Returns the headers that every response has, by lower-case name: among them how long the request took until `now` (Server Timing,
 * W3C), and the caching rule that holds whatever `rule` the route gave.
 */
export function commonHeaders(
  context: { req: { raw: Request }; get<K extends keyof RequestState>(name: K): RequestState[K] },
  { tokens, encryption }: HeaderSettings,
  now: Date,
  rule: string = CACHE_CONTROL.never,
): Record<string, string> {
  const warning = context.get('warning');
  const secret = tokens.length > 0;
  const left = ((context.get('refusedFrom') ?? Number.POSITIVE_INFINITY) - now.getTime()) / 1000;
  const headers: Record<string, string> = {
    // RFC 9110 section 6.6.1 requires it of every server; workerd leaves it to the edge in front of it.
    date: now.toUTCString(),
    'x-request-id': context.get('requestId'),
    'server-timing': `snapshot;dur=${context.get('snapshotTime') ?? 0}, total;dur=${now.getTime() - context.get('began')}`,
    'cache-control': keptAtMost(restricted(rule, { secret, warned: warning !== undefined }), left),
    'x-content-type-options': 'nosniff',
    ...CORS,
  };
  if (warning !== undefined) headers['mirror-warning'] = warning;
  if (secret && isEncrypted(context.req.raw, encryption))
    headers['strict-transport-security'] = STRICT_TRANSPORT;
  return headers;
}
