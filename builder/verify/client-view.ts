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

/** Returns true if `served` differs from `signed` only in that the URLs of mirrored files lead to one origin. */
export function isHonestRewrite(served: Json, signed: Json): boolean {
  const [first] = mirroredUrls(served);
  const origin = first !== undefined && URL.canParse(first) ? withCredentials(new URL(first)) : '';
  return isDeepStrictEqual(served, rewritePackageJson(signed, origin));
}

/** A private mirror puts the credentials of the request into these URLs. */
const withCredentials = ({ protocol, username, password, host }: URL): string =>
  `${protocol}//${username === '' && password === '' ? '' : `${username}:${password}@`}${host}`;
