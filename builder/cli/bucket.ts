import { Argument, type Command, InvalidArgumentError, Option } from 'commander';
import { MirrorError } from '../../format/errors.ts';
import { isChannelName, POINTER, parseKeptName, ROOT_CHANNEL } from '../../format/layout.ts';
import type { Bucket } from '../bucket/bucket.ts';
import type { BucketOptions } from '../bucket/credentials.ts';
import type { MirrorUrl } from '../verify/mirror-url.ts';
import { mirrorUrlArgument, numberOption, originArgument } from './options.ts';
import { directoryOf, type Session } from './session.ts';

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
  text === POINTER || parseKeptName(text) !== undefined;

/** Returns an argument that names a kept snapshot. Throws `InvalidArgumentError`. */
export function snapshotArgument(text: string): string {
  if (parseKeptName(text)) return text;
  throw new InvalidArgumentError('It must be a version, or a name as `snapshots` prints it.');
}

/** Returns an argument that names a channel. Throws `InvalidArgumentError`. */
export function channelArgument(text: string): string {
  if (isChannelName(text)) return text;
  throw new InvalidArgumentError(
    'It must be at most 32 small letters, digits and dashes, and begin with a letter.',
  );
}

/** Returns `--channel`. `effect` says what happens to the readers of the channel. */
export const channelOption = (effect: string): Option =>
  new Option('--channel <name>', effect).argParser(channelArgument).default(ROOT_CHANNEL);

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

/** Completes the error of {@link openBucket} for a verb that works on the folder of a mirror, too. */
export const OR_FOLDER = ', or name the folder of a mirror';

/**
 * Returns the argument of a verb that works on the folder of a mirror, too. It is not called `dir`, because a mirror.toml fills that
 * in, and the verb would no longer be about its bucket.
 */
export const folderArgument = (): Argument =>
  new Argument('[folder]', 'folder of a mirror, in place of a bucket').argParser(directoryOf);

/** Throws `usage` for a command line that names both a folder and a bucket, or what only a bucket has. */
export function expectNoBucket(command: Command): void {
  const given = ['bucket', 'account', 'endpoint', 'jobs', 'url'].find(
    (name) => command.getOptionValueSource(name) === 'cli',
  );
  if (given === undefined) return;
  throw new MirrorError('usage', `Name a folder or a bucket, not both: --${given} is for a bucket.`);
}

/** Opens the bucket that the options name. `also` is what the verb can have in its place, for the error. Throws `usage`. */
export async function openBucket(
  { bucket, account, endpoint }: Omit<BucketVerbOptions, 'jobs'>,
  { environment }: Session,
  also = '',
): Promise<Bucket> {
  if (bucket === undefined) {
    const message = `Name the bucket with --bucket, or in [publish] of mirror.toml${also}.`;
    throw new MirrorError('usage', message);
  }
  const { Bucket } = await import('../bucket/bucket.ts');
  const { bucketAddress } = await import('../bucket/credentials.ts');
  return new Bucket(await bucketAddress({ bucket, account, endpoint }, environment));
}
