import { Hono } from 'hono';
import { utf8 } from '../../format/bytes.ts';
import { MirrorError } from '../../format/errors.ts';
import { encodePath, ROOT, signaturePath } from '../../format/layout.ts';
import type { SnapshotEntry } from '../../format/snapshot/entry.ts';
import type { LeafReference } from '../../format/snapshot/root.ts';
import type { MirrorStore } from '../../format/store.ts';
import { type AppEnvironment, answer, clientOrigin, type Services, servedSnapshot } from '../context.ts';
import { fileRepresentation } from '../files.ts';
import { CACHE_CONTROL } from '../http/caching.ts';
import { contentTypeOf } from '../http/content-type.ts';
import { strongTag } from '../http/etag.ts';
import { decodePath } from '../http/path.ts';
import type { Representation } from '../http/respond.ts';
import { isFolder } from '../listing.ts';
import type { LiveSnapshot } from '../live-snapshot.ts';
import { missingPath } from '../missing.ts';
import { isRewritten, rewrittenRepresentation } from '../rewrite.ts';
import { sha256Of } from '../runtime-crypto.ts';

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
    const live = await servedSnapshot(context, services);
    const asStored = searchParams.get('raw') === '1' || !isRewritten(path);
    const origin = asStored ? undefined : clientOrigin(context, services.settings);
    const representation = await find(services, live, path, origin);
    if (representation) return answer(context, services, representation);
    if (await isFolder(live, path)) return toFolder(path);
    throw missingPath(path);
  });
}

/** The folder's own address has a slash at its end, on which the links of its page rest. */
const toFolder = (path: string): Response =>
  new Response(null, {
    status: 308,
    headers: {
      location: `/${encodePath(path)}/`,
      'cache-control': CACHE_CONTROL.never,
      'content-length': '0',
    },
  });

/** What stands at a path; package JSON, for which an `origin` is given, with its URLs there. */
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
  if (origin !== undefined) return rewrittenRepresentation(store, entry, origin);
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
function snapshotDocument(
  store: MirrorStore,
  { signed, snapshot, sha256 }: LiveSnapshot,
  path: string,
): Representation | undefined {
  const known = {
    lastModified: Math.floor(Date.parse(snapshot.created_at) / 1000),
    contentType: contentTypeOf(path),
  };
  const changing = { ...known, cacheControl: CACHE_CONTROL.changing };
  if (path === ROOT) return inMemory(signed.root, { ...changing, sha256 });
  if (path === signaturePath(ROOT)) {
    const bytes = utf8(signed.signature);
    return inMemory(bytes, { ...changing, sha256: sha256Of(bytes) });
  }
  const [, digest] = LEAF.exec(path) ?? [];
  const leaf = snapshot.leaves.find((reference) => reference.sha256 === digest);
  if (!leaf) return undefined;
  const common = { ...known, cacheControl: CACHE_CONTROL.content, sha256: leaf.sha256 };
  return small(leaf.size, () => readLeaf(store, leaf, path), common);
}

async function readLeaf(store: MirrorStore, leaf: LeafReference, path: string): Promise<Uint8Array> {
  const bytes = await store.leaf(leaf);
  if (!bytes) throw new MirrorError('missing', `${path} is missing from storage.`, { where: path });
  const found = sha256Of(bytes);
  if (found === leaf.sha256) return bytes;
  throw new MirrorError('mismatch', `${path} is not as signed.`, {
    where: path,
    expected: leaf.sha256,
    found,
  });
}

type Common = Pick<Representation, 'lastModified' | 'contentType' | 'cacheControl'> & { sha256: string };

const inMemory = (bytes: Uint8Array, common: Common): Representation =>
  small(bytes.length, async () => bytes, common);

/** A document that is read whole and then cut, not before the answer needs its bytes. */
function small(size: number, read: () => Promise<Uint8Array>, common: Common): Representation {
  return {
    ...common,
    etag: strongTag(common.sha256),
    size,
    check: async () => (await read()).length,
    body: async (range) => {
      const bytes = await read();
      const part = range ? bytes.subarray(range.offset, range.offset + range.length) : bytes;
      return { stream: new Uint8Array(part), size };
    },
  };
}
