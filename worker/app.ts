import { Hono } from 'hono';
import { TrieRouter } from 'hono/router/trie-router';
import { MirrorError, messageOf } from '../format/errors.ts';
import type { MirrorStore } from '../format/store.ts';
import { type AppEnvironment, type Services, UNVERIFIED } from './context.ts';
import { pathnameOf, withoutNeedlessEscapes } from './http/path.ts';
import type { LeafCache } from './leaf-cache.ts';
import type { LiveSnapshot } from './live-snapshot.ts';
import { admitted, encrypted, type Observing, observed, readOnly } from './middleware.ts';
import { Fetching } from './on-demand/fetching.ts';
import type { AskSource } from './on-demand/source.ts';
import { type Place, splitPath } from './place.ts';
import { Places } from './places.ts';
import { type Advice, problemResponse } from './problem.ts';
import type { RequestRecord } from './request-log.ts';
import { apiRoutes } from './routes/api.ts';
import { badgeRoutes } from './routes/badge.ts';
import { changesRoutes } from './routes/changes.ts';
import { configRoutes } from './routes/config.ts';
import { folderRoutes } from './routes/folders.ts';
import { frontRoutes } from './routes/front.ts';
import { packageRoutes } from './routes/packages.ts';
import { bareRoutes, placeRoutes } from './routes/places.ts';
import { treeRoutes } from './routes/tree.ts';
import { v2Routes } from './routes/v2.ts';
import { verifyRoutes } from './routes/verify.ts';
import type { Settings } from './settings.ts';

export interface AppOptions {
  store: MirrorStore;
  settings: Settings;
  clock: () => Date;
  /** Asks the sources of files on demand. Without it, or if the store keeps nothing, nothing is fetched. */
  ask?: AskSource | undefined;
  /** Where leaves may be besides the store. */
  leafCache?: LeafCache | undefined;
  /** Called with each request once its response is ready to be sent. */
  log?: ((record: RequestRecord, request: Request) => void) | undefined;
  /** What to do about errors, where the app does not run as a Worker. */
  advice?: Advice | undefined;
}

/** One file of `routes/` each, in the order in which they match. The tree, and what it does not have, comes last. */
const ROUTES = [
  ...[v2Routes, verifyRoutes, apiRoutes, packageRoutes, changesRoutes, badgeRoutes, configRoutes],
  ...[frontRoutes, folderRoutes, treeRoutes],
];

/** What answers requests, as Hono's apps do. */
export interface App {
  fetch(request: Request): Response | Promise<Response>;
  /** Answers a request for a target at any host. */
  request(target: string | Request, init?: RequestInit): Response | Promise<Response>;
}

/** The serving app, and what its operator wants to know of all its places. */
export interface Mirror {
  app: App;
  /** Returns how many files were found not to be as signed in the last hour; one that several places list counts in each. */
  faults(): number;
}

/** Makes the app of {@link createMirror} alone. */
export const createApp = (options: AppOptions): App => createMirror(options).app;

/**
 * Makes the serving app, the same on Workers and on Node: a read-only mirror that sends nothing unverified. The root, each channel
 * and each kept snapshot is answered by an app that sees paths without those of its place.
 */
export function createMirror(options: AppOptions): Mirror {
  const { store, clock, settings, ask, leafCache } = options;
  const fetching = ask && store.keep ? new Fetching(store, ask, clock) : undefined;
  const places = new Places({ store, settings, clock, fetching, leafCache }, (services) => {
    const liveAt = (place: Place): Promise<LiveSnapshot> =>
      places.ask(place, (placed) => placed.services.snapshots.current());
    const own = services.base === '' ? placeRoutes(services, liveAt) : bareRoutes(services);
    return placeApp(options, services, [own, ...ROUTES.map((routes) => routes(services))]);
  });
  const fetch = (request: Request): Promise<Response> => {
    const { rest: path, ...place } = splitPath(withoutNeedlessEscapes(pathnameOf(request)));
    return places.ask(place, (placed) => placed.app.fetch(request, { path }));
  };
  const request = (target: string | Request, init?: RequestInit): Promise<Response> =>
    fetch(target instanceof Request ? target : new Request(new URL(target, 'http://localhost'), init));
  return { app: { fetch, request }, faults: () => places.faults };
}

/** Makes the app of one place. */
function placeApp(
  { settings, clock, log, advice }: AppOptions,
  { findings, base }: Services,
  routes: readonly Hono<AppEnvironment>[],
): Hono<AppEnvironment> {
  const warning = settings.trusted.length === 0 && settings.allowUnverified ? UNVERIFIED : undefined;
  const app = emptyApp({ settings, clock, warning, log }, { advice, base }, (error) =>
    findings.noteError(error),
  );
  if (settings.tokens.length > 0) app.use(encrypted(settings), admitted(settings));
  for (const some of routes) app.route('/', some);
  return app;
}

/** Makes the app of a server with an invalid configuration: nothing is served, and every response says why. */
export function createUnconfiguredApp(
  fault: unknown,
  observer: Pick<AppOptions, 'clock' | 'log'>,
): Hono<AppEnvironment> {
  const { where, expected, found } = fault instanceof MirrorError ? fault : {};
  return emptyApp({ ...observer, settings: { tokens: [], encryption: 'here' } }).all('*', () => {
    throw new MirrorError('refused', messageOf(fault), { where, expected, found, cause: fault });
  });
}

/** Makes an app without routes, but with all that every response has. */
function emptyApp(
  observing: Observing,
  { advice, base }: Pick<AppOptions, 'advice'> & Partial<Pick<Services, 'base'>> = {},
  note: (error: unknown) => void = () => undefined,
): Hono<AppEnvironment> {
  const app = new Hono<AppEnvironment>({
    // The others build a table of all routes for the first request, which costs a cold isolate more than it ever saves.
    router: new TrieRouter(),
    getPath: ({ url }, options) => options?.env?.path ?? pathnameOf({ url }),
  });
  app.use(observed(observing), readOnly);
  app.onError((error, context) => {
    note(error);
    return problemResponse(error, context.req.raw, context.get('requestId'), advice, base);
  });
  return app;
}
