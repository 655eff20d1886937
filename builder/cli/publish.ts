import { Command } from 'commander';
import { ROOT_CHANNEL } from '../../format/layout.ts';
import type { PublishSummary } from '../publish.ts';
import { bytesText, counted } from '../units.ts';
import type { MirrorUrl } from '../verify/mirror-url.ts';
import {
  type BucketVerbOptions,
  channelOption,
  edgeOption,
  KEYS_FROM,
  openBucket,
  withBucketOptions,
} from './bucket.ts';
import { jsonOption, trustOption } from './options.ts';
import { graceOption, keepOption, printRemoved } from './prune-bucket.ts';
import { directoryOf, type Session } from './session.ts';

interface Options extends BucketVerbOptions {
  channel: string;
  url?: MirrorUrl;
  skipVerify?: boolean;
  repair?: boolean;
  dryRun?: boolean;
  keep?: number;
  grace: number;
  trust: string[];
  json?: boolean;
}

export function publishCommand(session: Session): Command {
  const command = new Command('publish')
    .summary('upload a mirror to a bucket and make it live')
    .description(
      'Verify a mirror, upload what the bucket lacks over S3, and switch readers to it. A bundle needs no folder: ' +
        `it is published as it is, with what the bucket has.\n${KEYS_FROM}`,
    )
    .usage('[options] <dir | part...>')
    .argument(
      '[dir-or-part...]',
      'folder of the mirror (default: that of mirror.toml), or all parts of a bundle; - is standard input',
    );
  return withBucketOptions(command)
    .addOption(
      channelOption(
        'channel whose readers are switched: another one than current is served below /channels/',
      ),
    )
    .addOption(edgeOption())
    .option('--skip-verify', 'do not verify the folder first: you have just done so')
    .option('--repair', 'ask storage about every object and upload again what is missing or damaged')
    .addOption(keepOption())
    .addOption(graceOption())
    .option('--dry-run', 'print what would be uploaded, and change nothing')
    .addOption(trustOption())
    .addOption(jsonOption())
    .action((places: string[], options: Options) => run(session, places, options));
}

async function run(session: Session, places: readonly string[], options: Options): Promise<void> {
  const { channel, url, keep, grace, jobs, skipVerify = false, repair = false, dryRun = false } = options;
  const { trustedKeys } = await import('../keys.ts');
  const { publishPlaces } = await import('../bundle/publish-bundle.ts');
  const summary = await publishPlaces({
    ...{
      places: places.map(directoryOf),
      stdin: process.stdin,
      channel,
      skipVerify,
      repair,
      dryRun,
      jobs,
    },
    bucket: await openBucket(options, session),
    trusted: await trustedKeys(options.trust, session.environment),
    clock: session.clock,
    retention: keep === undefined ? undefined : { keep, grace },
    edge: url,
    reporter: session.reporter,
    stop: session.stopSignal(),
  });
  if (options.json) return session.printJson(summary);
  session.print(sentences(summary));
  if (summary.removed) printRemoved(session, summary.removed);
}

/** Names a channel after `live`, if it is not the one at the root. */
export const inChannel = (channel: string): string =>
  channel === ROOT_CHANNEL ? '' : ` in channel ${channel}`;

/** Says that a snapshot has gone live. */
export const liveText = (version: number, channel: string): string =>
  `Snapshot ${version} is live${inChannel(channel)}; every reader${channel === ROOT_CHANNEL ? '' : ' of it'} has it within ten seconds.`;

/** Says how many files the bucket gets only when somebody asks for them. */
const onDemandSentence = ({ on_demand: files }: PublishSummary): string[] =>
  files
    ? [`${counted(files, 'file')} on demand: the Worker fetches each when somebody first asks for it.`]
    : [];

function sentences(summary: PublishSummary): string | string[] {
  const { dry_run: dryRun, channel, changed, version, uploaded } = summary;
  const amount = `${counted(uploaded.objects, 'object')} (${bytesText(uploaded.bytes)})`;
  if (changed && dryRun) {
    return [
      `Would upload ${amount} and make snapshot ${version} live${inChannel(channel)}.`,
      ...onDemandSentence(summary),
    ];
  }
  if (changed) {
    return [`Uploaded ${amount}.`, ...onDemandSentence(summary), liveText(version, channel)];
  }
  const repaired = `${dryRun ? 'would repair' : 'repaired'} ${amount}`;
  return `Snapshot ${version} is already live${inChannel(channel)}: ${uploaded.objects === 0 ? 'nothing to do' : repaired}.`;
}
