import { Command } from 'commander';
import * as v from 'valibot';
import { MirrorError } from '../../format/errors.ts';
import { stateFolder } from '../places.ts';
import { isMirrorUrl } from '../verify/mirror-url.ts';
import { EXIT, exitCodeOf } from './exit-codes.ts';
import { baseUrlOption, jsonOption, mirrorUrlArgument, numberOption, trustOption } from './options.ts';
import { directoryOf, type Session } from './session.ts';

interface Options {
  trust: string[];
  quick?: boolean;
  cursor?: string;
  allowOlder?: boolean;
  mirror?: string;
  publicUrl?: string;
  jobs: number;
  json?: boolean;
}

export function verifyCommand(session: Session): Command {
  return new Command('verify')
    .summary('prove that a mirror is complete and signed')
    .description(
      'Check every signature and every byte of a mirror, in a folder or wherever it is ' +
        'served; or only some packages. Names each bad file.',
    )
    .argument('[dir|url]', 'folder of the mirror, or its address; without it, the folder of mirror.toml')
    .argument('[packages...]', 'check only these packages')
    .addOption(trustOption())
    .option('--quick', 'of a URL: trust the server’s Repr-Digest where it sends one')
    .option('--cursor <file>', 'save progress in this file, and continue from there next time')
    .option(
      '--allow-older',
      'accept an older snapshot than one that was verified before, or one by an older key',
    )
    .option('--mirror <id>', 'refuse any other mirror than the one with this id')
    .addOption(baseUrlOption('--public-url <url>', 'of a URL: another host to which package URLs may lead'))
    .addOption(numberOption('--jobs <n>', 'of a URL: requests at a time', 1, 64).default(16))
    .addOption(jsonOption())
    .action((where: string, packages: string[], options: Options) =>
      verify(session, where, packages, options),
    );
}

async function verify(session: Session, where: string, packages: string[], options: Options): Promise<void> {
  const { environment, reporter } = session;
  const { quick = false, jobs, cursor, allowOlder = false, mirror: mirrorId, publicUrl } = options;
  if (packages.length > 0 && cursor !== undefined) {
    throw new MirrorError('usage', '--cursor is for a whole mirror: name no packages with it.');
  }
  const isUrl = isMirrorUrl(where);
  if (!isUrl && (quick || publicUrl !== undefined)) {
    const option = quick ? '--quick' : '--public-url';
    throw new MirrorError('usage', `${option} is about a server, and a folder has none: leave it out.`);
  }
  await expectMirrorId(mirrorId);
  const place = isUrl ? mirrorUrlArgument(where) : directoryOf(where);
  const { trustedKeys } = await import('../keys.ts');
  const { verifyPlace } = await import('../verify/verify.ts');
  const report = await verifyPlace(place, {
    trusted: await trustedKeys(options.trust, environment),
    now: session.clock(),
    reporter,
    packages: packages.length > 0 ? packages : undefined,
    cursorFile: cursor,
    depth: quick ? 'quick' : 'deep',
    jobs,
    allowOlder,
    mirrorId,
    publicUrl,
    stateFolder: stateFolder(environment),
  });
  const exitCode = report.ok ? EXIT.done : exitCodeOf(...report.failures.map(({ state }) => state));
  if (options.json) return session.printJson(report, exitCode);
  const { printReport } = await import('./verify-text.ts');
  printReport(session, report, exitCode);
  session.fail(exitCode);
}

/** Throws `usage` for what cannot be the id of a mirror. */
async function expectMirrorId(text: string | undefined): Promise<void> {
  const { mirrorIdSchema } = await import('../../format/snapshot/root.ts');
  if (text === undefined || v.safeParse(mirrorIdSchema, text).success) return;
  throw new MirrorError('usage', '--mirror takes the id of a mirror, which info prints.', {
    expected: '16 hex digits in upper case, a dash, and a version',
    found: text.slice(0, 80),
  });
}
