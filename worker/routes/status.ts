import { Hono } from 'hono';
import {
  type AppContext,
  type AppEnvironment,
  answer,
  originFor,
  type Services,
  servedSnapshot,
  stoutConfigFor,
  warningOf,
} from '../context.ts';
import { pageDocument } from '../document.ts';
import { preferredFormat } from '../http/accept.ts';
import { packageList } from '../package-list.ts';
import { statusPage } from '../pages/status.ts';
import { shownPolicy } from '../policy-document.ts';
import { keptSnapshots } from '../snapshot-history.ts';

/** Shown on a private mirror's page in place of the credentials, which nobody should read over a shoulder. */
const PLACEHOLDER = 'USER:TOKEN@';

/** Serves the status page to browsers. For all other clients `/` is the top folder. */
export const statusRoutes = (services: Services): Hono<AppEnvironment> =>
  new Hono<AppEnvironment>().get('/', async (context, next) => {
    if (preferredFormat(context.req.header('accept')) !== 'html') return next();
    return answer(context, services, pageDocument(await render(context, services)));
  });

async function render(context: AppContext, services: Services): Promise<string> {
  const { settings, clock, verification, findings, fetching } = services;
  const live = await servedSnapshot(context, services);
  const origin = originFor(context, settings);
  const now = clock();
  const shown = settings.tokens.length > 0 ? origin.replace('://', `://${PLACEHOLDER}`) : origin;
  return statusPage({
    origin,
    clientOrigin: shown,
    now,
    root: live,
    kept: await keptSnapshots(services, live),
    packages: await packageList(services, live),
    policy: await shownPolicy(services, live),
    files: { verified: verification.last(live.sha256), faults: findings.faults, weak: findings.weak },
    fetched: fetching?.counts,
    view: { query: context.req.query('q') ?? '', page: Number(context.req.query('page') ?? 1) },
    stoutConfig: stoutConfigFor(live, shown, settings),
    publicKeys: settings.trusted,
    warning: warningOf(live, now),
  });
}
