import { reprDigest } from '../../format/digest.ts';
import type { ByteRange, FileBody } from '../../format/store.ts';
import { CACHE_CONTROL } from './caching.ts';
import { httpDate } from './date.ts';
import { evaluatePreconditions, ifRangeHolds, type Validators } from './preconditions.ts';
import { contentRange, requestedRange } from './range.ts';

/** A representation of a resource, ready to be sent but not yet read. */
export interface Representation extends Validators {
  /** Bytes; `undefined` for a body that is made when it is sent: Range is then ignored. */
  size: number | undefined;
  contentType: string;
  cacheControl: string;
  /** Request fields that choose between representations of the resource. */
  vary?: string;
  /** Further headers of a response with content. */
  headers?: Readonly<Record<string, string>>;
  /** SHA-256 of the bytes in hex, where it is known beforehand. */
  sha256?: string;
  /** File name to save under. */
  download?: string;
  /** Returns the size in bytes for HEAD. Throws when a GET would fail. */
  check(): Promise<number>;
  body(range?: ByteRange): Promise<{ stream: FileBody; size: number }>;
}

/** Returns the parts of a representation whose bytes are read or made whole when they are sent. */
export const wholeBody = (
  read: () => Promise<Uint8Array<ArrayBuffer>>,
): Pick<Representation, 'check' | 'body'> => ({
  check: async () => (await read()).length,
  body: async (range) => {
    const bytes = await read();
    const stream = range ? bytes.subarray(range.offset, range.offset + range.length) : bytes;
    return { stream, size: bytes.length };
  },
});

/** How to respond, decided before storage is asked. */
export type ResponsePlan = { status: 200 | 304 | 412 | 416 } | { status: 206; range: ByteRange };

/** Responds to a GET or HEAD with a representation, as RFC 9110 requires. */
export async function respond(request: Request, found: Representation, now: Date): Promise<Response> {
  const representation = { ...found, lastModified: notLaterThan(now, found.lastModified) };
  const plan = planResponse(request, representation, now);
  const headers = validatorHeaders(representation);
  if (plan.status === 304) return new Response(null, { status: 304, headers });
  if (plan.status === 412 || plan.status === 416) {
    // Caches do not key on the request headers that led here: every other client would get this response too.
    headers.set('cache-control', CACHE_CONTROL.never);
    headers.set('content-length', '0');
    if (plan.status === 416) headers.set('content-range', `bytes */${representation.size}`);
    return new Response(null, { status: plan.status, headers });
  }
  describe(headers, representation);
  if (request.method === 'HEAD') {
    headers.set('content-length', String(await representation.check()));
    return new Response(null, { status: 200, headers });
  }
  const range = plan.status === 206 ? plan.range : undefined;
  const { stream, size } = await representation.body(range);
  headers.set('content-length', String(range?.length ?? size));
  if (range) headers.set('content-range', contentRange(range, size));
  return new Response(stream, { status: plan.status, headers });
}

/**
 * Evaluates preconditions first, then Range, which is defined for GET alone (RFC 9110 sections 13.2.2 and 14.2) and is
 * ignored when the size is not known beforehand.
 */
export function planResponse(
  { method, headers }: Request,
  representation: Validators & { size: number | undefined },
  now: Date,
): ResponsePlan {
  const status = evaluatePreconditions(headers, representation, now);
  if (status) return { status };
  const { size } = representation;
  const mayBePartial = method === 'GET' && size !== undefined && ifRangeHolds(headers, representation, now);
  const range = mayBePartial ? requestedRange(headers.get('range'), size) : undefined;
  if (range === undefined) return { status: 200 };
  return range === 'unsatisfiable' ? { status: 416 } : { status: 206, range };
}

/** Section 8.8.2.1: Last-Modified is never in the future, whatever the builder's clock said. */
const notLaterThan = (now: Date, lastModified: number | undefined): number | undefined =>
  lastModified === undefined ? undefined : Math.min(lastModified, Math.floor(now.getTime() / 1000));

/** Returns the headers that a 304 must carry too (RFC 9110 section 15.4.5). */
function validatorHeaders({ etag, lastModified, cacheControl, vary, size }: Representation): Headers {
  return new Headers({
    etag,
    ...(lastModified === undefined ? {} : { 'last-modified': httpDate(lastModified) }),
    'cache-control': cacheControl,
    ...(vary === undefined ? {} : { vary }),
    'accept-ranges': size === undefined ? 'none' : 'bytes',
  });
}

function describe(headers: Headers, { contentType, headers: more, sha256, download }: Representation): void {
  headers.set('content-type', contentType);
  for (const [name, value] of Object.entries(more ?? {})) headers.set(name, value);
  if (sha256 !== undefined) headers.set('repr-digest', reprDigest(sha256));
  // File names in a mirror have neither quotes nor control characters, so this form needs no escaping.
  if (download !== undefined) headers.set('content-disposition', `attachment; filename="${download}"`);
}
