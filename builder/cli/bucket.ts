import { type Command, Option } from 'commander';
import { MirrorError } from '../../format/errors.ts';
import { POINTER, parseSnapshotName } from '../../format/layout.ts';
import type { Bucket } from '../bucket/bucket.ts';
import type { BucketOptions } from '../bucket/credentials.ts';
import type { MirrorUrl } from '../verify/mirror-url.ts';
import { mirrorUrlArgument, numberOption, originArgument } from './options.ts';
import type { Session } from './session.ts';

/** Options of every verb that works on a bucket. */
export interface BucketVerbOptions extends Omit<BucketOptions, 'bucket'> {
  bucket?: string;
  jobs: number;
}

/** Where the keys to a bucket come from, for help texts. */
export const KEYS_FROM =
  'Keys to the bucket come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, from R2_ACCESS_KEY_ID ' +
  'and R2_SECRET_ACCESS_KEY, or from a profile of ~/.aws (AWS_PROFILE).';

/** Returns true for what names a snapshot of a bucket: `current`, a version, or a name as `snapshots` prints it. */
export const isSnapshotWord = (text: string): boolean =>
  text === POINTER || /^[1-9]\d{0,15}$/.test(text) || parseSnapshotName(text) !== undefined;

const OF_FILE = 'the bucket (default: that of mirror.toml)';

/** Adds the options that name a bucket. `which` describes the bucket. */
export const addBucketOptions = (command: Command, which = OF_FILE): Command =>
  command
    .option('--bucket <name>', which)
    .option('--account <id>', 'Cloudflare account of an R2 bucket (default: CLOUDFLARE_ACCOUNT_ID)')
    .option(
      '--endpoint <url>',
      'S3 endpoint without the bucket, if it is not R2 (default: AWS_ENDPOINT_URL_S3)',
    );

/** Adds the options of {@link BucketVerbOptions}. */
export const withBucketOptions = (command: Command, which = OF_FILE): Command =>
  addBucketOptions(command, which).addOption(
    numberOption('--jobs <n>', 'requests at a time', 1, 64).default(8),
  );

/** Returns `--url`: scheme and host of the Worker over a bucket, with credentials if it is private. */
export const edgeOption = (): Option =>
  new Option(
    '--url <edge>',
    'address of the Worker, which verifies the snapshot before it goes live and must serve it afterwards; ' +
      'https://user:TOKEN@host if it is private',
  ).argParser(edgeArgument);

function edgeArgument(text: string): MirrorUrl {
  const edge = mirrorUrlArgument(text);
  originArgument(edge.base);
  return edge;
}

/** Opens the bucket that the options name. Throws `usage`. */
export async function openBucket(
  { bucket, account, endpoint }: Omit<BucketVerbOptions, 'jobs'>,
  { environment }: Session,
): Promise<Bucket> {
  if (bucket === undefined) {
    throw new MirrorError('usage', 'Name the bucket with --bucket, or in [publish] of mirror.toml.');
  }
  const { Bucket } = await import('../bucket/bucket.ts');
  const { bucketAddress } = await import('../bucket/credentials.ts');
  return new Bucket(await bucketAddress({ bucket, account, endpoint }, environment));
}
