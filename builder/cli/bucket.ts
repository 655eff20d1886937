import { type Command, Option } from 'commander';
import { MirrorError } from '../../format/errors.ts';
import type { Bucket } from '../bucket/bucket.ts';
import type { BucketOptions } from '../bucket/credentials.ts';
import type { MirrorUrl } from '../verify/mirror-url.ts';
import { mirrorUrlArgument, numberOption, originArgument } from './options.ts';
import { type Session, STOPPED } from './session.ts';

/** What every verb that works on a bucket takes. */
export interface BucketVerbOptions extends BucketOptions {
  jobs: number;
}

/** Where the keys to a bucket come from, for descriptions. */
export const KEYS_FROM =
  'Keys to the bucket come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, from R2_ACCESS_KEY_ID ' +
  'and R2_SECRET_ACCESS_KEY, or from a profile of ~/.aws (AWS_PROFILE).';

/** Adds the options that say which bucket is meant. */
export const withBucketOptions = (command: Command): Command =>
  command
    .requiredOption('--bucket <name>', 'the bucket')
    .option('--account <id>', 'Cloudflare account of an R2 bucket (default: CLOUDFLARE_ACCOUNT_ID)')
    .option('--endpoint <url>', 'S3 endpoint, where it is not R2 (default: AWS_ENDPOINT_URL_S3)')
    .addOption(numberOption('--jobs <n>', 'requests at a time', 1, 64).default(8));

/** `--url`, the scheme and host of the Worker over a bucket, with the credentials of a private one. */
export const edgeOption = (): Option =>
  new Option(
    '--url <edge>',
    'address of the Worker, which then verifies the snapshot before it goes live; ' +
      'of a private one https://user:TOKEN@host',
  ).argParser(edgeArgument);

function edgeArgument(text: string): MirrorUrl {
  const edge = mirrorUrlArgument(text);
  originArgument(edge.base);
  return edge;
}

/** The bucket that the options mean. Throws `usage`. */
export async function openBucket(options: BucketOptions, { environment }: Session): Promise<Bucket> {
  const { Bucket } = await import('../bucket/bucket.ts');
  const { bucketAddress } = await import('../bucket/credentials.ts');
  return new Bucket(await bucketAddress(options, environment));
}

/** Aborted when the user asks to stop, so that the work ends in order and the lease is given back. */
export function whenStopped({ untilStopped }: Session): AbortSignal {
  const stop = new AbortController();
  const reason = new MirrorError('refused', STOPPED);
  void untilStopped().then(() => stop.abort(reason));
  return stop.signal;
}
