import { isIP } from 'node:net';
import { MirrorError } from '../../format/errors.ts';

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;
/** Names that never leave this machine or network (RFC 6761, RFC 6762, RFC 9476). */
const LOCAL_NAME = /(?:^|\.)(?:localhost|local|internal)\.?$/;
const PRIVATE_V4 =
  /^(?:0|10|127|169\.254|192\.168|172\.(?:1[6-9]|2\d|3[01])|198\.1[89]|22[4-9]|2[345]\d|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\./;

/** Which addresses an upstream may send us to. */
export interface UrlPolicy {
  /** True when the upstream itself is plain HTTP on this machine: then loopback addresses are its own. */
  loopback: boolean;
  /** Scheme and host that somebody chose: also on a network of their own, and plain HTTP where what comes is signed. */
  origin?: string;
}

/** True for a URL of plain HTTP on this machine. */
export const isLoopbackHttp = (url: URL): boolean => url.protocol === 'http:' && LOOPBACK.test(url.hostname);

/**
 * Returns `url` when it may be fetched: https to a public name, or loopback HTTP where the policy has it.
 * Throws `refused`: an index from outside must not make us read this network or fall back to plain HTTP.
 */
export function allowedUrl(url: URL, policy: UrlPolicy): URL {
  if (policy.loopback && isLoopbackHttp(url)) return url;
  if (url.origin === policy.origin) return url;
  if (url.protocol === 'https:' && !isPrivate(url.hostname)) return url;
  throw new MirrorError('refused', `${url.href} is not fetched: only https to public hosts is.`, {
    where: url.href,
    expected: policy.loopback ? 'https, or http on this machine' : 'https',
    found: `${url.protocol}//${url.host}`,
  });
}

function isPrivate(hostname: string): boolean {
  if (LOOPBACK.test(hostname) || LOCAL_NAME.test(hostname)) return true;
  const address = hostname.replace(/^\[|\]$/g, '');
  if (isIP(address) === 4) return PRIVATE_V4.test(address);
  // Public IPv6 is 2000::/3; everything else is local, mapped or reserved.
  if (isIP(address) === 6) return !/^[23][0-9a-f]{3}:/.test(address) || address.startsWith('2002:');
  return !address.includes('.');
}
