import { Hono, type MiddlewareHandler } from 'hono';
import { MirrorError, messageOf } from '../format/errors.ts';
import type { MirrorStore } from '../format/store.ts';
import { type AppEnvironment, type Services, UNVERIFIED } from './context.ts';
import { LiveSnapshots } from './live-snapshot.ts';
import { admitted, finished, observed, readOnly } from './middleware.ts';
import { problemResponse } from './problem.ts';
import type { RequestRecord } from './request-log.ts';
import { apiRoutes } from './routes/api.ts';
import { configRoutes } from './routes/config.ts';
import { folderRoutes } from './routes/folders.ts';
import { statusRoutes } from './routes/status.ts';
import { treeRoutes } from './routes/tree.ts';
import { v2Routes } from './routes/v2.ts';
import { verifyRoutes } from './routes/verify.ts';
import type { Settings } from './settings.ts';
import { Verification } from './verification.ts';

export interface AppOptions {
  store: MirrorStore;
  settings: Settings;
  clock: () => Date;
  /** Called after each response. */
  log?: ((record: RequestRecord) => void) | undefined;
}

/** One file of `routes/` each, in the order in which they match. The tree, and what it does not have, comes last. */
const ROUTES = [v2Routes, verifyRoutes, apiRoutes, configRoutes, statusRoutes, folderRoutes, treeRoutes];

/** Makes the serving app, the same on Workers and on Node: a read-only mirror that sends nothing unverified. */
export function createApp({ store, settings, clock, log }: AppOptions): Hono<AppEnvironment> {
  const services: Services = {
    store,
    settings,
    clock,
    snapshots: new LiveSnapshots(store, settings, clock),
    verification: new Verification(store, settings, clock),
  };
  const warning = settings.trusted.length === 0 && settings.allowUnverified ? UNVERIFIED : undefined;
  const app = emptyApp({ clock, log }, finished(settings, clock, warning));
  app.use(admitted(settings));
  for (const routes of ROUTES) app.route('/', routes(services));
  return app;
}

/** Makes the app of a server with an invalid configuration: nothing is served, and every response says why. */
export function createUnconfiguredApp(
  fault: unknown,
  observer: Pick<AppOptions, 'clock' | 'log'>,
): Hono<AppEnvironment> {
  const { where, expected, found } = fault instanceof MirrorError ? fault : {};
  return emptyApp(observer, finished({ tokens: [] }, observer.clock)).all('*', () => {
    throw new MirrorError('refused', messageOf(fault), { where, expected, found, cause: fault });
  });
}

/** Makes an app without routes, but with all that every response has. */
function emptyApp(
  { clock, log }: Pick<AppOptions, 'clock' | 'log'>,
  headers: MiddlewareHandler<AppEnvironment>,
): Hono<AppEnvironment> {
  const app = new Hono<AppEnvironment>();
  app.use(observed(clock, log), headers, readOnly);
  app.onError((error, context) => problemResponse(error, context.req.raw, context.get('requestId')));
  return app;
}
