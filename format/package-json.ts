import { isSha256 } from './digest.ts';
import { blobName } from './layout.ts';
import { encodePath } from './paths.ts';

/** Changes whenever the rewrite would give other bytes for the same input, and with them every ETag. */
export const REWRITE_VERSION = 1;

/** Parsed JSON. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/**
 * The URL that delivers a mirrored file by its content from `origin` (scheme and host, no trailing slash).
 * The last segment is for people and download tools; the digest alone decides.
 */
export const contentUrl = (origin: string, sha256: string, path: string): string =>
  `${origin}/${blobName(sha256)}/${encodePath(path.slice(path.lastIndexOf('/') + 1))}`;

/**
 * The package JSON of formulas and casks as a client at `origin` gets it: wherever an object names a mirrored file
 * (`url`, `sha256` and `path`), its `url` leads to this origin. All else stays as it is, in its order.
 */
export function rewritePackageJson(value: Json, origin: string): Json {
  if (Array.isArray(value)) return value.map((item) => rewritePackageJson(item, origin));
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).map(
    ([key, item]) => [key, rewritePackageJson(item, origin)] as const,
  );
  const { url, sha256, path } = value;
  const mirrored =
    typeof url === 'string' && typeof path === 'string' && typeof sha256 === 'string' && isSha256(sha256);
  return Object.fromEntries(
    entries.map(([key, item]) => [key, mirrored && key === 'url' ? contentUrl(origin, sha256, path) : item]),
  );
}
