import { isSha256 } from './digest.ts';
import { blobName } from './layout.ts';
import { encodePath } from './paths.ts';

/** Must change whenever the rewrite gives other bytes for the same input: it is part of every ETag. */
export const REWRITE_VERSION = 1;

/** Parsed JSON. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/**
 * Returns the URL that delivers a mirrored file by its content from `origin` (scheme and host, no trailing slash).
 * The last segment is for people and download tools. Only the digest selects the file.
 */
export const contentUrl = (origin: string, sha256: string, path: string): string =>
  `${origin}/${blobName(sha256)}/${encodePath(path.slice(path.lastIndexOf('/') + 1))}`;

/** Returns true for an object of package JSON that names a mirrored file. */
export const isMirroredFile = <T extends { url?: Json; sha256?: Json; path?: Json }>(
  value: T,
): value is T & { url: string; sha256: string; path: string } =>
  typeof value.url === 'string' &&
  typeof value.path === 'string' &&
  typeof value.sha256 === 'string' &&
  isSha256(value.sha256);

/**
 * Returns the package JSON of a formula or cask as a client at `origin` gets it: the `url` of every mirrored file leads
 * to this origin. Everything else stays as it is, in the same order.
 */
export function rewritePackageJson(value: Json, origin: string): Json {
  if (Array.isArray(value)) return value.map((item) => rewritePackageJson(item, origin));
  if (value === null || typeof value !== 'object') return value;
  const url = isMirroredFile(value) ? contentUrl(origin, value.sha256, value.path) : undefined;
  const entries = Object.entries(value).map(([key, item]): [string, Json] => [
    key,
    key === 'url' && url !== undefined ? url : rewritePackageJson(item, origin),
  ]);
  return Object.fromEntries(entries);
}
