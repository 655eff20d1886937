import { Command, Option } from 'commander';
import { GRACE_PERIOD, GRACE_PERIOD_DAYS } from '../../format/grace-period.ts';
import type { PrunedBucket } from '../bucket/prune.ts';
import { parseDuration } from '../request/duration.ts';
import { bytesText, counted } from '../units.ts';
import { type BucketVerbOptions, KEYS_FROM, openBucket, withBucketOptions } from './bucket.ts';
import { jsonOption, numberOption } from './options.ts';
import type { Session } from './session.ts';

interface Options extends BucketVerbOptions {
  keep: number;
  grace: number;
  dryRun?: boolean;
  json?: boolean;
}

/** Returns `--keep`, for the verbs that prune a bucket. */
export const keepOption = (): Option =>
  numberOption(
    '--keep <n>',
    'snapshots to keep, of the bucket and of each channel, the live one included',
    1,
    1000,
  );

/** Returns `--grace`, for the verbs that prune a bucket. */
export const graceOption = (): Option =>
  new Option('--grace <span>', 'how long to keep what was live or uploaded beyond that, such as 7d or 12h')
    .argParser(parseDuration)
    .default(GRACE_PERIOD, `${GRACE_PERIOD_DAYS}d`);

export function pruneBucketCommand(session: Session): Command {
  const command = new Command('prune-bucket')
    .summary('remove earlier snapshots from a bucket, and what only they need')
    .description(
      'Remove earlier snapshots from a bucket, and the objects that no snapshot names. Keeps what is live in a channel or ' +
        `pinned, and what was live or was uploaded within the grace period.\n${KEYS_FROM}`,
    );
  return withBucketOptions(command)
    .addOption(keepOption().default(3))
    .addOption(graceOption())
    .option('--dry-run', 'print what would be removed, and remove nothing')
    .addOption(jsonOption())
    .action(async (options: Options) => {
      const { keep, grace, jobs, dryRun, json } = options;
      const { pruneBucket } = await import('../bucket/prune.ts');
      const { withLease } = await import('../bucket/lease.ts');
      const { reporter, clock } = session;
      const bucket = await openBucket(options, session);
      const work = { bucket, now: clock(), jobs, reporter, retention: { keep, grace } };
      const pruned = dryRun
        ? await pruneBucket(work)
        : await withLease({ bucket, clock, reporter, stop: session.stopSignal() }, (confirm) =>
            pruneBucket({ ...work, confirm }),
          );
      if (json) session.printJson(pruned);
      else printRemoved(session, pruned);
    });
}

/** Prints what was removed from a bucket, or would be. */
export function printRemoved(
  { print, reporter }: Session,
  { dry_run: dryRun, snapshots, objects, bytes, kept }: PrunedBucket,
): void {
  const verb = dryRun ? 'Would remove' : 'Removed';
  for (const name of snapshots) reporter.note(`${verb.toLowerCase()} snapshot ${name}`);
  const gone = `${counted(snapshots.length, 'snapshot')} and ${counted(objects, 'object')} (${bytesText(bytes)})`;
  print(`${verb} ${gone}; ${counted(kept.length, 'snapshot')} ${kept.length === 1 ? 'stays' : 'stay'}.`);
}
