import { MirrorError } from '../../format/errors.ts';

const MAX_LENGTH = 2048;
// biome-ignore lint/suspicious/noControlCharactersInRegex: exactly these must not reach storage
const FORBIDDEN = /[\x00-\x1f\x7f\\]/;

/** Escapes of the characters that need none: letters, digits, `-`, `.`, `_` and `~`. */
const NEEDLESS = /%(?:2[DE]|3\d|4[1-9A-F]|5[\dAF]|6[1-9A-F]|7[\dAE])/gi;

/** Returns a path without needless escapes: with them it is the same path (RFC 3986 section 6.2.2.2). */
export const withoutNeedlessEscapes = (pathname: string): string =>
  pathname.replace(NEEDLESS, (code) => String.fromCharCode(Number.parseInt(code.slice(1), 16)));

/** What a parser of URLs changes: workerd gives a request's as it was sent. */
const UNUSUAL = /[^\w%~!$&()*+,;=:@/?.[\]-]|\/(?:\.|%2e)/i;

/** Returns path and query of the URL of a request. Most are plain, and parsing them again would cost more than all else here. */
export function targetOf({ url }: Pick<Request, 'url'>): string {
  const start = url.indexOf('/', url.indexOf('//') + 2);
  if (start >= 0 && !UNUSUAL.test(url)) return url.slice(start);
  const { pathname, search } = new URL(url);
  return pathname + search;
}

/** Returns the path of the URL of a request. */
export const pathnameOf = (request: Pick<Request, 'url'>): string => targetOf(request).split('?', 1)[0] ?? '';

/**
 * Decodes the path of a request, without its leading slash. Each segment is percent-decoded once; `+` is a plus.
 * Throws `bad-input` for a path that cannot name a file: broken escapes, control characters, backslashes, escaped slashes, dot
 * segments, or more than 2,048 characters.
 */
export function decodePath(pathname: string): string {
  if (pathname.length > MAX_LENGTH) throw badPath('more than 2,048 characters');
  return pathname.slice(1).split('/').map(decodeSegment).join('/');
}

function decodeSegment(segment: string): string {
  let decoded: string;
  try {
    decoded = decodeURIComponent(segment);
  } catch {
    throw badPath('a broken percent-escape');
  }
  if (FORBIDDEN.test(decoded) || decoded.includes('/') || decoded === '.' || decoded === '..') {
    throw badPath('a character or segment that no file here has');
  }
  return decoded;
}

const badPath = (found: string): MirrorError =>
  new MirrorError('bad-input', `This path is refused: it has ${found}.`, {
    expected: 'a path of plain names, percent-encoded at most once',
    found,
  });
