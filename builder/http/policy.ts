import { BlockList, isIP } from 'node:net';
import { MirrorError } from '../../format/errors.ts';

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;
/** Names that never leave this machine or network (RFC 6761, RFC 6762, RFC 9476). */
const LOCAL_NAME = /(?:^|\.)(?:localhost|local|internal)\.?$/;
/** Not public unicast: this network, private, shared, loopback, link-local, benchmarking, multicast, reserved. */
const NOT_PUBLIC_IPV4 = blockList('ipv4', [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16'],
  ...['172.16.0.0/12', '192.168.0.0/16', '198.18.0.0/15', '224.0.0.0/3'],
]);
/** All but 2000::/3, and of that what leads to IPv4 (6to4). Apart, since `::/3` would match every IPv4 address. */
const NOT_PUBLIC_IPV6 = blockList('ipv6', ['::/3', '4000::/2', '8000::/1', '2002::/16']);

/** Which addresses an upstream may send us to. */
export interface UrlPolicy {
  /** True if the upstream itself is plain HTTP on this machine, and may name loopback addresses. */
  loopback: boolean;
  /** Scheme and host that the user chose: may be on a private network, and plain HTTP if what comes is signed. */
  origin?: string;
}

/** Returns true for a URL of plain HTTP on this machine. */
export const isLoopbackHttp = (url: URL): boolean => url.protocol === 'http:' && LOOPBACK.test(url.hostname);

/**
 * Returns `url` if it may be fetched: https to a public name, or loopback HTTP where the policy allows it.
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
  const address = hostname.replace(/^\[|\]$/g, '');
  if (isIP(address) === 4) return NOT_PUBLIC_IPV4.check(address);
  if (isIP(address) === 6) return NOT_PUBLIC_IPV6.check(address, 'ipv6');
  return LOCAL_NAME.test(hostname) || !hostname.includes('.');
}

function blockList(family: 'ipv4' | 'ipv6', subnets: readonly string[]): BlockList {
  const list = new BlockList();
  for (const subnet of subnets) {
    const [network = '', prefix] = subnet.split('/');
    list.addSubnet(network, Number(prefix), family);
  }
  return list;
}
