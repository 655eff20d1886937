import type { ExecutionContext, R2Bucket } from '@cloudflare/workers-types';
import { MirrorError, messageOf } from '../format/errors.ts';
import { createApp } from './app.ts';
import { problemResponse } from './problem.ts';
import { R2Store } from './r2-store.ts';
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
      log(error, request.url);
      return problemResponse(new MirrorError('refused', messageOf(error)), request);
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
    onError: log,
  });

/** One line that can be searched by its fields. */
function log(error: unknown, url: string): void {
  const known = error instanceof MirrorError ? error : undefined;
  const { code, where, expected, found } = known ?? {};
  const stack = known ? undefined : error instanceof Error ? error.stack : undefined;
  console.error(JSON.stringify({ url, message: messageOf(error), code, where, expected, found, stack }));
}
