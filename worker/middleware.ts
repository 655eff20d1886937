import type { MiddlewareHandler } from 'hono';
import { MirrorError } from '../format/errors.ts';
import { credentialsOf, isAdmitted } from './access.ts';
import type { AppEnvironment } from './context.ts';
import { CACHE_CONTROL, keptAtMost, restricted } from './http/caching.ts';
import { CORS, METHODS, PREFLIGHT } from './http/cors.ts';
import { isEncrypted, isExposed } from './http/encryption.ts';
import { type RequestRecord, recordOf, requestIdOf } from './request-log.ts';
import type { Settings } from './settings.ts';

type Handler = MiddlewareHandler<AppEnvironment>;

/** The one path of a private mirror that monitoring may request without a token. */
const OPEN_PATH = '/api/v1/health';

/** Browsers, and curl with --hsts, then use only https for this host (RFC 6797): for a year. */
const STRICT_TRANSPORT = 'max-age=31536000';

/** Gives the request an id, sends the time that it took to the client (Server Timing, W3C), and logs the outcome. */
export const observed =
  (clock: () => Date, log?: (record: RequestRecord, request: Request) => void): Handler =>
  async (context, next) => {
    const started = clock().getTime();
    context.set('requestId', requestIdOf(context.req.raw.headers));
    await next();
    const now = clock();
    const ms = now.getTime() - started;
    const { headers } = context.res;
    // RFC 9110 section 6.6.1 requires it of every server; workerd leaves it to the edge in front of it.
    headers.set('date', now.toUTCString());
    headers.set('x-request-id', context.get('requestId'));
    headers.set('server-timing', `snapshot;dur=${context.get('snapshotTime') ?? 0}, total;dur=${ms}`);
    log?.(recordOf(context, ms), context.req.raw);
  };

/** Sets the headers of every response, and the caching rules that hold whatever the route said. */
export const finished =
  (
    { tokens, encryption }: Pick<Settings, 'tokens' | 'encryption'>,
    clock: () => Date,
    always?: string,
  ): Handler =>
  async (context, next) => {
    if (always !== undefined) context.set('warning', always);
    await next();
    const { headers } = context.res;
    const warning = context.get('warning');
    if (warning !== undefined) headers.set('mirror-warning', warning);
    const rule = headers.get('cache-control') ?? CACHE_CONTROL.never;
    const secret = tokens.length > 0;
    const left = ((context.get('refusedFrom') ?? Number.POSITIVE_INFINITY) - clock().getTime()) / 1000;
    headers.set(
      'cache-control',
      keptAtMost(restricted(rule, { secret, warned: warning !== undefined }), left),
    );
    headers.set('x-content-type-options', 'nosniff');
    if (secret && isEncrypted(context.req.raw, encryption))
      headers.set('strict-transport-security', STRICT_TRANSPORT);
    for (const [name, value] of Object.entries(CORS)) headers.set(name, value);
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
