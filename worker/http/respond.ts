import { reprDigest } from '../../format/digest.ts';
import { httpDate } from '../../format/http-date.ts';
import { type ByteRange, discard, type FileBody } from '../../format/store.ts';
import { CACHE_CONTROL, doubted } from './caching.ts';
import { namesStrongly, weakTag } from './etag.ts';
import { evaluatePreconditions, ifRangeHolds, type Validators } from './preconditions.ts';
import { contentRange, requestedRange } from './range.ts';

/** A representation of a resource, ready to be sent but not yet read. */
export interface Representation extends Validators {
  /**
   * Bytes; `undefined` for a body that is made when it is sent, of which Range is ignored, and for a file on demand whose size only
   * storage knows.
   */
  size: number | undefined;
  contentType: string;
  cacheControl: string;
  /** Request fields that choose between representations of the resource. */
  vary?: string;
  /** Further headers of a response with content. */
  headers?: Readonly<Record<string, string>>;
  /** SHA-256 of the bytes in hex, where it is known beforehand. */
  sha256?: string;
  /** True if the digest is also stated as registries do (OCI distribution specification, "Pulling manifests"). */
  isInRegistry?: boolean;
  /** True if the bytes are read whole and hashed, or made, when they are sent. */
  isProven?: boolean;
  /** True if stored bytes were found not to be these. */
  isRefuted?: boolean;
  /** Path of the package file that this is: it is saved under its name, and counted as a download of the package. */
  packageFile?: string;
  /**
   * Returns what HEAD needs. A range needs it too where the size is unknown: then a file on demand is fetched. Throws when a
   * GET would fail.
   */
  check(): Promise<Checked>;
  body(range?: ByteRange): Promise<Checked & { stream: FileBody }>;
}

/** What is known of the bytes to send. */
interface Checked {
  /** Bytes of the whole. */
  size: number;
  /** True if less than their SHA-256 shows that they are what {@link Representation} describes. */
  isWeak: boolean;
}

/** Returns the parts of a representation whose bytes are read or made whole when they are sent. */
export const wholeBody = (
  read: () => Promise<Uint8Array<ArrayBuffer>>,
): Pick<Representation, 'isProven' | 'check' | 'body'> => ({
  isProven: true,
  check: async () => ({ size: (await read()).length, isWeak: false }),
  body: async (range) => {
    const bytes = await read();
    const stream = range ? bytes.subarray(range.offset, range.offset + range.length) : bytes;
    return { stream, size: bytes.length, isWeak: false };
  },
});

/** How to respond, decided before storage is asked. */
export type ResponsePlan = { status: 200 | 304 | 412 | 416 } | { status: 206; range: ByteRange };

/** A response before the headers that all responses have are added: each `Headers` object costs more than everything else here. */
export interface Reply {
  status: 200 | 206 | 304 | 412 | 416;
  /** By lower-case name. */
  headers: Record<string, string>;
  body: FileBody | null;
}

/** Returns how to respond to a GET or HEAD with a representation, as RFC 9110 requires. */
export async function replyTo(request: Request, found: Representation, now: Date): Promise<Reply> {
  const dated = { ...found, lastModified: notLaterThan(now, found.lastModified) };
  const representation = await withSize(request, dated, now);
  const plan = planResponse(request, representation, now);
  if (plan.status !== 200 && plan.status !== 206) return withoutContent(request, representation, plan.status);
  const range = plan.status === 206 ? plan.range : undefined;
  const isHead = request.method === 'HEAD';
  const checked = isHead
    ? { ...(await representation.check()), stream: null }
    : await representation.body(range);
  const { stream: body, size, isWeak } = checked;
  const sent = isWeak ? weaklyProven(representation) : representation;
  // A weak tag may satisfy fewer conditions than the strong one by which they were judged.
  if (isWeak && planResponse(request, sent, now).status !== plan.status) {
    if (body) await discard(body);
    return replyTo(request, sent, now);
  }
  const headers = { ...validatorHeaders(sent), ...contentHeaders(sent) };
  headers['content-length'] = String(range?.length ?? size);
  if (range) headers['content-range'] = contentRange(range, size);
  return { status: plan.status, headers, body };
}

