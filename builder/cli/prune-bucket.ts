import { Command } from 'commander';
import type { Collected } from '../bucket/collect.ts';
import { type BucketVerbOptions, KEYS_FROM, openBucket, whenStopped, withBucketOptions } from './bucket.ts';
import { jsonOption } from './options.ts';
import { graceOption, keepOption } from './retention.ts';
import type { Session } from './session.ts';
import { bytesText, counted } from './units.ts';

interface Options extends BucketVerbOptions {
  keep: number;
  grace: number;
  dryRun?: boolean;
  json?: boolean;
}

export function pruneBucketCommand(session: Session): Command {
  const command = new Command('prune-bucket')
    .summary('remove earlier snapshots from a bucket, and what only they need')
    .description(
      'Remove earlier snapshots from a bucket, and the objects that no snapshot names. What was live within ' +
        `the grace period, and what was uploaded within it, stays.\n${KEYS_FROM}`,
    );
  return withBucketOptions(command)
    .addOption(keepOption().default(3))
    .addOption(graceOption())
    .option('--dry-run', 'tell what would be removed, and remove nothing')
    .addOption(jsonOption())
    .action(async (options: Options) => {
      const { keep, grace, jobs, dryRun, json } = options;
      const { collect } = await import('../bucket/collect.ts');
      const { withLease } = await import('../bucket/lease.ts');
      const clock = (): Date => new Date();
      const { reporter } = session;
      const bucket = await openBucket(options, session);
      const work = { bucket, now: clock(), jobs, reporter, retention: { keep, grace } };
      const collected = dryRun
        ? await collect(work)
        : await withLease({ bucket, clock, reporter, stop: whenStopped(session) }, (confirm) =>
            collect({ ...work, confirm }),
          );
      if (json) session.print(JSON.stringify(collected, null, 2));
      else tellRemoved(session, collected);
    });
}

/** Says what was removed from a bucket, or would be. */
export function tellRemoved(
  { print, reporter }: Session,
  { dry_run: dryRun, snapshots, objects, bytes, kept }: Collected,
): void {
  const verb = dryRun ? 'Would remove' : 'Removed';
  for (const version of snapshots) reporter.note(`${verb.toLowerCase()} snapshot ${version}`);
  const gone = `${counted(snapshots.length, 'snapshot')} and ${counted(objects, 'object')} (${bytesText(bytes)})`;
  print(`${verb} ${gone}; ${counted(kept.length, 'snapshot')} ${kept.length === 1 ? 'stays' : 'stay'}.`);
}
