import { Hono } from 'hono';
import { isApiFile, isPackageJson } from '../../format/layout.ts';
import { KINDS } from '../../format/packages/kinds.ts';
import { encodePath } from '../../format/paths.ts';
import type { SnapshotEntry } from '../../format/snapshot/entry.ts';
import {
  type AppContext,
  type AppEnvironment,
  answer,
  clientBase,
  type Services,
  servedSnapshot,
  storageFor,
} from '../context.ts';
import { redirect } from '../document.ts';
import { CACHE_CONTROL } from '../http/caching.ts';
import { decodePath } from '../http/path.ts';
import type { Representation } from '../http/respond.ts';
import { isFolder } from '../listing.ts';
import type { LiveSnapshot } from '../live-snapshot.ts';
import { missingPath } from '../missing.ts';
import {
  fileRepresentation,
  lasting,
  negotiatedApi,
  packageJsonRepresentation,
  snapshotRepresentation,
} from '../representations.ts';

/** A content address. The segment after the digest is for people and download tools. */
const BLOB = /^(blobs\/sha256\/[^/]+)(?:\/[^/]*)?$/;

/** Folders whose files are counted apart, as routes. */
const FOLDERS = new Set([...KINDS.map(({ folder }) => folder), 'api', 'blobs', 'index', 'snapshot']);

/** Serves everything that the snapshot names: the tree, content addresses, and package JSON with its URLs here. */
export function treeRoutes(services: Services): Hono<AppEnvironment> {
  return new Hono<AppEnvironment>().get('*', async (context) => {
    const path = decodePath(context.req.path);
    const [folder = ''] = path.split('/', 1);
    if (FOLDERS.has(folder)) context.set('route', `/${folder}/*`);
    const live = await servedSnapshot(context, services);
    const representation = await find(context, services, live, path);
    if (representation) return answer(context, services, representation);
    // The links of a folder's page are relative to its own address, which has a slash at its end.
    if (await isFolder(live, path)) return redirect(`${services.base}/${encodePath(path)}/`);
    throw missingPath(path);
  });
}

async function find(
  context: AppContext,
  services: Services,
  live: LiveSnapshot,
  path: string,
): Promise<Representation | undefined> {
  if (path.startsWith('snapshot/')) {
    const document = snapshotRepresentation(services.store, live, path);
    return document && lasting(services, live, document);
  }
  const blob = BLOB.exec(path)?.[1];
  const entry = await live.find(blob ?? path);
  if (!entry) return undefined;
  const rule = blob === undefined ? undefined : CACHE_CONTROL.content;
  return lasting(services, live, await describe(context, services, live, entry, rule), entry.until);
}

async function describe(
  context: AppContext,
  services: Services,
  live: LiveSnapshot,
  entry: SnapshotEntry,
  rule: string | undefined,
): Promise<Representation> {
  const { store, clock } = services;
  const now = clock();
  const storage = storageFor(context, services, live);
  if (rule !== undefined) return fileRepresentation(storage, entry, now, rule);
  if (isPackageJson(entry.name) && context.req.query('raw') !== '1')
    return packageJsonRepresentation(store, entry, clientBase(context, services));
  if (isApiFile(entry.name)) return negotiatedApi(storage, live, entry, context.req.raw, now);
  return fileRepresentation(storage, entry, now);
}
