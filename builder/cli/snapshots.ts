import { Command } from 'commander';
import { snapshotName } from '../../format/layout.ts';
import { bytesText } from '../units.ts';
import { type BucketVerbOptions, KEYS_FROM, openBucket, withBucketOptions } from './bucket.ts';
import { jsonOption } from './options.ts';
import type { Session } from './session.ts';

interface Options extends BucketVerbOptions {
  json?: boolean;
}

export function snapshotsCommand(session: Session): Command {
  const command = new Command('snapshots')
    .summary('list the snapshots of a bucket')
    .description(`List the snapshots of a bucket, newest first.\n${KEYS_FROM}`);
  return withBucketOptions(command)
    .addOption(jsonOption())
    .action(async (options: Options) => {
      const { describeSnapshots } = await import('../bucket/describe.ts');
      const snapshots = await describeSnapshots(await openBucket(options, session), session.now());
      if (options.json) return session.printJson({ snapshots });
      if (snapshots.length === 0) return session.print('Nothing has been published to this bucket yet.');
      const rows = snapshots.map((snapshot) =>
        snapshot.state === 'unreadable'
          ? [snapshotName(snapshot), snapshot.state, snapshot.reason]
          : [
              ...[snapshotName(snapshot), snapshot.state, snapshot.created_at],
              ...[String(snapshot.packages), String(snapshot.files), bytesText(snapshot.bytes)],
              `${snapshot.expires_at}${snapshot.expired ? ' (expired)' : ''}`,
            ],
      );
      session.print(table([HEADINGS, ...rows]));
    });
}

const HEADINGS = ['SNAPSHOT', 'STATE', 'CREATED', 'PACKAGES', 'FILES', 'SIZE', 'SIGNED UNTIL'];

/** Returns rows as columns, each as wide as its widest cell. */
function table(rows: readonly string[][]): string[] {
  const widths = HEADINGS.map((_, column) =>
    Math.max(
      ...rows.filter((row) => row.length === HEADINGS.length).map((row) => (row[column] ?? '').length),
    ),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
