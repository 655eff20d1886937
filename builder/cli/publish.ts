import { Command } from 'commander';
import type { PublishSummary } from '../publish.ts';
import type { MirrorUrl } from '../verify/mirror-url.ts';
import { type BucketVerbOptions, edgeOption, KEYS_FROM, openBucket, withBucketOptions } from './bucket.ts';
import { jsonOption, trustOption } from './options.ts';
import { graceOption, keepOption, printRemoved } from './prune-bucket.ts';
import { directoryOf, type Session } from './session.ts';
import { bytesText, counted } from './units.ts';

interface Options extends BucketVerbOptions {
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
      `Verify a mirror folder, upload what the bucket lacks over S3, and switch readers to it.\n${KEYS_FROM}`,
    )
    .argument('<dir>', 'folder of the mirror');
  return withBucketOptions(command)
    .addOption(edgeOption())
    .option('--skip-verify', 'do not verify the folder first: you have just done so')
    .option('--repair', 'ask storage about every object and upload again what is missing or damaged')
    .addOption(keepOption())
    .addOption(graceOption())
    .option('--dry-run', 'print what would be uploaded, and change nothing')
    .addOption(trustOption())
    .addOption(jsonOption())
    .action(async (dir: string, options: Options) => {
      const { url, keep, grace, jobs, skipVerify = false, repair = false, dryRun = false } = options;
      const { trustedKeys } = await import('../keys.ts');
      const { publish } = await import('../publish.ts');
      const summary = await publish({
        ...{ directory: directoryOf(dir), skipVerify, repair, dryRun, jobs },
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
    });
}

function sentences({ dry_run: dryRun, changed, version, uploaded }: PublishSummary): string | string[] {
  const amount = `${counted(uploaded.objects, 'object')} (${bytesText(uploaded.bytes)})`;
  if (changed && dryRun) return `Would upload ${amount} and make snapshot ${version} live.`;
  if (changed) {
    return [`Uploaded ${amount}.`, `Snapshot ${version} is live; every reader has it within ten seconds.`];
  }
  const repaired = `${dryRun ? 'would repair' : 'repaired'} ${amount}`;
  return `Snapshot ${version} is already live: ${uploaded.objects === 0 ? 'nothing to do' : repaired}.`;
}
