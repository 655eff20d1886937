import type { R2Bucket } from '@cloudflare/workers-types';
import { createApp } from './app.ts';
import { R2Store } from './r2-store.ts';
import { parseSettings, type SettingVariables } from './settings.ts';

/** What wrangler.toml binds. */
export interface Bindings extends SettingVariables {
  MIRROR: R2Bucket;
}

// One app an isolate: its snapshot and leaves are shared by all requests that the isolate serves.
let app: ReturnType<typeof createApp> | undefined;

export default {
  fetch(request: Request, bindings: Bindings): Response | Promise<Response> {
    app ??= createApp({
      store: new R2Store(bindings.MIRROR),
      settings: parseSettings(bindings),
      clock: () => new Date(),
      onError: (error, url) => console.error(url, error),
    });
    return app.fetch(request);
  },
};
