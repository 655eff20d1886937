import { Command } from 'commander';
import { MirrorError } from '../../format/errors.ts';
import type { FillOptions, FillSummary } from '../fill/fill.ts';
import { cacheFolder } from '../places.ts';
import { bytesText, counted } from '../units.ts';
import { type BucketVerbOptions, KEYS_FROM, openBucket, withBucketOptions } from './bucket.ts';
import { EXIT, exitCodeOf } from './exit-codes.ts';
import { jsonOption, sizeOption, trustOption } from './options.ts';
import { directoryOf, type Session } from './session.ts';

const MAX_LINES = 20;

interface Options extends Omit<BucketVerbOptions, 'bucket'> {
  bucket?: string | undefined;
  maxSize?: number;
  trust: string[];
  json?: boolean;
}

export function fillCommand(session: Session): Command {
  const command = new Command('fill')
    .summary('fetch files on demand before anybody asks')
    .description(
      'Fetch the files on demand that a mirror folder or its bucket does not have, each checked against the signed ' +
        'list; all of them, or those of some packages. To continue after an interruption, give the same command ' +
        `again.\n${KEYS_FROM}`,
    )
    .argument('[dir]', 'folder of the mirror; without it, that of mirror.toml; not with --bucket')
    .argument('[packages...]', 'fetch only the files of these packages');
  // With a bucket, the first word is a package too.
  command.hook('preAction', (_, verb) => {
    const { processedArgs } = verb;
    if (verb.getOptionValue('bucket') === undefined) return;
    const [dir, packages] = processedArgs as [string | undefined, string[]];
    processedArgs.splice(0, 2, undefined, dir === undefined ? packages : [dir, ...packages]);
  });
  return withBucketOptions(command, 'the bucket to fill, instead of a folder')
    .addOption(
      sizeOption(
        '--max-size <size>',
        'most that files on demand may take there together, such as 50G or 500M',
      ),
    )
    .addOption(trustOption())
    .addOption(jsonOption())
    .action(async (dir: string | undefined, packages: string[], options: Options) => {
      const summary = await run(session, dir, packages, options);
      const { failed } = summary;
      const exitCode = failed.length > 0 ? exitCodeOf(...failed.map(({ code }) => code)) : EXIT.done;
      if (options.json) return session.printJson(summary, exitCode);
      printSummary(session, summary);
      session.fail(exitCode);
    });
}

async function run(
  session: Session,
  dir: string | undefined,
  packages: readonly string[],
  { bucket: title, maxSize, jobs, trust, ...storage }: Options,
): Promise<FillSummary> {
  const { environment, reporter } = session;
  if (dir === undefined && title === undefined) {
    throw new MirrorError('usage', 'Name the folder of a mirror, or a bucket with --bucket.');
  }
  const { trustedKeys } = await import('../keys.ts');
  const keys = { trusted: await trustedKeys(trust, environment), cache: cacheFolder(environment) };
  const options: FillOptions = {
    ...{ maxSize, jobs, reporter, now: session.clock() },
    packages: packages.length > 0 ? packages : undefined,
  };
  if (title === undefined) {
    const { fillDirectory } = await import('../fill/fill-directory.ts');
    return fillDirectory({ ...options, ...keys, directory: directoryOf(dir ?? '') });
  }
  const { fillBucket } = await import('../fill/fill-bucket.ts');
  const bucket = await openBucket({ ...storage, bucket: title }, session);
  return fillBucket({ ...options, ...keys, bucket, title });
}

function printSummary({ print, reporter }: Session, { here, fetched, left, failed }: FillSummary): void {
  for (const { path, message } of failed.slice(0, MAX_LINES)) reporter.warn(`FAILED ${path}: ${message}`);
  if (failed.length > MAX_LINES)
    reporter.warn(`… and ${failed.length - MAX_LINES} more (--json has all of them)`);
  const amount = `${counted(fetched.files, 'file')} (${bytesText(fetched.bytes)})`;
  const before = `${counted(here.files, 'file')} (${bytesText(here.bytes)}) ${here.files === 1 ? 'was' : 'were'} there`;
  print(`Fetched ${amount}; ${before}${failed.length > 0 ? `; ${failed.length} failed` : ''}.`);
  if (left > 0) print(`${counted(left, 'file')} did not fit into --max-size, or their size is unknown.`);
}
