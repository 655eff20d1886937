import { isLoopbackHost } from '../../format/origin.ts';
import { listOf } from './list.ts';

/**
 * Where encryption ends: `here` if the scheme of a request's URL is the client's; `proxy` if a proxy in front takes https
 * and says in X-Forwarded-Proto what a client used; `nowhere` if clients are served by plain http.
 */
export type Encryption = 'here' | 'proxy' | 'nowhere';

/** Returns whether a client's request came over https. */
export function isEncrypted({ url, headers }: Request, encryption: Encryption): boolean {
  if (encryption === 'here') return url.startsWith('https:');
  if (encryption === 'nowhere') return false;
  // Of several proxies, the first one saw the client.
  const [scheme = 'https'] = listOf(headers.get('x-forwarded-proto') ?? '');
  return scheme.toLowerCase() === 'https';
}

/** Returns whether a client's request came over plain http, where it could have come over https. */
export function isExposed(request: Request, encryption: Encryption): boolean {
  if (encryption === 'nowhere' || isEncrypted(request, encryption)) return false;
  return encryption === 'proxy' || !isLoopbackHost(new URL(request.url).hostname);
}
