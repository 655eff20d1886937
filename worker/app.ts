import { Hono } from 'hono';
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
import type { MirrorStore } from './store.ts';
import { Verification } from './verification.ts';

export interface AppOptions {
  store: MirrorStore;
  settings: Settings;
  clock: () => Date;
  /** Told of each request once it is answered. */
  log?: (record: RequestRecord) => void;
}

/** A file of `routes/` each, asked in this order; the tree and what is not there come last. */
const ROUTES = [v2Routes, verifyRoutes, apiRoutes, configRoutes, statusRoutes, folderRoutes, treeRoutes];

/** The serving app, the same on Workers and on Node: a read-only mirror that sends nothing it cannot vouch for. */
export function createApp({ store, settings, clock, log }: AppOptions): Hono<AppEnvironment> {
  const services: Services = {
    store,
    settings,
    clock,
    snapshots: new LiveSnapshots(store, settings, clock),
    verification: new Verification(store, settings, clock),
  };
  const app = new Hono<AppEnvironment>();
  const warning = settings.trusted.length === 0 && settings.allowUnverified ? UNVERIFIED : undefined;
  app.use(observed(clock, log), finished(settings, warning), readOnly, admitted(settings));
  app.onError((error, context) => problemResponse(error, context.req.raw, context.get('requestId')));
  for (const routes of ROUTES) app.route('/', routes(services));
  return app;
}
