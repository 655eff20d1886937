import { MirrorError, messageOf } from '../format/errors.ts';
import type { AppContext } from './context.ts';

/** One line about a request, for a log that is searched by its fields. It holds no credentials and no addresses. */
export interface RequestRecord {
  request_id: string;
  method: string;
  /** Path and query. */
  path: string;
  status: number;
  /** Milliseconds until the answer's first byte was ready. */
  ms: number;
  /** Bytes announced. */
  bytes?: number;
  /** Version of the snapshot that it was answered from. */
  snapshot?: number;
  warning?: string;
  /** What went wrong, for an error. */
  message?: string;
  code?: string | undefined;
  where?: string | undefined;
  expected?: string | undefined;
  found?: string | undefined;
  /** Where it went wrong, for an error that should not have been. */
  stack?: string | undefined;
}

const MAX_PATH = 2048;

/** What the log says of an answered request. */
export function recordOf(context: AppContext, ms: number): RequestRecord {
  const { req, res, error } = context;
  const { pathname, search } = new URL(req.url);
  const bytes = res.headers.get('content-length');
  const snapshot = context.get('snapshot');
  const warning = context.get('warning');
  return {
    request_id: context.get('requestId'),
    method: req.method,
    path: `${pathname}${search}`.slice(0, MAX_PATH),
    status: res.status,
    ms,
    ...(bytes === null ? {} : { bytes: Number(bytes) }),
    ...(snapshot === undefined ? {} : { snapshot }),
    ...(warning === undefined ? {} : { warning }),
    ...(error === undefined ? {} : faultOf(error)),
  };
}

/** What the log says of an error. */
function faultOf(error: unknown): Partial<RequestRecord> {
  const message = messageOf(error);
  if (!(error instanceof MirrorError)) {
    return { message, stack: error instanceof Error ? error.stack : undefined };
  }
  const { code, where, expected, found } = error;
  return { message, code, where, expected, found };
}

/** The platform's id of a request where it gives one, so that both logs tell of the same; otherwise a new one. */
export function requestIdOf(headers: Headers): string {
  const ray = headers.get('cf-ray');
  return ray !== null && /^[\w-]{8,64}$/.test(ray) ? ray : crypto.randomUUID();
}
