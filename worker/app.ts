import { Hono } from 'hono';
import { type AppEnvironment, type Services, UNVERIFIED } from './context.ts';
import { CACHE_CONTROL } from './http/caching.ts';
import { LiveSnapshots } from './live-snapshot.ts';
import { problemResponse } from './problem.ts';
import { apiRoutes } from './routes/api.ts';
import { pageRoutes } from './routes/pages.ts';
import { treeRoutes } from './routes/tree.ts';
import { v2Routes } from './routes/v2.ts';
import { verifyRoutes } from './routes/verify.ts';
import type { Settings } from './settings.ts';
import type { MirrorStore } from './store.ts';
import { Verification } from './verification.ts';

const METHODS = 'GET, HEAD, OPTIONS';

export interface AppOptions {
  store: MirrorStore;
  settings: Settings;
  clock: () => Date;
  /** Told of what was answered with 5xx, for the log. */
  onError?: (error: unknown, url: string) => void;
}

/** The serving app, the same on Workers and on Node: a read-only mirror that sends nothing it cannot vouch for. */
export function createApp({ store, settings, clock, onError }: AppOptions): Hono<AppEnvironment> {
  const services: Services = {
    store,
    settings,
    clock,
    snapshots: new LiveSnapshots(store, settings, clock),
    verification: new Verification(store, settings, clock),
  };
  const app = new Hono<AppEnvironment>();
  app.use(async (context, next) => {
    if (settings.trusted.length === 0 && settings.allowUnverified) context.set('warning', UNVERIFIED);
    await next();
    context.res = await withLength(context.res);
    const warning = context.get('warning');
    if (warning !== undefined) context.res.headers.set('mirror-warning', warning);
    context.res.headers.set('x-content-type-options', 'nosniff');
  });
  app.use(async (context, next) => {
    const { method } = context.req;
    if (method === 'GET' || method === 'HEAD') return next();
    const status = method === 'OPTIONS' ? 204 : 405;
    return new Response(null, { status, headers: { allow: METHODS, 'cache-control': CACHE_CONTROL.never } });
  });
  app.onError(async (error, context) => {
    const response = await problemResponse(error, context.req.raw);
    if (response.status >= 500) onError?.(error, context.req.url);
    return response;
  });
  for (const routes of [verifyRoutes, apiRoutes, v2Routes, pageRoutes, treeRoutes])
    app.route('/', routes(services));
  return app;
}

/** Documents made here are small: their length is told, so that HEAD can tell it too. */
async function withLength(response: Response): Promise<Response> {
  if (response.body === null || response.headers.has('content-length')) return response;
  const body = await response.arrayBuffer();
  const headers = new Headers(response.headers);
  headers.set('content-length', String(body.byteLength));
  return new Response(body, { status: response.status, headers });
}
