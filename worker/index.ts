import type { ExecutionContext, R2Bucket } from '@cloudflare/workers-types';
import { MirrorError, messageOf } from '../format/errors.ts';
import { createApp } from './app.ts';
import { problemResponse } from './problem.ts';
import { R2Store } from './r2-store.ts';
import { faultOf, type RequestRecord, requestIdOf } from './request-log.ts';
import { parseSettings, type SettingVariables } from './settings.ts';

/** What wrangler.toml binds. */
export interface Bindings extends SettingVariables {
  MIRROR: R2Bucket;
}

// One app an isolate: its snapshot and leaves are shared by all requests that the isolate serves.
let app: ReturnType<typeof createApp> | undefined;

export default {
  async fetch(request: Request, bindings: Bindings, context: ExecutionContext): Promise<Response> {
    try {
      app ??= appFor(bindings);
    } catch (error) {
      return notConfigured(error, request);
    }
    const response = Promise.resolve(app.fetch(request));
    // Others may wait for what this request has begun to read: it goes on when its client hangs up.
    context.waitUntil(response.catch(() => undefined));
    return response;
  },
};

const appFor = (bindings: Bindings): ReturnType<typeof createApp> =>
  createApp({
    store: new R2Store(bindings.MIRROR),
    settings: parseSettings(bindings),
    clock: () => new Date(),
    log,
  });

/** A variable that cannot be read: nothing is served, and the answer says which one. */
function notConfigured(error: unknown, request: Request): Promise<Response> {
  const { method, url, headers } = request;
  const requestId = requestIdOf(headers);
  const { pathname, search } = new URL(url);
  log({ request_id: requestId, method, path: pathname + search, status: 503, ms: 0, ...faultOf(error) });
  return problemResponse(new MirrorError('refused', messageOf(error)), request, requestId);
}

/** One line of JSON for each request. */
function log(record: RequestRecord): void {
  const line = JSON.stringify(record);
  if (record.status >= 500) console.error(line);
  else console.log(line);
}
