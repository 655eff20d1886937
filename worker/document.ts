import { utf8 } from '../format/bytes.ts';
import { CACHE_CONTROL } from './http/caching.ts';
import { strongTag } from './http/etag.ts';
import type { Representation } from './http/respond.ts';
import { sha256Of } from './runtime-crypto.ts';

/** How a document that is in memory already is served. */
export interface DocumentOptions {
  contentType: string;
  cacheControl: string;
  /** Unix seconds, where these bytes alone decide it. */
  lastModified?: number;
  /** Request fields that choose between documents at one path. */
  vary?: string;
  headers?: Readonly<Record<string, string>>;
}

/** A document made here, whole: Range is ignored, the entity tag is the SHA-256 of its bytes. */
export function documentOf(body: string | Uint8Array, options: DocumentOptions): Representation {
  const bytes = new Uint8Array(typeof body === 'string' ? utf8(body) : body);
  const { lastModified, ...rest } = options;
  return {
    etag: strongTag(sha256Of(bytes)),
    lastModified,
    size: undefined,
    ...rest,
    check: async () => bytes.length,
    body: async () => ({ stream: bytes, size: bytes.length }),
  };
}

/** JSON that people read too. */
export const jsonDocument = (value: unknown, options: Omit<DocumentOptions, 'contentType'>): Representation =>
  documentOf(prettyJson(value), { contentType: JSON_TYPE, ...options });

/** An answer that holds for this moment: nobody keeps it unless `headers` say so, no condition applies to it. */
export const momentary = (body: string, headers: Readonly<Record<string, string>>, status = 200): Response =>
  new Response(body, {
    status,
    headers: {
      'cache-control': CACHE_CONTROL.never,
      'content-length': String(utf8(body).length),
      ...headers,
    },
  });

/** The same, as JSON. */
export const momentaryJson = (value: unknown, status = 200): Response =>
  momentary(prettyJson(value), { 'content-type': JSON_TYPE, vary: 'accept' }, status);

const JSON_TYPE = 'application/json';

const prettyJson = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
