import { isDeepStrictEqual } from 'node:util';
import { zstdDecompressSync } from 'node:zlib';
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

/** Returns true if `served` is `signed` rewritten to one base (docs/format.md section 8). */
export function isHonestRewrite(served: Json, signed: Json): boolean {
  const [first = ''] = mirroredUrls(served);
  // Whatever stands before the content address, the credentials of a private mirror included.
  const base = first.replace(/\/blobs\/sha256\/[^/]*\/[^/]*$/, '');
  return isDeepStrictEqual(served, rewritePackageJson(signed, base));
}
