import { zstdDecompressSync } from 'node:zlib';
import { utf8 } from '../format/bytes.ts';
import { sha256Hex } from '../format/digest.ts';
import { MirrorError, messageOf } from '../format/errors.ts';
import { type Json, REWRITE_VERSION, rewritePackageJson } from '../format/package-json.ts';
import { readJson } from '../format/parse.ts';
import type { SnapshotEntry } from '../format/snapshot/entry.ts';
import type { MirrorStore } from '../format/store.ts';
import { rawZstdFrame } from '../format/zstd.ts';
import { readVerified } from './files.ts';
import { CACHE_CONTROL } from './http/caching.ts';
import { contentTypeOf } from './http/content-type.ts';
import { strongTag } from './http/etag.ts';
import type { Representation } from './http/respond.ts';

const PACKAGE_JSON = /^index\/(?:formulas|casks)\/data\//;
const MAX_SIZE = 16 * 1024 * 1024;

/** True for the only files that are not sent as they are stored. */
export const isRewritten = (path: string): boolean => PACKAGE_JSON.test(path);

/**
 * Package JSON with every mirrored URL at `origin`. The bytes follow from the stored ones, the origin and the
 * rewriter's version, and so does the entity tag: a 304 reads nothing.
 */
export function rewrittenRepresentation(
  store: MirrorStore,
  entry: SnapshotEntry,
  origin: string,
): Representation {
  const make = async (): Promise<Uint8Array<ArrayBuffer>> => {
    const value = parsePackage(await readVerified(store, entry), entry.name);
    return rawZstdFrame(utf8(JSON.stringify(rewritePackageJson(value, origin))));
  };
  return {
    etag: strongTag(sha256Hex(utf8(`${entry.sha256} ${origin} ${REWRITE_VERSION}`))),
    // The origin and the rewriter change the bytes as well, at no time that anybody knows.
    lastModified: undefined,
    size: undefined,
    contentType: contentTypeOf(entry.name),
    cacheControl: CACHE_CONTROL.changing,
    check: async () => (await make()).length,
    body: async () => {
      const bytes = await make();
      return { stream: bytes, size: bytes.length };
    },
  };
}

function parsePackage(bytes: Uint8Array, where: string): Json {
  try {
    return readJson(zstdDecompressSync(bytes, { maxOutputLength: MAX_SIZE }), where) as Json;
  } catch (cause) {
    throw new MirrorError('mismatch', `${where} is not compressed JSON: ${messageOf(cause)}`, {
      where,
      cause,
    });
  }
}
