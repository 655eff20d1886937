import { Command, InvalidArgumentError, Option } from 'commander';
import { parseSnapshotName } from '../../format/layout.ts';
import type { MirrorUrl } from '../verify/mirror-url.ts';
import { type BucketVerbOptions, edgeOption, KEYS_FROM, openBucket, withBucketOptions } from './bucket.ts';
import { jsonOption, keyOption, listOption, validForOption } from './options.ts';
import type { Session } from './session.ts';

interface Options extends BucketVerbOptions {
  to?: string;
  url?: MirrorUrl;
  key?: string;
  trust: string[];
  validFor?: number;
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
    .addOption(toOption())
    .addOption(edgeOption())
    .addOption(keyOption())
    .addOption(listOption('--trust <key>', 'another key that may have signed the snapshots'))
    .addOption(validForOption())
    .addOption(jsonOption())
    .action((options: Options) => run(session, options));
}

const toOption = (): Option =>
  new Option('--to <version>', 'snapshot to go back to (default: the one before the live one)').argParser(
    (text: string) => {
      if (/^[1-9]\d{0,15}$/.test(text) || parseSnapshotName(text)) return text;
      throw new InvalidArgumentError('It must be a version, or a name as `snapshots` prints it.');
    },
  );

async function run(session: Session, options: Options): Promise<void> {
  const { to, url, jobs, validFor, trust } = options;
  const { environment, reporter } = session;
  const { signingKey, trustedKeys } = await import('../keys.ts');
  const { rollback } = await import('../rollback.ts');
  const summary = await rollback({
    ...{ bucket: await openBucket(options, session), to, jobs, reporter, validFor },
    key: await signingKey(options.key, environment, session.askPassword),
    trusted: trust.length > 0 ? await trustedKeys(trust, environment) : [],
    clock: session.clock,
    now: session.now(),
    edge: url,
    stop: session.stopSignal(),
  });
  if (options.json) return session.printJson(summary);
  const { version, content_of: content, previous, expires_at: expires } = summary;
  session.print(
    `Snapshot ${version} is live. It has the content of ${content}, replaces ${previous}, and is signed until ${expires}.`,
  );
}
