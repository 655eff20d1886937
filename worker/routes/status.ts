import { Hono } from 'hono';
import { stoutConfig } from '../../format/client-config.ts';
import { clientConfigOf } from '../client-config.ts';
import {
  type AppContext,
  type AppEnvironment,
  answer,
  originFor,
  type Services,
  servedSnapshot,
  warningOf,
} from '../context.ts';
import { documentOf } from '../document.ts';
import { preferredFormat } from '../http/accept.ts';
import { CACHE_CONTROL } from '../http/caching.ts';
import { packageList } from '../package-list.ts';
import { HTML } from '../pages/page.ts';
import { statusPage } from '../pages/status.ts';
import { keptSnapshots } from '../snapshot-history.ts';

/** What a private mirror's page shows in place of the credentials, which are nobody's to read over a shoulder. */
const PLACEHOLDER = 'USER:TOKEN@';

/** The status page, for browsers; for all others `/` is the top folder. */
export const statusRoutes = (services: Services): Hono<AppEnvironment> =>
  new Hono<AppEnvironment>().get('/', async (context, next) => {
    if (preferredFormat(context.req.header('accept') ?? null) !== 'html') return next();
    const page = await render(context, services);
    const { 'content-type': contentType, ...headers } = HTML;
    const cacheControl = CACHE_CONTROL.page;
    return answer(
      context,
      services,
      documentOf(page, { contentType, cacheControl, vary: 'accept', headers }),
    );
  });

async function render(context: AppContext, services: Services): Promise<string> {
  const { settings, store, clock, verification } = services;
  const live = await servedSnapshot(context, services);
  const origin = originFor(context, settings);
  const now = clock();
  const shown = settings.tokens.length > 0 ? origin.replace('://', `://${PLACEHOLDER}`) : origin;
  return statusPage({
    origin,
    clientOrigin: shown,
    now,
    root: live,
    verified: verification.recent(live.sha256),
    kept: await keptSnapshots(store, live, settings),
    packages: await packageList(store, live),
    view: { query: context.req.query('q') ?? '', page: Number(context.req.query('page') ?? 1) },
    stoutConfig: stoutConfig(clientConfigOf(live, shown, settings)),
    publicKeys: settings.trusted,
    warning: warningOf(live, now),
  });
}
