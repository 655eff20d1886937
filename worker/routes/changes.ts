import { Hono } from 'hono';
import { NO_CHANGES } from '../../format/changes.ts';
import { MirrorError } from '../../format/errors.ts';
import { CHANGES } from '../../format/layout.ts';
import { changesPage, MAX_ROWS, MAX_SHOWN } from '../../pages/changes.ts';
import { changesFeed, MAX_ENTRIES } from '../../pages/feed.ts';
import { changesOf } from '../changes-document.ts';
import {
  type AppContext,
  type AppEnvironment,
  answer,
  originFor,
  type Services,
  servedSnapshot,
  warningOf,
} from '../context.ts';
import { documentOf, jsonDocument, pageDocument, redirect } from '../document.ts';
import { preferredFormat } from '../http/accept.ts';
import type { Representation } from '../http/respond.ts';
import type { LiveSnapshot } from '../live-snapshot.ts';
import { fileRepresentation } from '../representations.ts';

/** Packages that the feed names, before it goes no further back. */
const MAX_NAMES = 1000;

/** Serves what changed from snapshot to snapshot: a page for browsers, a feed, and for all others the signed file. */
export const changesRoutes = (services: Services): Hono<AppEnvironment> =>
  new Hono<AppEnvironment>()
    .get('/changes', async (context) => {
      const live = await servedSnapshot(context, services);
      const isHtml = preferredFormat(context.req.header('accept')) === 'html';
      const found = isHtml ? await pageOf(context, services, live) : await fileOf(services, live);
      return answer(context, services, { ...found, vary: 'accept' });
    })
    .get('/changes/', () => redirect(`${services.base}/changes`))
    .get('/changes.atom', async (context) => {
      const live = await servedSnapshot(context, services);
      const snapshots = await changesOf(services, live, { snapshots: MAX_ENTRIES, packages: MAX_NAMES });
      const { mirror, created_at } = live.snapshot;
      const { base } = services;
      const url = originFor(context, services) + base;
      const feed = await changesFeed({ url, base, mirror, created_at, snapshots });
      return answer(context, services, documentOf(feed, 'application/atom+xml; charset=utf-8'));
    });

async function pageOf(context: AppContext, services: Services, live: LiveSnapshot): Promise<Representation> {
  const from = versionOf(context.req.query('from'));
  // One more than a page shows: the next page begins with it.
  const snapshots = await changesOf(services, live, { from, snapshots: MAX_SHOWN + 1, packages: MAX_ROWS });
  const warning = warningOf(live, services.clock());
  return pageDocument(await changesPage({ base: services.base, snapshots, from, warning }));
}

async function fileOf(services: Services, live: LiveSnapshot): Promise<Representation> {
  const entry = await live.find(CHANGES);
  return entry ? fileRepresentation(services, entry, services.clock()) : jsonDocument(NO_CHANGES);
}

function versionOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new MirrorError('bad-input', 'The parameter from must be the version of a snapshot.', {
    expected: 'a whole number',
    found: text.slice(0, 80),
  });
}
