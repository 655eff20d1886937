import { routePath } from 'hono/route';
import { MirrorError, messageOf } from '../format/errors.ts';
import type { AppContext } from './context.ts';
import { targetOf } from './http/path.ts';

/** A log line about one request, to be searched by its fields. It has no credentials and no addresses of clients. */
export interface RequestRecord {
  /** The client has it in `X-Request-Id`; absent where it has none. */
  request_id?: string;
  method: string;
  /** The route that answered, such as `/bottles/*`: one of few, whatever is asked for. */
  route: string;
  /** Path and query. */
  path: string;
  status: number;
  /** Milliseconds until the response's first byte was ready. */
  ms: number;
  /** Bytes of content that the response announces; 0 for HEAD. */
  bytes?: number | undefined;
  /** Path of the package file that was asked for, also by its content. */
  package_file?: string | undefined;
  /** Version of the snapshot that the response is from. */
  snapshot?: number | undefined;
  warning?: string | undefined;
  /** Milliseconds that a file on demand took to get here, and how many requests to its source that took. */
  fetch_ms?: number | undefined;
  fetch_requests?: number | undefined;
  /** Of an error. */
  message?: string | undefined;
  code?: string | undefined;
  where?: string | undefined;
  expected?: string | undefined;
  found?: string | undefined;
  /** What caused it, where the client is not shown that. */
  cause?: string | undefined;
  /** Of an unexpected error. */
  stack?: string | undefined;
}

/** Most characters of `path`. */
export const MAX_PATH = 2048;

/** Returns the log line of a request after its response. */
export function recordOf(context: AppContext, ms: number): RequestRecord {
  const { req, res, error } = context;
  const sent = context.get('sent');
  const bytes = sent ? sent['content-length'] : res.headers.get('content-length');
  return {
    request_id: context.get('requestId'),
    method: req.method,
    route: context.get('route') ?? routePath(context),
    path: targetOf(req).slice(0, MAX_PATH),
    status: res.status,
    ms,
    bytes: req.method === 'HEAD' ? 0 : bytes == null ? undefined : Number(bytes),
    package_file: context.get('packageFile'),
    snapshot: context.get('snapshot'),
    warning: context.get('warning'),
    fetch_ms: context.get('fetched')?.ms,
    fetch_requests: context.get('fetched')?.requests,
    ...(error === undefined ? {} : faultOf(error)),
  };
}

function faultOf(error: unknown): Partial<RequestRecord> {
  const message = messageOf(error);
  if (!(error instanceof MirrorError)) {
    return { message, stack: error instanceof Error ? error.stack : undefined };
  }
  const { code, where, expected, found } = error;
  const cause = error.cause === undefined ? undefined : withoutAddresses(messageOf(error.cause));
  return { message, code, where, expected, found, cause: cause === message ? undefined : cause };
}

/** Leaves of each address its host: where a redirect leads may open the file to everybody. */
const withoutAddresses = (text: string): string =>
  text.replace(/https?:\/\/\S+/g, (address) => URL.parse(address)?.host ?? 'an address');

/** Returns the platform's id of a request, so that both logs name the same one; a new id where it gives none. */
export function requestIdOf(headers: Headers): string {
  const ray = headers.get('cf-ray');
  return ray !== null && /^[\w-]{8,64}$/.test(ray) ? ray : crypto.randomUUID();
}
