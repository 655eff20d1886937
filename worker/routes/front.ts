import { Hono } from 'hono';
import { type FrontInput, frontPage } from '../../pages/front.ts';
import { parseQuery, type Results, resultsOf } from '../../pages/results.ts';
import {
  type AppContext,
  type AppEnvironment,
  answer,
  originFor,
  type Services,
  servedSnapshot,
  shownBase,
  stoutConfigFor,
  warningOf,
} from '../context.ts';
import { pageDocument } from '../document.ts';
import { preferredFormat } from '../http/accept.ts';
import type { LiveSnapshot } from '../live-snapshot.ts';
import { newestChanges, packageList, packageSummary } from '../package-list.ts';
import { shownPolicy } from '../policy-document.ts';
import { keptSnapshots, liveKept } from '../snapshot-history.ts';
import { blamingStorage } from '../storage-check.ts';

/** Serves the front page to browsers, with what is searched for. For all other clients, and with `?files`, `/` is the top folder. */
export const frontRoutes = (services: Services): Hono<AppEnvironment> =>
  new Hono<AppEnvironment>().get('/', async (context, next) => {
    const isFolder = context.req.query('files') !== undefined;
    if (isFolder || preferredFormat(context.req.header('accept')) !== 'html') return next();
    return answer(context, services, pageDocument(await render(context, services)));
  });

async function render(context: AppContext, services: Services): Promise<string> {
  const { settings, clock, base, verification, findings, fetching } = services;
  const live = await servedSnapshot(context, services);
  const origin = originFor(context, services);
  const now = clock();
  const shown = shownBase(context, services);
  return frontPage({
    ...(await shownOf(context, services, live)),
    ...{ origin, base, now },
    clientOrigin: shown,
    root: live,
    live: 'channel' in services.snapshots.which ? liveKept(live) : undefined,
    files: { verified: verification.last(live.sha256), faults: findings.faults, weak: findings.weak },
    fetched: fetching?.counts,
    stoutConfig: stoutConfigFor(live, shown, settings),
    publicKeys: settings.trusted,
    warning: warningOf(live, now),
  });
}

/** Reads what the page shows: results, or all that there is beside the search. */
async function shownOf(
  context: AppContext,
  services: Services,
  live: LiveSnapshot,
): Promise<Pick<FrontInput, 'kept' | 'summary' | 'results' | 'latest' | 'policy'>> {
  if (isSearch(context)) {
    const [results, summary] = await Promise.all([
      searched(context, services, live),
      packageSummary(services, live),
    ]);
    return { results, summary, kept: [], latest: undefined, policy: undefined };
  }
  const [kept, summary, latest, policy] = await Promise.all([
    keptSnapshots(services, live),
    packageSummary(services, live),
    newestChanges(services, live),
    shownPolicy(services, live),
  ]);
  return { results: undefined, kept, summary, latest, policy };
}

const isSearch = ({ req }: AppContext): boolean =>
  req.query('q') !== undefined || req.query('page') !== undefined;

/** Returns the packages that match `q`, all of them if it is empty. Throws `bad-input` for a query that is too long. */
async function searched(context: AppContext, services: Services, live: LiveSnapshot): Promise<Results> {
  const { q = '', page = '1' } = context.req.query();
  const query = parseQuery(q);
  const list = await packageList(services, live);
  return blamingStorage(() => resultsOf(list, query, Number(page)));
}