/** Makes the response of a reply. */
export function responseOf(reply: Reply): Response {
  const { status, headers, body } = reply;
  const response = new Response(body, { status, headers, ...AS_STORED });
  if (body instanceof ReadableStream) replies.set(response, reply);
  return response;
}

const replies = new WeakMap<Response, Reply>();

/** Returns what a response was made of, if its body is a stream: a host may know a shorter way for its bytes. */
export const replyOf = (response: Response): Reply | undefined => replies.get(response);

/** Learns the size of a file on demand from storage, if a range of it is to be sent. */
async function withSize(
  { method, headers }: Request,
  representation: Representation,
  now: Date,
): Promise<Representation> {
  const isWanted =
    method === 'GET' && headers.has('range') && !evaluatePreconditions(headers, representation, now);
  if (representation.size !== undefined || representation.isProven || !isWanted) return representation;
  return { ...representation, size: (await representation.check()).size };
}

/** Responds without looking at what is stored, unless a 304 would confirm bytes that were found to be others. */
async function withoutContent(
  request: Request,
  representation: Representation,
  status: 304 | 412 | 416,
): Promise<Reply> {
  // Only a client that names the strong tag has been sent bytes that were proven.
  const isProven =
    representation.isProven || namesStrongly(request.headers.get('if-none-match') ?? '', representation.etag);
  if (status === 304 && !isProven && representation.isRefuted) await representation.check();
  const headers = validatorHeaders(isProven ? representation : weaklyProven(representation));
  if (status === 304) return { status, headers, body: null };
  // Caches do not key on the request headers that led here: every other client would get this response too.
  headers['cache-control'] = CACHE_CONTROL.never;
  headers['content-length'] = '0';
  if (status === 416) headers['content-range'] = `bytes */${representation.size}`;
  return { status, headers, body: null };
}

/**
 * Describes bytes of which storage proves less than their SHA-256. A strong tag, the digest and `immutable` would each
 * promise that they are exactly the signed ones.
 */
function weaklyProven(representation: Representation): Representation {
  const { sha256: _, ...rest } = representation;
  return { ...rest, etag: weakTag(rest.etag), cacheControl: doubted(rest.cacheControl) };
}

/** Workers would otherwise encode a body that has a Content-Encoding; other runtimes never do. */
const AS_STORED: { encodeBody: 'manual' } = { encodeBody: 'manual' };

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
function validatorHeaders(representation: Representation): Record<string, string> {
  const { etag, lastModified, cacheControl, vary, size, isProven } = representation;
  const headers: Record<string, string> = { etag, 'cache-control': cacheControl };
  if (lastModified !== undefined) headers['last-modified'] = httpDate(lastModified);
  if (vary !== undefined) headers.vary = vary;
  headers['accept-ranges'] = size === undefined && isProven ? 'none' : 'bytes';
  return headers;
}

/** Returns the headers of a response with content, besides those about its length. */
function contentHeaders(representation: Representation): Record<string, string> {
  const { contentType, headers: more, sha256, isInRegistry, packageFile } = representation;
  const headers: Record<string, string> = { 'content-type': contentType, ...more };
  if (sha256 !== undefined) headers['repr-digest'] = reprDigest(sha256);
  if (sha256 !== undefined && isInRegistry) headers['docker-content-digest'] = `sha256:${sha256}`;
  if (packageFile === undefined) return headers;
  const file = packageFile.slice(packageFile.lastIndexOf('/') + 1);
  // File names in a mirror have neither quotes nor control characters, so this form needs no escaping.
  headers['content-disposition'] = `attachment; filename="${file}"`;
  return headers;
}
