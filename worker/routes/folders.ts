import { Hono } from 'hono';
import { encodePath } from '../../format/paths.ts';
import { type AppEnvironment, answer, type Services, servedSnapshot } from '../context.ts';
import { jsonDocument, pageDocument } from '../document.ts';
import { preferredFormat } from '../http/accept.ts';
import { decodePath } from '../http/path.ts';
import type { Representation } from '../http/respond.ts';
import { type Listing, listFolder } from '../listing.ts';
import { missingPath } from '../missing.ts';
import { folderPage } from '../pages/folder.ts';

/** Names in one part, for people and for programs that can ask for the next. */
const PART = 1000;

/**
 * Serves every folder, from the signed snapshot, at its path with a slash at the end. Not only browsers get HTML: tools
 * that fetch whole folders (wget, lftp, rclone) read the links of such a page. They follow no link with a query, so they
 * get the folder in one part, as far as the operations of one call allow. JSON is for clients that ask for it.
 */
export const folderRoutes = (services: Services): Hono<AppEnvironment> =>
  new Hono<AppEnvironment>().get('*', async (context, next) => {
    const { pathname } = new URL(context.req.url);
    if (!pathname.endsWith('/')) return next();
    const folder = decodePath(pathname);
    const live = await servedSnapshot(context, services);
    const format = preferredFormat(context.req.header('accept'));
    const limits = {
      entries: format === 'html' || format === 'json' ? PART : Number.POSITIVE_INFINITY,
      leaves: services.settings.verifyOperations,
    };
    const listing = await listFolder(live, folder, limits, context.req.query('cursor'));
    if (!listing) throw missingPath(folder);
    const { version } = live.snapshot;
    if (format === 'json') return answer(context, services, jsonListing(listing, version));
    return answer(context, services, pageDocument(await folderPage(listing, version)));
  });

const jsonListing = ({ folder, entries, next }: Listing, snapshot: number): Representation =>
  jsonDocument(
    { path: `/${encodePath(folder)}`, snapshot, entries, cursor: next ?? null },
    { vary: 'accept' },
  );
