import type { AnalyticsEngineDataset, ExecutionContext, R2Bucket } from '@cloudflare/workers-types';
import { MirrorError } from '../format/errors.ts';
import { writeDataPoint } from './analytics.ts';
import { createApp, createUnconfiguredApp } from './app.ts';
import { LeafCache, type PlatformCache } from './leaf-cache.ts';
import type { AskSource } from './on-demand/source.ts';
import { isFault } from './problem.ts';
import { R2Store } from './r2-store.ts';
import type { RequestRecord } from './request-log.ts';
import { parseSettings, type Settings, type SettingVariables } from './settings.ts';
import { warmUp } from './warm-up.ts';

/** Of the platform. */
declare const caches: { default: PlatformCache };

/** The bindings of wrangler.toml. */
export interface Bindings extends SettingVariables {
  /** May be missing: environments do not inherit it. */
  MIRROR?: R2Bucket;
  /** Where figures about requests go, if anywhere. */
  METRICS?: AnalyticsEngineDataset;
}

// It only saves time. Nobody waits for it, but no request comes before all of it has run, because nothing in it is asynchronous.
void warmUp().catch(() => undefined);

// One app for each isolate: all its requests share the snapshot and the leaves.
let app: ReturnType<typeof createApp> | undefined;
let leafCache: LeafCache | undefined;

export default {
  fetch(request: Request, bindings: Bindings, context: ExecutionContext): Promise<Response> {
    app ??= appFor(bindings, request);
    const response = Promise.resolve(app.fetch(request));
    // Other requests may wait for what this one has begun to read: it continues when its client hangs up.
    context.waitUntil(response.catch(() => undefined).then(() => leafCache?.settled()));
    return response;
  },
};

/** When a variable is invalid, or the bucket is not bound, nothing is served, and every response says why. */
function appFor(bindings: Bindings, request: Request): ReturnType<typeof createApp> {
  const clock = (): Date => new Date();
  const { METRICS } = bindings;
  const log = (record: RequestRecord, request: Request): void => {
    writeLine(record);
    if (METRICS) writeDataPoint(METRICS, record, request);
  };
  try {
    const [store, settings] = [storeOf(bindings), parseSettings(bindings)];
    leafCache = leafCacheFor(settings, request);
    return createApp({ store, settings, clock, ask, log, leafCache });
  } catch (fault) {
    return createUnconfiguredApp(fault, { clock, log });
  }
}

/** Returns where leaves may be besides storage. What a private mirror lists stays out of a cache that others might read. */
function leafCacheFor({ tokens, publicUrl }: Settings, { url }: Request): LeafCache | undefined {
  if (tokens.length > 0) return undefined;
  try {
    return new LeafCache(caches.default, publicUrl ?? new URL(url).origin);
  } catch {
    // A platform without this cache.
    return undefined;
  }
}

const ask: AskSource = (url, headers, signal) => fetch(url, { headers, signal, redirect: 'manual' });

function storeOf({ MIRROR }: Bindings): R2Store {
  if (MIRROR) return new R2Store(MIRROR);
  throw new MirrorError('refused', 'This Worker has no bucket: bind one as MIRROR in wrangler.toml.', {
    where: 'MIRROR',
  });
}

/** Writes one line of JSON for each request. */
function writeLine(record: RequestRecord): void {
  const line = JSON.stringify(record);
  if (isFault(record.status)) console.error(line);
  else console.log(line);
}
