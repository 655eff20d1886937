import { Hono } from 'hono';
import { encodePath } from '../../format/paths.ts';
import { type AppEnvironment, answer, type Services, servedSnapshot } from '../context.ts';
import { documentOf, jsonDocument } from '../document.ts';
import { preferredFormat } from '../http/accept.ts';
import { CACHE_CONTROL } from '../http/caching.ts';
import { decodePath } from '../http/path.ts';
import type { Representation } from '../http/respond.ts';
import { type Listing, listFolder } from '../listing.ts';
import { missingPath } from '../missing.ts';
import { folderPage } from '../pages/folder.ts';
import { HTML } from '../pages/page.ts';

/** Names in a part, for people and for programs that know how to ask for the next. */
const PART = 1000;

/**
 * Every folder at its path with a slash at the end, from the signed snapshot. Not only browsers get HTML: tools that
 * fetch whole folders (wget, lftp, rclone) read the links of such a page. They follow none with a query, so they get
 * the folder in one part, as far as the operations of one call reach. JSON is for those who ask for it.
 */
export const folderRoutes = (services: Services): Hono<AppEnvironment> =>
  new Hono<AppEnvironment>().get('*', async (context, next) => {
    const { pathname } = new URL(context.req.url);
    if (!pathname.endsWith('/')) return next();
    const folder = decodePath(pathname);
    const live = await servedSnapshot(context, services);
    const format = preferredFormat(context.req.header('accept') ?? null);
    const limits = {
      entries: format === 'html' || format === 'json' ? PART : Number.POSITIVE_INFINITY,
      leaves: services.settings.verifyOperations,
    };
    const listing = await listFolder(live, folder, limits, context.req.query('cursor'));
    if (!listing) throw missingPath(folder);
    const { version } = live.snapshot;
    return answer(
      context,
      services,
      format === 'json' ? jsonListing(listing, version) : await page(listing, version),
    );
  });

const OPTIONS = { cacheControl: CACHE_CONTROL.page, vary: 'accept' };

function jsonListing({ folder, entries, next }: Listing, snapshot: number): Representation {
  return jsonDocument({ path: `/${encodePath(folder)}`, snapshot, entries, cursor: next ?? null }, OPTIONS);
}

async function page(listing: Listing, snapshot: number): Promise<Representation> {
  const { 'content-type': contentType, ...headers } = HTML;
  return documentOf(await folderPage(listing, snapshot), { contentType, headers, ...OPTIONS });
}
