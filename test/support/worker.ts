import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { R2Bucket } from '@cloudflare/workers-types';
import { Miniflare } from 'miniflare';
import { inject } from 'vitest';
import { Bucket } from '../../builder/publish/bucket.ts';
import { type PublishOptions, type PublishSummary, publish } from '../../builder/publish/publish.ts';
import { publicKeyLine } from '../../format/minisign/public-key.ts';
import { TEST_KEY } from './keys.ts';
import { SILENT } from './silent.ts';

/** Keys to the bucket of a test Worker. */
export const CREDENTIALS = { accessKeyId: 'test', secretAccessKey: 'test-only' };
/** Name of a test Worker's bucket. */
export const BUCKET = 'mirror';

/** The bucket of a test Worker by the S3 API that stands at `origin`. */
export const bucketAt = (origin: string): Bucket =>
  new Bucket({ endpoint: `${origin}/cdn-cgi/local/r2/s3`, bucket: BUCKET, ...CREDENTIALS });

/** The Worker in workerd with a bucket of its own. */
export interface TestWorker {
  origin: string;
  /** The bucket over the S3 API, as publishers reach it. */
  bucket: Bucket;
  /** The bucket as the Worker sees it. */
  binding: R2Bucket;
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
  const path = inject('workerBundle');
  const text = { TRUSTED_KEYS: publicKeyLine(TEST_KEY.publicKey), VERIFY_OPERATIONS: '900', ...variables };
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
            modulesRoot: dirname(path),
            modules: { 'worker.mjs': { type: 'esm', contents: await readFile(path, 'utf8') } },
          },
          env: {
            ...Object.fromEntries(
              Object.entries(text).map(([name, value]) => [name, { type: 'text', value }]),
            ),
            MIRROR: { type: 'r2', name: BUCKET, dev: { experimentalS3Credentials: CREDENTIALS } },
          },
        },
      },
    ],
  });
  const origin = (await miniflare.ready).origin;
  const bucket = new Bucket({ endpoint: `${origin}/cdn-cgi/local/r2/s3`, bucket: BUCKET, ...CREDENTIALS });
  return {
    origin,
    bucket,
    binding: (await miniflare.getR2Bucket('MIRROR')) as unknown as R2Bucket,
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
    close: () => miniflare.dispose(),
  };
}
