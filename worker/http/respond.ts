import { reprDigest } from '../../format/digest.ts';
import type { FileBody } from '../../format/store.ts';
import { CACHE_CONTROL } from './caching.ts';
import { httpDate } from './date.ts';
import { planResponse } from './plan.ts';
import { type ByteRange, contentRange } from './range.ts';

/** A representation of a resource, ready to be sent but not yet read. */
export interface Representation {
  /** Strong entity tag, with its quotes. */
  etag: string;
  /** Unix seconds; `undefined` where other things than the content's age decide the bytes. */
  lastModified: number | undefined;
  /** Bytes; `undefined` for what is made on the fly, where Range is ignored and the body comes whole. */
  size: number | undefined;
  contentType: string;
  cacheControl: string;
  /** Request fields that choose between representations of the resource. */
  vary?: string;
  /** More headers for the answer with content. */
  headers?: Readonly<Record<string, string>>;
  /** SHA-256 of the bytes in hex, where it is known beforehand. */
  sha256?: string;
  /** File name to save under. */
  download?: string;
  /** Makes sure, for HEAD, that a GET would succeed; returns the size in bytes. */
  check(): Promise<number>;
  body(range?: ByteRange): Promise<{ stream: FileBody; size: number }>;
}

/** Answers a GET or HEAD with a representation, as RFC 9110 has it. */
export async function respond(
  request: Request,
  representation: Representation,
  now: Date,
): Promise<Response> {
  // Section 8.8.2.1: Last-Modified is never later than now, whatever the clock of the builder said.
  const { lastModified: said } = representation;
  const lastModified = said === undefined ? said : Math.min(said, Math.floor(now.getTime() / 1000));
  const plan = planResponse(request, { ...representation, lastModified }, now);
  const headers = validatorHeaders({ ...representation, lastModified });
  if (plan.status === 304) return new Response(null, { status: 304, headers });
  if (plan.status === 412 || plan.status === 416) {
    // Caches do not key on the headers that led here: kept, the answer to one client would stand for all.
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

/** What also a 304 has to carry (RFC 9110 section 15.4.5). */
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
  // Names in a mirror have neither quotes nor control characters, so this form needs no escaping.
  if (download !== undefined) headers.set('content-disposition', `attachment; filename="${download}"`);
}
