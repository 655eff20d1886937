import { Hono } from 'hono';
import { utf8 } from '../../format/bytes.ts';
import { sha256Hex } from '../../format/digest.ts';
import { MirrorError } from '../../format/errors.ts';
import { ROOT, signaturePath } from '../../format/layout.ts';
import type { SnapshotEntry } from '../../format/snapshot/entry.ts';
import { type AppEnvironment, originFor, type Services, servedSnapshot } from '../context.ts';
import { fileRepresentation } from '../files.ts';
import { CACHE_CONTROL } from '../http/caching.ts';
import { contentTypeOf } from '../http/content-type.ts';
import { strongTag } from '../http/etag.ts';
import { decodePath } from '../http/path.ts';
import { type Representation, respond } from '../http/respond.ts';
import type { LiveSnapshot } from '../live-snapshot.ts';
import { isRewritten, rewrittenRepresentation } from '../rewrite.ts';

/** A content address; what follows the digest is for people and download tools. */
const BLOB = /^(blobs\/sha256\/[^/]+)(?:\/[^/]*)?$/;
const LEAF = /^snapshot\/leaves\/([0-9a-f]{64})\.json$/;

/** Seconds. */
const API_MARGIN = 60;

/** All that the snapshot names: the tree byte for byte, content addresses, and package JSON with its URLs here. */
export function treeRoutes(services: Services): Hono<AppEnvironment> {
  return new Hono<AppEnvironment>().get('*', async (context) => {
    const { pathname, searchParams } = new URL(context.req.url);
    const path = decodePath(pathname);
    const raw = searchParams.get('raw') === '1';
    const live = await servedSnapshot(context, services);
    const origin = raw ? undefined : originFor(context, services.settings);
    const representation = await find(services, live, path, origin);
    if (representation) return respond(context.req.raw, representation, services.clock());
    throw new MirrorError('not-found', `This mirror has no file ${JSON.stringify(path)}.`, { where: path });
  });
}

/** What stands at a path; package JSON is rewritten to `origin` where one is given. */
async function find(
  services: Services,
  live: LiveSnapshot,
  path: string,
  origin: string | undefined,
): Promise<Representation | undefined> {
  const { store } = services;
  if (path.startsWith('snapshot/')) return snapshotDocument(store, live, path);
  const blob = BLOB.exec(path)?.[1];
  const entry = await live.find(blob ?? path);
  if (!entry) return undefined;
  if (blob) return fileRepresentation(store, entry, CACHE_CONTROL.content);
  if (origin !== undefined && isRewritten(path)) return rewrittenRepresentation(store, entry, origin);
  return path.startsWith('api/')
    ? apiRepresentation(services, live, entry)
    : fileRepresentation(store, entry);
}

/**
 * One of Homebrew's API files. brew asks for it with the time of its last question, whatever it was told then, so what
 * counts is since when the file can be had here, and not how old it is. For a minute after that no such question is
 * answered by its time: servers look for a new snapshot only now and then, and clocks of clients may be ahead.
 */
function apiRepresentation(
  { store, clock }: Services,
  { published }: LiveSnapshot,
  entry: SnapshotEntry,
): Representation {
  const settled = published + API_MARGIN;
  const lastModified = clock().getTime() / 1000 > settled ? settled : undefined;
  return { ...fileRepresentation(store, entry), lastModified };
}

/** The root and its signature come with the pointer; a leaf is found by the root. */
async function snapshotDocument(
  store: Services['store'],
  { signed, snapshot }: LiveSnapshot,
  path: string,
): Promise<Representation | undefined> {
  const lastModified = Math.floor(Date.parse(snapshot.created_at) / 1000);
  if (path === ROOT) return document(path, signed.root, lastModified, CACHE_CONTROL.changing);
  if (path === signaturePath(ROOT)) {
    return document(path, utf8(signed.signature), lastModified, CACHE_CONTROL.changing);
  }
  const reference = snapshot.leaves.find((leaf) => leaf.sha256 === LEAF.exec(path)?.[1]);
  const bytes = reference && (await store.leaf(reference));
  if (!reference) return undefined;
  if (!bytes) throw new MirrorError('missing', `${path} is missing from storage.`, { where: path });
  const found = sha256Hex(bytes);
  if (found === reference.sha256) return document(path, bytes, lastModified, CACHE_CONTROL.content);
  throw new MirrorError('mismatch', `${path} is not as signed.`, {
    where: path,
    expected: reference.sha256,
    found,
  });
}

/** A small document that is in memory already. */
function document(
  path: string,
  bytes: Uint8Array,
  lastModified: number,
  cacheControl: string,
): Representation {
  const sha256 = sha256Hex(bytes);
  return {
    etag: strongTag(sha256),
    lastModified,
    size: bytes.length,
    contentType: contentTypeOf(path),
    cacheControl,
    sha256,
    check: async () => bytes.length,
    body: async (range) => ({
      stream: new Uint8Array(range ? bytes.subarray(range.offset, range.offset + range.length) : bytes),
      size: bytes.length,
    }),
  };
}
