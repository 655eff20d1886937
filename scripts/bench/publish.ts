import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorker } from '../pack/worker.ts';
import { BUCKET, CREDENTIALS } from '../start/workerd.ts';
import { measure, measureMirror, type Usage } from './measure.ts';
import type { Place } from './row.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));

/** The bundled Worker, one file. */
export async function bundledWorker({ folder }: Place): Promise<string> {
  const file = join(folder, 'worker.mjs');
  await bundleWorker(PROJECT, file);
  return file;
}

/** Publishes a mirror into the bucket behind an S3 API. */
export const publishTo = (
  { environment }: Place,
  endpoint: string,
  directory: string,
  ...options: string[]
): Promise<Usage> =>
  measureMirror(['publish', directory, '--bucket', BUCKET, '--endpoint', endpoint, ...options], {
    ...environment,
    AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
  });

/** Has rclone bring the tree of a mirror into a bucket, below `tree/`. */
export const rcloneTo = (
  verb: 'copy' | 'sync',
  endpoint: string,
  directory: string,
  ...options: string[]
): Promise<Usage> =>
  measure('rclone', ['--config', '/dev/null', verb, directory, `r2:${BUCKET}/tree`, ...options], {
    AWS_CA_BUNDLE: '',
    RCLONE_CONFIG_R2_TYPE: 's3',
    RCLONE_CONFIG_R2_PROVIDER: 'Cloudflare',
    RCLONE_CONFIG_R2_ENDPOINT: endpoint,
    RCLONE_CONFIG_R2_REGION: 'auto',
    RCLONE_CONFIG_R2_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
    RCLONE_CONFIG_R2_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
    RCLONE_S3_NO_CHECK_BUCKET: 'true',
  });
