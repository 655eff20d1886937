import { Command, Option } from 'commander';
import { isoSeconds } from '../../format/iso-seconds.ts';
import { ROOT_CHANNEL, snapshotName } from '../../format/layout.ts';
import type { ChannelDescription } from '../channel-rules.ts';
import {
  type BucketVerbOptions,
  channelArgument,
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
  remove?: string;
  json?: boolean;
}

export function channelsCommand(session: Session): Command {
  const command = new Command('channels')
    .summary('list the channels of a bucket or a folder, or remove one')
    .description(
      'List the channels of a bucket, or of a folder that keeps snapshots: what is live in each, since when, and whether that is older than what is live ' +
        `at the root.\n${KEYS_FROM}`,
    )
    .addOption(
      new Option(
        '--remove <name>',
        'remove this channel; prune-bucket, or prune of a folder, removes what only it needs after the grace period',
      ).argParser(channelArgument),
    );
  return withBucketOptions(command.addArgument(folderArgument()))
    .addOption(jsonOption())
    .action(async (folder: string | undefined, options: Options) => {
      if (folder !== undefined) expectNoBucket(command);
      const { remove: removed, json } = options;
      if (removed !== undefined) {
        const until = await removeIn(folder, removed, options, session);
        if (json) return session.printJson({ removed, pinned_until: until ?? null });
        const kept = until === undefined ? '' : ` What it had is pinned until ${until}.`;
        return session.print(`Removed channel ${removed}.${kept}`);
      }
      const channels = await channelsIn(folder, options, session);
      if (json) return session.printJson({ channels });
      if (channels.length === 0) return session.print('Nothing has been published to this bucket yet.');
      const rows = channels.map((channel) =>
        'reason' in channel ? [channel.name, `unreadable: ${channel.reason}`] : rowOf(channel),
      );
      session.print(table([HEADINGS, ...rows]));
    });
}

const HEADINGS = ['CHANNEL', 'SNAPSHOT', 'CREATED', 'LIVE SINCE', 'SIGNED UNTIL', 'AGAINST CURRENT'];

const rowOf = (channel: ChannelDescription): string[] => [
  ...[channel.name, snapshotName(channel), channel.created_at, channel.moved_at],
  `${channel.expires_at}${channel.expired ? ' (expired)' : ''}`,
  channel.name === ROOT_CHANNEL ? '' : (channel.against_current?.replace('-', ' ') ?? ''),
];

async function channelsIn(folder: string | undefined, options: Options, session: Session) {
  if (folder !== undefined) {
    const { folderChannels } = await import('../history/channels.ts');
    return folderChannels(folder, session.now());
  }
  const { describeChannels } = await import('../channels.ts');
  return describeChannels(await openBucket(options, session, OR_FOLDER), session.now());
}

/** Removes a channel, and returns until when what it had is pinned, if a new pin does that. */
async function removeIn(
  folder: string | undefined,
  name: string,
  options: Options,
  session: Session,
): Promise<string | undefined> {
  const { clock, reporter } = session;
  if (folder !== undefined) {
    const { removeFolderChannel } = await import('../history/channels.ts');
    await removeFolderChannel(folder, name, clock());
    return undefined;
  }
  const { removeChannel } = await import('../channels.ts');
  const bucket = await openBucket(options, session, OR_FOLDER);
  const pin = await removeChannel({ bucket, clock, reporter, stop: session.stopSignal() }, name);
  return pin?.until === undefined ? undefined : isoSeconds(pin.until);
}
