import { Command, Option } from 'commander';
import { hasCode } from '../../format/errors.ts';
import type { PublicKey } from '../../format/minisign/public-key.ts';
import type { RollbackPreview } from '../rollback.ts';
import { counted } from '../units.ts';
import type { MirrorUrl } from '../verify/mirror-url.ts';
import {
  type BucketVerbOptions,
  channelOption,
  edgeOption,
  KEYS_FROM,
  openBucket,
  snapshotArgument,
  withBucketOptions,
} from './bucket.ts';
import { jsonOption, keyOption, listOption, validForOption } from './options.ts';
import { inChannel } from './publish.ts';
import type { Session } from './session.ts';

interface Options extends BucketVerbOptions {
  channel: string;
  to?: string;
  url?: MirrorUrl;
  key?: string;
  trust: string[];
  validFor?: number;
  dryRun?: boolean;
  json?: boolean;
}

export function rollbackCommand(session: Session): Command {
  const command = new Command('rollback')
    .summary('make the content of an earlier snapshot live again')
    .description(
      'Sign the content of an earlier snapshot again, as the newest one, and switch readers to it. Needs the ' +
        `secret key, but no mirror folder.\n${KEYS_FROM}`,
    );
  return withBucketOptions(command)
    .addOption(channelOption('channel whose readers are switched'))
    .addOption(toOption())
    .addOption(edgeOption())
    .addOption(keyOption())
    .addOption(listOption('--trust <key>', 'another key that may have signed the snapshots'))
    .addOption(validForOption())
    .option('--dry-run', 'print what would become live, and change nothing')
    .addOption(jsonOption())
    .action((options: Options) => run(session, options));
}

const toOption = (): Option =>
  new Option('--to <version>', 'snapshot to go back to (default: the one that was live before)').argParser(
    snapshotArgument,
  );

async function run(session: Session, options: Options): Promise<void> {
  const { channel, to, url, jobs, validFor, trust, dryRun, json } = options;
  const { environment, reporter } = session;
  const { signingKey, trustedKeys } = await import('../keys.ts');
  const { previewRollback, rollback } = await import('../rollback.ts');
  const work = { bucket: await openBucket(options, session), channel, to, jobs };
  if (dryRun) {
    const preview = await previewRollback({ ...work, trusted: await publicKeys(session, options) });
    if (json) return session.printJson(preview);
    const { changeText } = await import('./summary.ts');
    return session.print([...preview.changes.map(changeText), ...previewText(preview)]);
  }
  const summary = await rollback({
    ...{ ...work, reporter, validFor, edge: url, clock: session.clock, now: session.now() },
    key: await signingKey(options.key, environment, session.askPassword),
    trusted: trust.length > 0 ? await trustedKeys(trust, environment) : [],
    stop: session.stopSignal(),
  });
  if (json) return session.printJson(summary);
  const { version, content_of: content, previous, expires_at: expires } = summary;
  session.print(
    `Snapshot ${version} is live${inChannel(channel)}. It has the content of ${content}, replaces ${previous}, and is signed until ${expires}.`,
  );
}

/** Returns the public half of the key that would sign, if it is known, and the keys of `--trust`: enough for a preview. */
async function publicKeys({ environment }: Session, { key, trust }: Options): Promise<PublicKey[]> {
  const { publicKeyPath, trustedKeys } = await import('../keys.ts');
  const own = trustedKeys(key === undefined ? [] : [publicKeyPath(key)], environment);
  if (trust.length === 0) return own;
  const known = await own.catch((error: unknown) => {
    if (hasCode(error, 'missing')) return [];
    throw error;
  });
  return [...known, ...(await trustedKeys(trust, environment))];
}

const previewText = ({
  channel,
  content_of: content,
  previous,
  created_at: created,
  changes,
}: RollbackPreview) => [
  `Would make the content of snapshot ${content}, signed at ${created}, live${inChannel(channel)} in place of ${previous}:`,
  `${counted(changes.length, 'package')} would change. Nothing was written.`,
];
