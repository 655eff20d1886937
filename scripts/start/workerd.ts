import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { R2Bucket } from '@cloudflare/workers-types';
import { Miniflare } from 'miniflare';
import type { PlatformCache } from '../../worker/leaf-cache.ts';

/** Keys to the bucket of a Worker in workerd; they open nothing else. */
export const CREDENTIALS = { accessKeyId: 'test', secretAccessKey: 'test-only' };
/** Name of that bucket. */
export const BUCKET = 'mirror';

/** A Worker in workerd, with its bucket. */
export interface Workerd {
  origin: string;
  /** The bucket's S3 API. */
  endpoint: string;
  /** The bucket as the Worker sees it. */
  binding(): Promise<R2Bucket>;
  /** What Workers have as `caches.default`. */
  cache(): Promise<PlatformCache>;
  close(): Promise<void>;
}

/**
 * Starts a Worker that is one JavaScript module, with text variables and an empty bucket that is bound as MIRROR. Its
 * logs go to `onLog`.
 */
export async function startWorkerd(
  script: string,
  variables: Record<string, string>,
  onLog: (line: { level: string; message: string }) => void = () => undefined,
): Promise<Workerd> {
  const text = Object.entries(variables).map(([name, value]) => [name, { type: 'text' as const, value }]);
  const miniflare = new Miniflare({
    handleStructuredLogs: onLog,
    workers: [
      {
        config: {
          name: 'mirror',
          compatibilityDate: '2026-10-01',
          compatibilityFlags: ['nodejs_compat'],
          manifest: {
            mainModule: 'worker.mjs',
            modulesRoot: dirname(script),
            modules: { 'worker.mjs': { type: 'esm', contents: await readFile(script, 'utf8') } },
          },
          env: {
            ...Object.fromEntries(text),
            MIRROR: { type: 'r2', name: BUCKET, dev: { experimentalS3Credentials: CREDENTIALS } },
          },
        },
      },
    ],
  });
  const { origin } = await miniflare.ready;
  return {
    origin,
    endpoint: `${origin}/cdn-cgi/local/r2/s3`,
    binding: async () => (await miniflare.getR2Bucket('MIRROR')) as unknown as R2Bucket,
    cache: async () => (await miniflare.getCaches()).default as unknown as PlatformCache,
    close: () => miniflare.dispose(),
  };
}
