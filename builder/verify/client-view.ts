import { isDeepStrictEqual } from 'node:util';
import { zstdDecompressSync } from 'node:zlib';
import { isSha256 } from '../../format/digest.ts';
import { type Json, rewritePackageJson } from '../../format/package-json.ts';
import { readJson } from '../../format/parse.ts';

const MAX_JSON = 16 * 1024 * 1024;

/** Compressed package JSON; `undefined` for what is none. */
export function packageJsonOf(bytes: Uint8Array, where: string): Json | undefined {
  try {
    return readJson(zstdDecompressSync(bytes, { maxOutputLength: MAX_JSON }), where) as Json;
  } catch {
    return undefined;
  }
}

/** The URLs of mirrored files in package JSON: those of objects that have `url`, `sha256` and `path`. */
export function mirroredUrls(value: Json): string[] {
  if (Array.isArray(value)) return value.flatMap(mirroredUrls);
  if (value === null || typeof value !== 'object') return [];
  const { url, sha256, path } = value;
  const own =
    typeof url === 'string' && typeof path === 'string' && typeof sha256 === 'string' && isSha256(sha256);
  return [...(own ? [url] : []), ...Object.values(value).flatMap(mirroredUrls)];
}

/** True when `served` is `signed` with nothing changed but that the URLs of mirrored files lead to one origin. */
export function isHonestRewrite(served: Json, signed: Json): boolean {
  const [first] = mirroredUrls(served);
  const origin = first !== undefined && URL.canParse(first) ? withCredentials(new URL(first)) : '';
  return isDeepStrictEqual(served, rewritePackageJson(signed, origin));
}

/** A private mirror repeats the credentials that it was asked with. */
const withCredentials = ({ protocol, username, password, host }: URL): string =>
  `${protocol}//${username === '' && password === '' ? '' : `${username}:${password}@`}${host}`;
