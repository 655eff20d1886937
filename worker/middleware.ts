import type { MiddlewareHandler } from 'hono';
import { MirrorError } from '../format/errors.ts';
import { credentialsOf, isAdmitted } from './access.ts';
import type { AppEnvironment } from './context.ts';
import { CACHE_CONTROL } from './http/caching.ts';
import { METHODS, PREFLIGHT } from './http/cors.ts';
import { isExposed } from './http/encryption.ts';
import { type RequestRecord, recordOf, requestIdOf } from './request-log.ts';
import { commonHeaders, type HeaderSettings } from './response-headers.ts';
import type { Settings } from './settings.ts';

type Handler = MiddlewareHandler<AppEnvironment>;

/** The one path of a private mirror that monitoring may request without a token. */
const OPEN_PATH = '/api/v1/health';

/** What a server does with every request. */
export interface Observing {
  settings: HeaderSettings;
  clock: () => Date;
  /** Warning of every response. */
  warning?: string | undefined;
  log?: ((record: RequestRecord, request: Request) => void) | undefined;
}

/** Gives the request an id, adds the headers of every response, and logs the outcome. */
export const observed =
  ({ settings, clock, warning, log }: Observing): Handler =>
  async (context, next) => {
    const began = clock().getTime();
    context.set('began', began);
    context.set('requestId', requestIdOf(context.req.raw.headers));
    if (warning !== undefined) context.set('warning', warning);
    await next();
    const now = clock();
    if (!context.get('sent')) {
      const { headers } = context.res;
      const rule = headers.get('cache-control') ?? undefined;
      for (const field of Object.entries(commonHeaders(context, settings, now, rule))) headers.set(...field);
    }
    log?.(recordOf(context, now.getTime() - began), context.req.raw);
  };

/** Refuses methods that would change anything, and answers OPTIONS (RFC 9110 sections 9.3.7 and 15.5.6). */
export const readOnly: Handler = async ({ req: { method } }, next) => {
  if (method === 'GET' || method === 'HEAD') return next();
  if (method !== 'OPTIONS') {
    throw new MirrorError('read-only', 'A mirror is read-only: nothing can be sent to it.', {
      expected: METHODS,
      found: method,
    });
  }
  return new Response(null, {
    status: 204,
    headers: { allow: METHODS, 'cache-control': CACHE_CONTROL.never, ...PREFLIGHT },
  });
};

/**
 * Keeps the tokens of a private mirror off plain http. A request that has shown one is refused, so that its client is
 * mended and not redirected each time; any other is sent to https.
 */
export const encrypted =
  ({ encryption, publicUrl }: Settings): Handler =>
  async ({ req }, next) => {
    if (!isExposed(req.raw, encryption)) return next();
    const { hostname, pathname, search } = new URL(req.url);
    const origin = publicUrl?.startsWith('https:') ? publicUrl : `https://${hostname}`;
    if (req.header('authorization') !== undefined) {
      throw new MirrorError('unencrypted', 'This token came over http, where others can read it.', {
        expected: origin,
        found: 'http',
      });
    }
    if (req.path === OPEN_PATH) return next();
    const headers = { location: `${origin}${pathname}${search}`, 'content-length': '0' };
    return new Response(null, { status: 308, headers });
  };

/** Refuses requests to a private mirror without one of its tokens. */
export const admitted =
  ({ tokens }: Settings): Handler =>
  async (context, next) => {
    if (context.req.path === OPEN_PATH) return next();
    const credentials = credentialsOf(context.req.header('authorization'));
    if (credentials && isAdmitted(credentials, tokens)) {
      context.set('credentials', credentials);
      return next();
    }
    throw new MirrorError('unauthorized', 'This mirror is private: only requests with a token are served.', {
      expected: 'Authorization: Bearer TOKEN, or Basic with the token as password',
      found: credentials ? 'a token that this mirror does not accept' : 'no token',
    });
  };
