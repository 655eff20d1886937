import { utf8 } from '../format/bytes.ts';
import { HTML } from '../pages/page.ts';
import { CACHE_CONTROL } from './http/caching.ts';
import { strongTag } from './http/etag.ts';
import { type Representation, wholeBody } from './http/respond.ts';
import { sha256Of } from './runtime-crypto.ts';

const JSON_TYPE = 'application/json';

/** Describes a document made here. Range is ignored; the entity tag is the SHA-256 of the bytes. */
export function documentOf(
  body: string,
  contentType: string,
  more: Pick<Representation, 'vary' | 'headers'> = {},
): Representation {
  const bytes = new Uint8Array(utf8(body));
  return {
    etag: strongTag(sha256Of(bytes)),
    lastModified: undefined,
    size: undefined,
    contentType,
    cacheControl: CACHE_CONTROL.page,
    ...more,
    ...wholeBody(async () => bytes),
  };
}

/** Describes a JSON document that people read too. */
export const jsonDocument = (value: unknown, more: Pick<Representation, 'vary'> = {}): Representation =>
  documentOf(prettyJson(value), JSON_TYPE, more);

/** Describes a page. */
export function pageDocument(page: string): Representation {
  const { 'content-type': contentType, vary, ...headers } = HTML;
  return documentOf(page, contentType, { vary, headers });
}

/** Returns a response that holds only for this moment: no cache keeps it unless `headers` allow it. */
export const momentary = (body: string, headers: Readonly<Record<string, string>>, status = 200): Response =>
  new Response(body, {
    status,
    headers: {
      'cache-control': CACHE_CONTROL.never,
      'content-length': String(utf8(body).length),
      ...headers,
    },
  });

/** Returns a momentary response of JSON. */
export const momentaryJson = (value: unknown, status = 200): Response =>
  momentary(prettyJson(value), { 'content-type': JSON_TYPE, vary: 'accept' }, status);

/** Returns a permanent redirect to a path of this server. */
export const redirect = (location: string): Response =>
  new Response(null, {
    status: 308,
    headers: { location, 'cache-control': CACHE_CONTROL.never, 'content-length': '0' },
  });

const prettyJson = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
