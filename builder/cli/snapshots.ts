import { Command } from 'commander';
import { snapshotName } from '../../format/layout.ts';
import type { describeSnapshots } from '../bucket/describe.ts';
import { bytesText } from '../units.ts';
import {
  type BucketVerbOptions,
  expectNoBucket,
  folderArgument,
  KEYS_FROM,
  OR_FOLDER,
  openBucket,
  withBucketOptions,
} from './bucket.ts';
import { jsonOption } from './options.ts';
import type { Session } from './session.ts';
import { table } from './table.ts';

interface Options extends BucketVerbOptions {
  json?: boolean;
}

export function snapshotsCommand(session: Session): Command {
  const command = new Command('snapshots')
    .summary('list the snapshots of a bucket or a folder')
    .description(
      `List the snapshots of a bucket, or those that a folder keeps, newest first: in which channels each is live, and whether a pin keeps it.\n${KEYS_FROM}`,
    );
  return withBucketOptions(command.addArgument(folderArgument()))
    .addOption(jsonOption())
    .action(async (folder: string | undefined, options: Options) => {
      if (folder !== undefined) expectNoBucket(command);
      const snapshots = await snapshotsIn(folder, options, session);
      if (options.json) return session.printJson({ snapshots });
      if (snapshots.length === 0) return session.print('Nothing has been published to this bucket yet.');
      session.print(table([HEADINGS, ...snapshots.map(rowOf)]));
    });
}

const HEADINGS = [
  ...['SNAPSHOT', 'STATE', 'CREATED', 'PACKAGES', 'FILES', 'SIZE', 'SIGNED UNTIL', 'LIVE IN', 'PINNED UNTIL'],
];

async function snapshotsIn(
  folder: string | undefined,
  options: Options,
  session: Session,
): ReturnType<typeof describeSnapshots> {
  if (folder !== undefined) {
    const { folderSnapshots } = await import('../history/describe.ts');
    return folderSnapshots(folder, session.now());
  }
  const { describeSnapshots } = await import('../bucket/describe.ts');
  return describeSnapshots(await openBucket(options, session, OR_FOLDER), session.now());
}

function rowOf(snapshot: Awaited<ReturnType<typeof describeSnapshots>>[number]): string[] {
  const name = snapshotName(snapshot);
  if (snapshot.state === 'unreadable') return [name, snapshot.state, snapshot.reason];
  const { state, created_at, packages, files, bytes, expires_at, expired, channels } = snapshot;
  return [
    ...[name, state, created_at, String(packages), String(files), bytesText(bytes)],
    ...[`${expires_at}${expired ? ' (expired)' : ''}`, channels.join(', ')],
    snapshot.pinned ? (snapshot.pinned_until ?? 'the pin is removed') : '',
  ];
}
