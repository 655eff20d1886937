import { Hono, type MiddlewareHandler } from 'hono';
import { MirrorError, messageOf } from '../format/errors.ts';
import type { MirrorStore } from '../format/store.ts';
import { type AppEnvironment, type Services, UNVERIFIED } from './context.ts';
import { Findings } from './findings.ts';
import { LiveSnapshots } from './live-snapshot.ts';
import { admitted, encrypted, finished, observed, readOnly } from './middleware.ts';
import { Fetching } from './on-demand/fetching.ts';
import type { AskSource } from './on-demand/source.ts';
import { type Advice, problemResponse } from './problem.ts';
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
  /** Asks the sources of files on demand. Without it, or if the store keeps nothing, nothing is fetched. */
  ask?: AskSource | undefined;
  /** Called after each response. */
  log?: ((record: RequestRecord) => void) | undefined;
  /** What to do about errors, where the app does not run as a Worker. */
  advice?: Advice | undefined;
}

/** One file of `routes/` each, in the order in which they match. The tree, and what it does not have, comes last. */
const ROUTES = [v2Routes, verifyRoutes, apiRoutes, configRoutes, statusRoutes, folderRoutes, treeRoutes];

/** Makes the serving app, the same on Workers and on Node: a read-only mirror that sends nothing unverified. */
export function createApp({ store, settings, clock, ask, log, advice }: AppOptions): Hono<AppEnvironment> {
  const findings = new Findings(clock);
  const services: Services = {
    store,
    settings,
    clock,
    findings,
    snapshots: new LiveSnapshots(store, settings, clock),
    verification: new Verification(store, settings, clock, findings),
    fetching: ask && store.keep ? new Fetching(store, ask, clock) : undefined,
  };
  const warning = settings.trusted.length === 0 && settings.allowUnverified ? UNVERIFIED : undefined;
  const app = emptyApp({ clock, log, advice }, finished(settings, clock, warning), (error) =>
    findings.noteError(error),
  );
  if (settings.tokens.length > 0) app.use(encrypted(settings), admitted(settings));
  for (const routes of ROUTES) app.route('/', routes(services));
  return app;
}

/** Makes the app of a server with an invalid configuration: nothing is served, and every response says why. */
export function createUnconfiguredApp(
  fault: unknown,
  observer: Pick<AppOptions, 'clock' | 'log'>,
): Hono<AppEnvironment> {
  const { where, expected, found } = fault instanceof MirrorError ? fault : {};
  return emptyApp(observer, finished({ tokens: [], encryption: 'here' }, observer.clock)).all('*', () => {
    throw new MirrorError('refused', messageOf(fault), { where, expected, found, cause: fault });
  });
}

/** Makes an app without routes, but with all that every response has. */
function emptyApp(
  { clock, log, advice }: Pick<AppOptions, 'clock' | 'log' | 'advice'>,
  headers: MiddlewareHandler<AppEnvironment>,
  note: (error: unknown) => void = () => undefined,
): Hono<AppEnvironment> {
  const app = new Hono<AppEnvironment>();
  app.use(observed(clock, log), headers, readOnly);
  app.onError((error, context) => {
    note(error);
    return problemResponse(error, context.req.raw, context.get('requestId'), advice);
  });
  return app;
}
