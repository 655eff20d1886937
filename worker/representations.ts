import { utf8 } from '../format/bytes.ts';
import { gzipPath, isPackageFile, ROOT, signaturePath } from '../format/layout.ts';
import { REWRITE_VERSION } from '../format/package-json.ts';
import { filePathOf, type SnapshotEntry } from '../format/snapshot/entry.ts';
import type { MirrorStore } from '../format/store.ts';
import type { Services } from './context.ts';
import { CACHE_CONTROL, cacheControlOf, fixedFor, keptAtMost } from './http/caching.ts';
import { acceptEncodingOf, preferredCoding } from './http/coding.ts';
import { contentTypeOf } from './http/content-type.ts';
import { strongTag } from './http/etag.ts';
import { type Representation, wholeBody } from './http/respond.ts';
import type { LiveSnapshot } from './live-snapshot.ts';
import { rewrittenJson } from './rewrite.ts';
import { sha256Of } from './runtime-crypto.ts';
import { checkStored, openStored, readLeaf, type Storage } from './storage-check.ts';

const LEAF = /^snapshot\/leaves\/([0-9a-f]{64})\.tsv$/;

/** How long after publication Homebrew's API files have no time of change, seconds. */
const API_MARGIN = 60;

/** Describes a listed file, sent byte for byte. No cache may keep it for longer than it is offered. */
export function fileRepresentation(
  storage: Storage,
  entry: SnapshotEntry,
  now: Date,
  rule: string = cacheControlOf(entry.name),
): Representation {
  const { until = Number.POSITIVE_INFINITY } = entry;
  const path = filePathOf(entry);
  return {
    etag: strongTag(entry.sha256),
    lastModified: entry.modified,
    size: entry.size,
    contentType: contentTypeOf(path),
    cacheControl: keptAtMost(rule, until - now.getTime() / 1000),
    sha256: entry.sha256,
    ...(isPackageFile(path) ? { packageFile: path } : {}),
    isRefuted: storage.findings?.refutes(entry) === true,
    check: () => checkStored(storage, entry),
    body: async (range) => {
      const { body, ...sendable } = await openStored(storage, entry, range);
      return { stream: body, ...sendable };
    },
  };
}

/**
 * Describes one of Homebrew's API files. brew asks for it with the time of its last request, whatever the answer was. So
 * what counts is when the file was published here, not how old it is. For a minute after that no such request is answered
 * by its time, because servers look for a new snapshot only now and then, and clocks of clients may be ahead.
 */
function apiRepresentation(
  storage: Storage,
  { published }: LiveSnapshot,
  entry: SnapshotEntry,
  now: Date,
): Representation {
  const settled = published + API_MARGIN;
  const lastModified = now.getTime() / 1000 > settled ? settled : undefined;
  return { ...fileRepresentation(storage, entry, now), lastModified };
}

/**
 * Describes one of Homebrew's API files in the coding that the client prefers. In gzip it is another listed file: it has a
 * different entity tag, size and digest (RFC 9110 section 8.8.3.3, RFC 9530 section 3).
 */
export async function negotiatedApi(
  storage: Storage,
  live: LiveSnapshot,
  entry: SnapshotEntry,
  request: Request,
  now: Date,
): Promise<Representation> {
  const plain = apiRepresentation(storage, live, entry, now);
  const compressed = await live.find(gzipPath(entry.name));
  if (!compressed) return plain;
  const vary = 'accept-encoding';
  if (preferredCoding(acceptEncodingOf(request)) === 'identity') return { ...plain, vary };
  return {
    ...apiRepresentation(storage, live, compressed, now),
    ...{ contentType: plain.contentType, vary, headers: { 'content-encoding': 'gzip' } },
  };
}

/**
 * Describes package JSON with every mirrored URL below `base`: an origin and perhaps a path, no slash at the end. The
 * stored bytes, the base and the version of the rewriter decide the bytes, and so the entity tag: a 304 reads nothing.
 */
export function packageJsonRepresentation(
  store: MirrorStore,
  entry: SnapshotEntry,
  base: string,
): Representation {
  return {
    etag: strongTag(sha256Of(utf8(`${entry.sha256} ${base} ${REWRITE_VERSION}`))),
    // A change of the base or the rewriter changes the bytes too, at a time that nobody records.
    lastModified: undefined,
    size: undefined,
    contentType: contentTypeOf(entry.name),
    cacheControl: CACHE_CONTROL.changing,
    ...wholeBody(() => rewrittenJson(store, entry, base)),
  };
}

/** Describes a document of the snapshot. The root and its signature are in memory; a leaf is read when it is sent. */
export function snapshotRepresentation(
  store: MirrorStore,
  { signed, snapshot, sha256 }: LiveSnapshot,
  path: string,
): Representation | undefined {
  const describe = (size: number, sha256: string, cacheControl: string, read: () => Promise<Uint8Array>) => ({
    etag: strongTag(sha256),
    lastModified: Math.floor(Date.parse(snapshot.created_at) / 1000),
    size,
    contentType: contentTypeOf(path),
    cacheControl,
    sha256,
    ...wholeBody(async () => new Uint8Array(await read())),
  });
  const { root } = signed;
  if (path === ROOT) return describe(root.length, sha256, CACHE_CONTROL.changing, async () => root);
  if (path === signaturePath(ROOT)) {
    const bytes = utf8(signed.signature);
    return describe(bytes.length, sha256Of(bytes), CACHE_CONTROL.changing, async () => bytes);
  }
  const leaf = snapshot.leaves.find((reference) => reference.sha256 === LEAF.exec(path)?.[1]);
  return leaf && describe(leaf.size, leaf.sha256, CACHE_CONTROL.content, () => readLeaf(store, leaf));
}

/**
 * Returns the representation of a file for its address. Below `/at/<version>-<key id>` no address ever has another file, so caches
 * need not ask again: until the snapshot expires, or the file is no longer offered (`until`, Unix seconds).
 */
export function lasting(
  { isFixed, clock }: Pick<Services, 'isFixed' | 'clock'>,
  { snapshot }: LiveSnapshot,
  representation: Representation,
  until = Number.POSITIVE_INFINITY,
): Representation {
  if (!isFixed) return representation;
  const left = Math.min(until, Date.parse(snapshot.expires_at) / 1000) - clock().getTime() / 1000;
  return { ...representation, cacheControl: fixedFor(representation.cacheControl, left) };
}
