import { METHODS } from './methods.ts';

/**
 * Any page may read what this server sends (Fetch standard, section 3.3): nothing here rests on cookies, and a private
 * mirror answers only to those who know a token. Browsers never send credentials of their own along with `*`.
 */
export const CORS = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers':
    'accept-ranges, content-disposition, content-length, content-range, date, docker-content-digest, etag, mirror-error, mirror-warning, repr-digest, retry-after, server-timing, x-request-id',
} as const;

/** The rest of the answer to a preflight request. */
export const PREFLIGHT = {
  'access-control-allow-methods': METHODS,
  'access-control-allow-headers':
    'authorization, if-match, if-modified-since, if-none-match, if-range, if-unmodified-since, range',
  'access-control-max-age': '86400',
} as const;
