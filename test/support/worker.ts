import type { R2Bucket } from '@cloudflare/workers-types';
import { inject } from 'vitest';
import { Bucket } from '../../builder/bucket/bucket.ts';
import { type PublishOptions, type PublishSummary, publish } from '../../builder/publish.ts';
import { publicKeyLine } from '../../format/minisign/public-key.ts';
import { BUCKET, CREDENTIALS, startWorkerd } from '../../scripts/start/workerd.ts';
import type { PlatformCache } from '../../worker/leaf-cache.ts';
import { TEST_KEY } from './keys.ts';
import { SILENT } from './silent.ts';

export { BUCKET, CREDENTIALS };

/** Returns the bucket of a test Worker, over the S3 API at `origin`. */
export const bucketAt = (origin: string): Bucket =>
  new Bucket({ endpoint: `${origin}/cdn-cgi/local/r2/s3`, bucket: BUCKET, ...CREDENTIALS });

/** The Worker in workerd, with its bucket. */
export interface TestWorker {
  origin: string;
  /** The bucket over the S3 API, as publishers reach it. */
  bucket: Bucket;
  /** The bucket as the Worker sees it. */
  binding: R2Bucket;
  /** The cache of the data centre. */
  cache: PlatformCache;
  publish(directory: string, changes?: Partial<PublishOptions>): Promise<PublishSummary>;
  close(): Promise<void>;
}

/**
 * Starts the bundled Worker in workerd; `variables` override those of wrangler.toml, and what it logs goes to `onLog`.
 * Nobody reads it otherwise: refusals are what many tests provoke.
 */
export async function startTestWorker(
  variables: Record<string, string> = {},
  onLog: (line: { level: string; message: string }) => void = () => undefined,
): Promise<TestWorker> {
  const text = { TRUSTED_KEYS: publicKeyLine(TEST_KEY.publicKey), VERIFY_OPERATIONS: '900', ...variables };
  const { origin, binding, cache, close } = await startWorkerd(inject('workerBundle'), text, onLog);
  const bucket = bucketAt(origin);
  return {
    origin,
    bucket,
    binding: await binding(),
    cache: await cache(),
    publish: (directory, changes = {}) =>
      publish({
        directory,
        bucket,
        trusted: [TEST_KEY.publicKey],
        clock: () => new Date(),
        jobs: 8,
        reporter: SILENT,
        repair: false,
        skipVerify: false,
        dryRun: false,
        ...changes,
      }),
    close,
  };
}
