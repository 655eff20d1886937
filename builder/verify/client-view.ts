import { isDeepStrictEqual } from 'node:util';
import { zstdDecompressSync } from 'node:zlib';
import { withoutTrailingSlashes } from '../../format/origin.ts';
import { isMirroredFile, type Json, rewritePackageJson } from '../../format/package-json.ts';
import { readJson } from '../../format/parse.ts';

const MAX_JSON = 16 * 1024 * 1024;

/** Returns what compressed package JSON holds, or `undefined` if it is not that. */
export function packageJsonOf(bytes: Uint8Array, where: string): Json | undefined {
  try {
    return readJson(zstdDecompressSync(bytes, { maxOutputLength: MAX_JSON }), where) as Json;
  } catch {
    return undefined;
  }
}

/** Returns the URLs of the mirrored files in package JSON. */
export function mirroredUrls(value: Json): string[] {
  if (Array.isArray(value)) return value.flatMap(mirroredUrls);
  if (value === null || typeof value !== 'object') return [];
  const own = isMirroredFile(value) ? [value.url] : [];
  return [...own, ...Object.values(value).flatMap(mirroredUrls)];
}

/**
 * Returns the base to which `served` is `signed` rewritten (docs/format.md section 8), without the credentials of a private
 * mirror; `undefined` if more than URLs differ.
 */
export function rewrittenTo(served: Json, signed: Json): string | undefined {
  const [first = ''] = mirroredUrls(served);
  const base = first.replace(/\/blobs\/sha256\/[^/]*\/[^/]*$/, '');
  if (!isDeepStrictEqual(served, rewritePackageJson(signed, base))) return undefined;
  return withoutTrailingSlashes(withoutCredentials(base));
}

/** Returns a URL without its user and password, as URL writes it; anything else as it is. */
export function withoutCredentials(text: string): string {
  const url = URL.parse(text);
  if (!url) return text;
  url.username = '';
  url.password = '';
  return url.href;
}
