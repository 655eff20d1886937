import { Command } from 'commander';
import { MirrorError } from '../../format/errors.ts';
import type { BucketAddress } from '../publish/bucket.ts';
import { jsonOption, numberOption, originArgument, trustOption } from './options.ts';
import { directoryOf, type Session } from './session.ts';
import { bytesText, counted } from './units.ts';

interface Options {
  bucket: string;
  endpoint?: string;
  account?: string;
  jobs: number;
  repair?: boolean;
  url?: string;
  trust: string[];
  json?: boolean;
}

export function publishCommand(session: Session): Command {
  return new Command('publish')
    .summary('upload a mirror to a bucket and make it live')
    .description(
      'Verify a mirror folder, upload what the bucket lacks over S3, and switch readers to it. ' +
        'Keys to the bucket come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
    )
    .argument('<dir>', 'folder of the mirror')
    .requiredOption('--bucket <name>', 'bucket to publish to')
    .option('--account <id>', 'Cloudflare account of an R2 bucket')
    .option('--endpoint <url>', 'S3 endpoint, where it is not R2 (region from AWS_REGION)')
    .addOption(numberOption('--jobs <n>', 'uploads at a time', 1, 64).default(8))
    .option('--url <edge>', 'address of the Worker, which then verifies the snapshot before it goes live')
    .option('--repair', 'ask storage about every object and upload again what is missing or damaged')
    .addOption(trustOption())
    .addOption(jsonOption())
    .action(async (dir: string, options: Options) => {
      const { trustedKeys } = await import('../keys.ts');
      const { Bucket } = await import('../publish/bucket.ts');
      const { publish } = await import('../publish/publish.ts');
      const summary = await publish({
        directory: directoryOf(dir),
        bucket: new Bucket(addressOf(options, session.environment)),
        trusted: await trustedKeys(options.trust, session.environment),
        clock: () => new Date(),
        jobs: options.jobs,
        repair: options.repair ?? false,
        edge: options.url === undefined ? undefined : originArgument(options.url),
        reporter: session.reporter,
      });
      if (options.json) return session.print(JSON.stringify(summary, null, 2));
      const { objects, bytes } = summary.uploaded;
      const done = `${counted(objects, 'object')} (${bytesText(bytes)})`;
      session.print(
        summary.changed
          ? `Uploaded ${done}.\nSnapshot ${summary.version} is live; every reader has it within ten seconds.`
          : `Snapshot ${summary.version} is live already: ${objects === 0 ? 'nothing to do' : `mended ${done}`}.`,
      );
    });
}

function addressOf(
  { bucket, endpoint, account }: Options,
  environment: Session['environment'],
): BucketAddress {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION } = environment;
  if ((endpoint === undefined) === (account === undefined)) {
    throw new MirrorError('usage', 'Give either --account (Cloudflare R2) or --endpoint (any S3).');
  }
  if (endpoint !== undefined && !/^https?:\/\/[^/]/.test(endpoint)) {
    throw new MirrorError('usage', `${endpoint} is no S3 endpoint.`, {
      expected: 'https://host',
      found: endpoint,
    });
  }
  if (!AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY) {
    throw new MirrorError(
      'usage',
      'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to an access key for the bucket ' +
        '(for R2: dashboard, R2, Manage API tokens, Object Read & Write).',
    );
  }
  return {
    endpoint: endpoint ?? `https://${account}.r2.cloudflarestorage.com`,
    bucket,
    accessKeyId: AWS_ACCESS_KEY_ID,
    secretAccessKey: AWS_SECRET_ACCESS_KEY,
    sessionToken: AWS_SESSION_TOKEN,
    region: account === undefined ? AWS_REGION : undefined,
  };
}
