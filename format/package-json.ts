import { isSha256 } from './is-sha256.ts';
import { blobName } from './layout.ts';
import { encodePath } from './paths.ts';

/** Must change whenever the rewrite gives other bytes for the same input: it is part of every ETag. */
export const REWRITE_VERSION = 2;

/** Parsed JSON. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/**
 * Returns the URL that delivers a mirrored file by its content below `base`: an origin and perhaps a path, no slash at the end.
 * The last segment is for people and download tools. Only the digest selects the file.
 */
export const contentUrl = (base: string, sha256: string, path: string): string =>
  `${base}/${blobName(sha256)}/${encodePath(path.slice(path.lastIndexOf('/') + 1))}`;

/** Returns true for an object of package JSON that names a mirrored file. */
export const isMirroredFile = <T extends { url?: Json; sha256?: Json; path?: Json }>(
  value: T,
): value is T & { url: string; sha256: string; path: string } =>
  typeof value.url === 'string' &&
  typeof value.path === 'string' &&
  typeof value.sha256 === 'string' &&
  isSha256(value.sha256);

/**
 * Returns the package JSON of a formula or cask as a client of `base` gets it: the `url` of every mirrored file leads
 * to this base. Everything else stays as it is, in the same order.
 */
export function rewritePackageJson(value: Json, base: string): Json {
  if (Array.isArray(value)) return value.map((item) => rewritePackageJson(item, base));
  if (value === null || typeof value !== 'object') return value;
  const url = isMirroredFile(value) ? contentUrl(base, value.sha256, value.path) : undefined;
  const entries = Object.entries(value).map(([key, item]): [string, Json] => [
    key,
    key === 'url' && url !== undefined ? url : rewritePackageJson(item, base),
  ]);
  return Object.fromEntries(entries);
}
