import { Command, Option } from 'commander';
import type { PromoteSummary } from '../promote.ts';
import { parseDuration } from '../request/duration.ts';
import type { MirrorUrl } from '../verify/mirror-url.ts';
import {
  type BucketVerbOptions,
  channelArgument,
  edgeOption,
  expectNoBucket,
  folderArgument,
  KEYS_FROM,
  OR_FOLDER,
  openBucket,
  withBucketOptions,
} from './bucket.ts';
import { jsonOption, trustOption } from './options.ts';
import { liveText } from './publish.ts';
import type { Session } from './session.ts';

interface Options extends BucketVerbOptions {
  after?: number;
  url?: MirrorUrl;
  trust: string[];
  json?: boolean;
}

export function promoteCommand(session: Session): Command {
  const command = new Command('promote')
    .summary('make what is live in one channel live in another')
    .description(
      'Switch the readers of one channel to the snapshot of another. Uploads and signs nothing, so the public key is ' +
        `enough. Never goes back to an older snapshot: that is rollback.\n${KEYS_FROM}`,
    )
    .argument('<from>', 'channel whose snapshot is promoted', channelArgument)
    .argument('<to>', 'channel that gets it: current is the one at the root', channelArgument)
    .addArgument(folderArgument())
    .addOption(
      new Option(
        '--after <span>',
        'change nothing until it has been live there for so long, such as 24h',
      ).argParser(parseDuration),
    );
  return withBucketOptions(command)
    .addOption(edgeOption())
    .addOption(trustOption())
    .addOption(jsonOption())
    .action(async (from: string, to: string, folder: string | undefined, options: Options) => {
      if (folder !== undefined) expectNoBucket(command);
      const summary = await promoteIn(folder, { from, to }, options, session);
      if (options.json) return session.printJson(summary);
      session.print(sentence(summary));
    });
}

function sentence({ changed, version, from, to, not_before: due }: PromoteSummary): string {
  if (changed) return liveText(version, to);
  if (due !== null)
    return `It is too early: promote snapshot ${version} of ${from} at ${due} or later. Nothing was changed.`;
  return `Snapshot ${version} is already live in ${to}: nothing to do.`;
}

async function promoteIn(
  directory: string | undefined,
  channels: { from: string; to: string },
  options: Options,
  session: Session,
): Promise<PromoteSummary> {
  const { clock, reporter, environment } = session;
  const { trustedKeys } = await import('../keys.ts');
  const trusted = await trustedKeys(options.trust, environment);
  const work = { ...channels, after: options.after, trusted };
  if (directory !== undefined) {
    const { promoteInFolder } = await import('../history/channels.ts');
    return promoteInFolder({ ...work, directory, now: clock() });
  }
  const { promote } = await import('../promote.ts');
  return promote({
    ...{ ...work, edge: options.url, clock, reporter },
    bucket: await openBucket(options, session, OR_FOLDER),
    stop: session.stopSignal(),
  });
}
