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
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const plain = url && /^https?:$/.test(url.protocol) && !/[?#]/.test(url.href);
  return plain && isDecodable(url.username) && isDecodable(url.password) ? url : undefined;
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
