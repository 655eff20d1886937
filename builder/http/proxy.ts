import { BlockList, isIP } from 'node:net';
import { MirrorError } from '../../format/errors.ts';

/** The variables that name proxies. The lower-case form of a name counts first. */
type Environment = Readonly<Record<string, string | undefined>>;

/** What the environment says of proxies. An empty text means none. */
export interface ProxySettings {
  /** URLs, with credentials percent-encoded. */
  httpProxy: string;
  httpsProxy: string;
  /** Hosts that are asked directly, separated by commas or spaces. */
  noProxy: string;
}

const PROTOCOLS = ['http:', 'https:', 'socks:', 'socks5:'];

/**
 * Returns the proxies that HTTP_PROXY, HTTPS_PROXY and NO_PROXY name. A proxy may be written without a scheme (`host:port`).
 * Throws `usage`, naming the variable, for a value that is not a proxy; its text may contain a password and is not repeated.
 */
export function proxySettings(environment: Environment): ProxySettings {
  return {
    httpProxy: proxyUrl('HTTP_PROXY', environment),
    httpsProxy: proxyUrl('HTTPS_PROXY', environment),
    noProxy: readVariable('NO_PROXY', environment).value,
  };
}

/** Returns true if a subnet in `noProxy`, such as 10.0.0.0/8, contains the address that `url` names. */
export function isInDirectSubnet({ hostname }: URL, noProxy: string): boolean {
  const address = hostname.replace(/^\[|\]$/g, '');
  const family = isIP(address);
  if (family === 0) return false;
  const list = new BlockList();
  for (const entry of noProxy.split(/[,\s]+/)) {
    const [, network = '', bits = ''] = /^\[?([\d.:a-f]+)\]?\/(\d{1,3})$/i.exec(entry) ?? [];
    if (isIP(network) !== family || Number(bits) > (family === 4 ? 32 : 128)) continue;
    list.addSubnet(network, Number(bits), family === 4 ? 'ipv4' : 'ipv6');
  }
  return list.check(address, family === 4 ? 'ipv4' : 'ipv6');
}

function proxyUrl(variable: string, environment: Environment): string {
  const { name, value } = readVariable(variable, environment);
  if (value === '') return '';
  const hasScheme = /^[a-z][a-z\d+.-]*:\/\//i.test(value);
  // The host name is for the proxy to look up in either form.
  const url = URL.parse((hasScheme ? value : `http://${value}`).replace(/^socks5h:/i, 'socks5:'));
  if (!url || !isProxy(url)) throw unusable(name);
  try {
    url.username = encodeURIComponent(decodeLeniently(url.username));
    url.password = encodeURIComponent(decodeLeniently(url.password));
  } catch {
    throw unusable(name);
  }
  return url.href;
}

function readVariable(variable: string, environment: Environment): { name: string; value: string } {
  const name = environment[variable.toLowerCase()] === undefined ? variable : variable.toLowerCase();
  return { name, value: environment[name]?.trim() ?? '' };
}

/** Returns false, too, for a password with `/`, `?` or `#` in it: the host would be taken from the wrong place. */
const isProxy = ({ protocol, hostname, pathname, search, hash }: URL): boolean =>
  PROTOCOLS.includes(protocol) && hostname !== '' && !`${pathname}${search}${hash}`.includes('@');

/** A percent sign that begins no escape is itself, as curl has it. Throws `URIError` for bytes that are not UTF-8. */
const decodeLeniently = (text: string): string =>
  decodeURIComponent(text.replace(/%(?![\da-f]{2})/gi, '%25'));

const unusable = (name: string): MirrorError =>
  new MirrorError('usage', `${name} does not name a proxy that can be used.`, {
    where: name,
    expected: 'http://host:port or host:port; in a user or password, @ : / ? # and % are percent-encoded',
  });
