import { Hono } from 'hono';
import { badge } from '../../pages/badge.ts';
import { freshnessOf } from '../../pages/freshness.ts';
import { type AppEnvironment, answer, type Services, warningOf } from '../context.ts';
import { documentOf } from '../document.ts';
import { CACHE_CONTROL, keptAtMost } from '../http/caching.ts';

/** Serves an image that says how fresh this mirror is, also when it serves nothing else because its snapshot has expired. */
export const badgeRoutes = (services: Services): Hono<AppEnvironment> =>
  new Hono<AppEnvironment>().get('/badge.svg', async (context) => {
    const live = await services.snapshots.current();
    const now = services.clock();
    context.set('snapshot', live.snapshot.version);
    const warning = warningOf(live, now);
    if (warning !== undefined) context.set('warning', warning);
    const { freshness, until } = freshnessOf(live, now);
    const cacheControl = keptAtMost(CACHE_CONTROL.badge, (until - now.getTime()) / 1000);
    return answer(context, services, {
      ...documentOf(badge(freshness), 'image/svg+xml; charset=utf-8'),
      cacheControl,
    });
  });
