import { MirrorError } from './errors.ts';

/** Returns scheme and host of a mirror's URL. Throws `bad-input` unless it is an http(s) URL of only these. */
export function originOf(text: string): string {
  const url = parseAddress(text);
  if (url && url.pathname === '/' && !hasCredentials(url)) return url.origin;
  throw notAnAddress(text, 'https://host, without a path');
}

/**
 * Returns the URL at which a mirror's tree is served, without a trailing slash. It may have a user and password only if
 * `credentials` is true. Throws `bad-input` unless it is an http(s) URL.
 */
export function baseUrlOf(text: string, { credentials = false } = {}): string {
  const url = parseAddress(text);
  if (url && (credentials || !hasCredentials(url))) return withoutTrailingSlashes(url.href);
  const escapes = credentials ? '; in a token % is written %25, and / is %2F' : '';
  throw notAnAddress(text, `https://host or https://host/folder${escapes}`);
}

/** Returns whether the host name of a URL is this machine's, to which no network leads. */
export const isLoopbackHost = (hostname: string): boolean =>
  /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(hostname);

/** Returns whether requests to an address are readable on the way: plain http to another machine. */
export function isReadable(address: string): boolean {
  const { protocol, hostname } = new URL(address);
  return protocol === 'http:' && !isLoopbackHost(hostname);
}

const notAnAddress = (found: string, expected: string): MirrorError =>
  new MirrorError('bad-input', `${JSON.stringify(found)} is not the address of a mirror.`, {
    expected,
    found,
  });

/**
 * Returns an http(s) URL to which a path can be added, or `undefined`. Such a URL has no query or fragment, not even an
 * empty one, and its user and password can be decoded.
 */
function parseAddress(text: string): URL | undefined {
  const url = parseUrl(text);
  const plain = url && /^https?:$/.test(url.protocol) && !/[?#]/.test(url.href);
  return plain && isDecodable(url.username) && isDecodable(url.password) ? url : undefined;
}

/** `URL.canParse` is true of hosts of thousands of characters, for which the constructor throws. */
function parseUrl(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}

/** Removes the slashes at the end, in linear time. */
export const withoutTrailingSlashes = (text: string): string => text.replace(/(?<!\/)\/+$/, '');

const hasCredentials = ({ username, password }: URL): boolean => username !== '' || password !== '';

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
