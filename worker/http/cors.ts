/** The methods that a mirror answers, all of them safe (RFC 9110 section 9.2.1), as `Allow` lists them. */
export const METHODS = 'GET, HEAD, OPTIONS';

/**
 * Lets any page read every response (Fetch standard, section 3.3). Nothing here depends on cookies, and a private mirror
 * serves only requests with a token. With `*`, browsers never send credentials of their own.
 */
export const CORS = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers':
    'accept-ranges, content-disposition, content-length, content-range, date, docker-content-digest, etag, mirror-error, mirror-warning, repr-digest, retry-after, server-timing, x-request-id',
} as const;

/** Further headers of the response to a preflight request. */
export const PREFLIGHT = {
  'access-control-allow-methods': METHODS,
  'access-control-allow-headers':
    'authorization, if-match, if-modified-since, if-none-match, if-range, if-unmodified-since, range',
  'access-control-max-age': '86400',
} as const;
