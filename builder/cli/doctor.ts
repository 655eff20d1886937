import { Command } from 'commander';
import type { BucketOptions } from '../bucket/credentials.ts';
import type { Finding } from '../doctor/finding.ts';
import type { MirrorFile } from '../mirror-file/read.ts';
import { counted } from '../units.ts';
import type { MirrorUrl } from '../verify/mirror-url.ts';
import { KEYS_FROM } from './bucket.ts';
import { EXIT, exitCodeOf } from './exit-codes.ts';
import { jsonOption, keyOption, mirrorUrlArgument, trustOption } from './options.ts';
import { directoryOf, type Session } from './session.ts';

interface Options extends Partial<BucketOptions> {
  mirrorFile?: MirrorFile;
  url?: MirrorUrl;
  upstream?: string;
  homebrew?: string;
  key?: string;
  trust: string[];
  json?: boolean;
}

export function doctorCommand(session: Session): Command {
  return new Command('doctor')
    .summary('find out what is wrong, and what to do')
    .description(
      'Look at everything that a mirror depends on: this machine, the keys, the mirror, the upstream, and a bucket ' +
        `and an edge if they are named, here or in mirror.toml. Changes nothing, but tries the file system in a temporary folder. Ends with the exit code of the worst.\n${KEYS_FROM}`,
    )
    .argument('[dir]', 'folder of the mirror')
    .option('--bucket <name>', 'a bucket')
    .option('--account <id>', 'Cloudflare account of an R2 bucket (default: CLOUDFLARE_ACCOUNT_ID)')
    .option('--endpoint <url>', 'S3 endpoint without the bucket (default: AWS_ENDPOINT_URL_S3)')
    .option('--url <edge>', 'address at which the mirror is served', mirrorUrlArgument)
    .option('--upstream <where>', 'upstream to ask (default: that of the mirror, or stout-index)')
    .option('--homebrew <where>', "where Homebrew's api/ is (default: that of the mirror)")
    .addOption(keyOption())
    .addOption(trustOption())
    .addOption(jsonOption())
    .action((dir: string | undefined, options: Options, verb: Command) =>
      run(session, dir, options, verb.getOptionValueSource('bucket') === 'cli'),
    );
}

async function run(
  session: Session,
  dir: string | undefined,
  options: Options,
  isBucketNamed: boolean,
): Promise<void> {
  const { bucket, account, endpoint, url, key, trust, json, mirrorFile } = options;
  const { upstream = mirrorFile?.settings.upstream, homebrew = mirrorFile?.settings.homebrew } = options;
  const { environment, clock } = session;
  const { examineAll } = await import('../doctor/doctor.ts');
  const findings = await examineAll({
    directory: dir === undefined ? undefined : directoryOf(dir),
    bucket: bucket === undefined ? undefined : { bucket, account, endpoint, isNamed: isBucketNamed },
    ...{ edge: url, origin: { upstream, homebrew }, key, trust, environment, clock },
  });
  const codes = findings.flatMap(({ code }) => code ?? []);
  const exitCode = codes.length > 0 ? exitCodeOf(...codes) : EXIT.done;
  if (json) return session.printJson({ ok: codes.length === 0, findings }, exitCode);
  session.print([...findings.flatMap(linesOf), verdict(findings)]);
  session.fail(exitCode);
}

const MARKS = { ok: '✓', warning: '!', failed: '✗' } as const;

const linesOf = ({ area, check, state, message, advice }: Finding): string[] => [
  `${MARKS[state]} ${area === check ? area : `${area}, ${check}`}: ${message}`,
  ...(advice === undefined ? [] : [`    ${advice}`]),
];

function verdict(findings: readonly Finding[]): string {
  const count = (wanted: Finding['state']): number => findings.filter(({ state }) => state === wanted).length;
  const [bad, doubtful] = [count('failed'), count('warning')];
  if (bad + doubtful === 0) return 'OK: nothing is wrong.';
  const warnings = counted(doubtful, 'warning');
  return bad === 0 ? `OK, with ${warnings}.` : `FAILED: ${counted(bad, 'fault')}, ${warnings}.`;
}
