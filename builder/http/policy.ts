import dns, { type LookupAddress } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { MirrorError } from '../../format/errors.ts';
import { isLoopbackHost } from '../../format/origin.ts';

/** Names that never leave this machine or network (RFC 6761, RFC 6762, RFC 8375, RFC 9476). */
const LOCAL_NAME = /(?:^|\.)(?:localhost|localdomain|local|internal|home\.arpa)\.?$/;
/** Not public unicast (IANA's special-purpose registry): private, loopback, link-local, documentation, multicast, … */
const NOT_PUBLIC_IPV4 = blockList('ipv4', [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12'],
  ...['192.0.0.0/24', '192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15'],
  ...['198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/3'],
]);
/**
 * All but 2000::/3, and of that what leads to IPv4 (Teredo, 6to4) or nowhere. Apart, since `::/3` would match every IPv4
 * address.
 */
const NOT_PUBLIC_IPV6 = blockList('ipv6', [
  ...['::/3', '4000::/2', '8000::/1', '2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'],
]);
/** The last 32 bits are the IPv4 address that a translator connects to (RFC 6052). */
const NAT64 = blockList('ipv6', ['64:ff9b::/96']);

/** Which addresses an upstream may send us to. */
export interface UrlPolicy {
  /** True if the upstream itself is plain HTTP on this machine, and may name loopback addresses. */
  loopback: boolean;
  /** Scheme and host that the user chose: may be on a private network, and plain HTTP if what comes is signed. */
  origin?: string;
  /** The only hosts that may be asked, by name and without a port; absent for all public ones. */
  hosts?: readonly string[];
}

/** Returns true for a URL of plain HTTP on this machine. */
export const isLoopbackHttp = (url: URL): boolean => url.protocol === 'http:' && isLoopbackHost(url.hostname);

/** Returns true for a URL that the user chose, wherever its name leads. */
export const isChosen = (url: URL, policy: UrlPolicy): boolean =>
  url.origin === policy.origin || (policy.loopback && isLoopbackHttp(url));

/**
 * Returns `url` if it may be fetched: https to a public name, or what the user chose. Throws `refused`: an index from
 * outside must not make us read this network or fall back to plain HTTP. Where the name leads, {@link publicLookup} checks.
 */
export function allowedUrl(url: URL, policy: UrlPolicy): URL {
  if (isChosen(url, policy)) return url;
  if (policy.hosts && !policy.hosts.includes(url.host)) throw notAmong(url);
  if (url.protocol === 'https:' && !isPrivate(url.hostname)) return url;
  throw new MirrorError('refused', `${url.href} is not fetched: only https to public hosts is.`, {
    where: url.href,
    expected: policy.loopback ? 'https, or http on this machine' : 'https',
    found: `${url.protocol}//${url.host}`,
  });
}

const notAmong = ({ href, host }: URL): MirrorError =>
  new MirrorError('refused', `${href} is not fetched: the signed list does not name this host.`, {
    where: href,
    expected: 'one of the hosts in `sources` of snapshot/root.json',
    found: host,
  });

/**
 * Looks up a host name for a connection as Node does, and returns only its public addresses. Fails with `refused` if it
 * has no other than private ones: anybody can have a public name lead into this network.
 */
export const publicLookup: LookupFunction = (hostname, options, callback) => {
  dns.lookup(hostname, { ...options, all: true }, (error, addresses) => {
    const found = error ? [] : addresses.filter(({ address }) => isPublicAddress(address));
    const [first] = found;
    if (error || !first) return callback(error ?? leadsInside(hostname, addresses), '', 0);
    if (options.all) callback(null, found);
    else callback(null, first.address, first.family);
  });
};

const leadsInside = (hostname: string, addresses: readonly LookupAddress[]): MirrorError =>
  new MirrorError('refused', `${hostname} is not asked: its name leads to a private address.`, {
    where: hostname,
    expected: 'a public address',
    found: addresses.map(({ address }) => address).join(', ') || 'none',
  });

function isPrivate(hostname: string): boolean {
  const address = hostname.replace(/^\[|\]$/g, '');
  if (isIP(address) !== 0) return !isPublicAddress(address);
  return LOCAL_NAME.test(hostname) || !hostname.includes('.');
}

/** Returns true for an IP address that the whole internet shares, in any of its written forms. */
function isPublicAddress(text: string): boolean {
  const [address = ''] = text.split('%'); // without a zone, as in fe80::1%eth0
  if (isIP(address) === 4) return !NOT_PUBLIC_IPV4.check(address);
  const translated = NAT64.check(address, 'ipv6') ? lastFourBytes(address) : undefined;
  if (translated !== undefined) return !NOT_PUBLIC_IPV4.check(translated);
  return !NOT_PUBLIC_IPV6.check(address, 'ipv6');
}

/** Returns the last 32 bits of an IPv6 address as an IPv4 address. */
function lastFourBytes(address: string): string {
  // URL writes every form of an address in one way, with hexadecimal groups.
  const groups = new URL(`http://[${address}]`).hostname.slice(1, -1).split(':').slice(-2);
  const numbers = groups.map((group) => Number.parseInt(group || '0', 16));
  return numbers.flatMap((number) => [number >> 8, number & 255]).join('.');
}

function blockList(family: 'ipv4' | 'ipv6', subnets: readonly string[]): BlockList {
  const list = new BlockList();
  for (const subnet of subnets) {
    const [network = '', prefix] = subnet.split('/');
    list.addSubnet(network, Number(prefix), family);
  }
  return list;
}
