import { Command, InvalidArgumentError, Option } from 'commander';
import { snapshotName } from '../../format/layout.ts';
import { parseUntil } from '../mirror-file/until.ts';
import type { PinSummary } from '../pin.ts';
import {
  type BucketVerbOptions,
  expectNoBucket,
  folderArgument,
  KEYS_FROM,
  OR_FOLDER,
  openBucket,
  snapshotArgument,
  withBucketOptions,
} from './bucket.ts';
import { jsonOption } from './options.ts';
import type { Session } from './session.ts';

interface Options extends BucketVerbOptions {
  until?: number;
  remove?: boolean;
  json?: boolean;
}

export function pinCommand(session: Session): Command {
  const command = new Command('pin')
    .summary('keep a snapshot of a bucket or a folder from being removed')
    .description(
      `Keep a snapshot, with all that it names, from prune-bucket and from publish --keep; of a folder, from later snapshots and prune.\n${KEYS_FROM}`,
    )
    .argument(
      '<version>',
      'snapshot to keep: a version, or a name as `snapshots` prints it',
      snapshotArgument,
    )
    .addOption(
      new Option(
        '--until <date>',
        'last day to keep it, in UTC, or a time (default: until the pin is removed)',
      )
        .argParser(untilArgument)
        .conflicts('remove'),
    )
    .option('--remove', 'remove the pin');
  return withBucketOptions(command.addArgument(folderArgument()))
    .addOption(jsonOption())
    .action(async (version: string, folder: string | undefined, options: Options) => {
      if (folder !== undefined) expectNoBucket(command);
      const { remove, until, json } = options;
      const pins = await pinsIn(folder, options, session);
      if (remove) {
        const removed = await pins.remove(version);
        if (json) return session.printJson({ removed: snapshotName(removed) });
        return session.print(`Snapshot ${snapshotName(removed)} is not pinned any more.`);
      }
      const pinned = await pins.pin(version, until);
      if (json) session.printJson(pinned);
      else session.print(sentences(pinned));
    });
}

/** The pins of a folder, or of the bucket that the options name. */
async function pinsIn(folder: string | undefined, options: Options, session: Session) {
  const { clock, reporter } = session;
  if (folder !== undefined) {
    const { pinInFolder, removeFolderPin } = await import('../history/pins.ts');
    return {
      pin: (version: string, until?: number) => pinInFolder(folder, version, until, clock()),
      remove: (version: string) => removeFolderPin(folder, version, clock()),
    };
  }
  const { pinSnapshot, removePin } = await import('../pin.ts');
  const bucket = await openBucket(options, session, OR_FOLDER);
  const work = { bucket, clock, reporter, stop: session.stopSignal() };
  return {
    pin: (version: string, until?: number) => pinSnapshot(work, version, until),
    remove: (version: string) => removePin(work, version),
  };
}

function sentences(pinned: PinSummary): string[] {
  const name = snapshotName(pinned);
  const span = pinned.until === null ? 'until the pin is removed' : `until ${pinned.until}`;
  return [
    `Snapshot ${name} is kept ${span}.`,
    `It is signed until ${pinned.expires_at}; after that, servers answer as EXPIRED says.`,
  ];
}

function untilArgument(text: string): number {
  try {
    return parseUntil(text);
  } catch {
    throw new InvalidArgumentError('It must be a date or a time, such as 2026-12-31.');
  }
}
