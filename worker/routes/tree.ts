import { Hono } from 'hono';
import { isApiFile, isPackageJson } from '../../format/layout.ts';
import { encodePath } from '../../format/paths.ts';
import {
  type AppContext,
  type AppEnvironment,
  answer,
  clientBase,
  type Services,
  servedSnapshot,
  storageFor,
} from '../context.ts';
import { CACHE_CONTROL } from '../http/caching.ts';
import { decodePath } from '../http/path.ts';
import type { Representation } from '../http/respond.ts';
import { isFolder } from '../listing.ts';
import type { LiveSnapshot } from '../live-snapshot.ts';
import { missingPath } from '../missing.ts';
import {
  fileRepresentation,
  negotiatedApi,
  packageJsonRepresentation,
  snapshotRepresentation,
} from '../representations.ts';

/** A content address. The segment after the digest is for people and download tools. */
const BLOB = /^(blobs\/sha256\/[^/]+)(?:\/[^/]*)?$/;

/** Serves everything that the snapshot names: the tree, content addresses, and package JSON with its URLs here. */
export function treeRoutes(services: Services): Hono<AppEnvironment> {
  return new Hono<AppEnvironment>().get('*', async (context) => {
    const path = decodePath(new URL(context.req.url).pathname);
    const live = await servedSnapshot(context, services);
    const representation = await find(context, services, live, path);
    if (representation) return answer(context, services, representation);
    if (await isFolder(live, path)) return toFolder(path);
    throw missingPath(path);
  });
}

async function find(
  context: AppContext,
  services: Services,
  live: LiveSnapshot,
  path: string,
): Promise<Representation | undefined> {
  const { store, settings, clock } = services;
  if (path.startsWith('snapshot/')) return snapshotRepresentation(store, live, path);
  const blob = BLOB.exec(path)?.[1];
  const entry = await live.find(blob ?? path);
  if (!entry) return undefined;
  const now = clock();
  const storage = storageFor(context, services, live);
  if (blob) return fileRepresentation(storage, entry, now, CACHE_CONTROL.content);
  if (isPackageJson(path) && context.req.query('raw') !== '1') {
    return packageJsonRepresentation(store, entry, clientBase(context, settings));
  }
  if (isApiFile(path)) return negotiatedApi(storage, live, entry, context.req.raw, now);
  return fileRepresentation(storage, entry, now);
}

/** Redirects to the folder's own address, which has a slash at its end: the links of its page are relative to that. */
const toFolder = (path: string): Response =>
  new Response(null, {
    status: 308,
    headers: {
      location: `/${encodePath(path)}/`,
      'cache-control': CACHE_CONTROL.never,
      'content-length': '0',
    },
  });
