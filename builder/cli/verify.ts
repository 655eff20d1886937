import { Command } from 'commander';
import * as v from 'valibot';
import { MirrorError } from '../../format/errors.ts';
import type { VerifyReport } from '../../format/verify/report.ts';
import { stateFolder } from '../places.ts';
import { isMirrorUrl } from '../verify/mirror-url.ts';
import type { PlaceReport } from '../verify/verify.ts';
import { EXIT, exitCodeOf } from './exit-codes.ts';
import { baseUrlOption, jsonOption, mirrorUrlArgument, numberOption, trustOption } from './options.ts';
import { directoryOf, type Session } from './session.ts';
import { bytesText, counted } from './units.ts';

const MAX_LINES = 10;

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
    .argument('<dir|url>', 'folder of the mirror, or its address')
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

/** Prints what passed, every bad file with the evidence, and the verdict. Remarks go to standard error. */
function printReport({ reporter, print }: Session, report: PlaceReport, exitCode: number): void {
  for (const remark of remarks(report)) reporter.warn(remark);
  const lines = report.checks
    .filter((check) => check.state === 'passed')
    .map(({ path, evidence }) => `✓ ${path}: ${evidence}`);
  for (const { path, state, message, expected, found } of report.failures) {
    lines.push(`✗ ${path}: ${state}`, `    ${message}`);
    if (expected !== undefined) lines.push(`    expected ${expected}`);
    if (found !== undefined) lines.push(`    found    ${found}`);
  }
  print([...lines, report.ok ? verdict(report) : refusal(report, exitCode)]);
}

/** Returns what is not a fault of the mirror but worth knowing. */
function remarks({ unlisted = [], elsewhere = [] }: PlaceReport): string[] {
  const lines = unlisted.slice(0, MAX_LINES).map((path) => `Not part of the mirror: ${path}`);
  if (unlisted.length > MAX_LINES) lines.push(`… and ${unlisted.length - MAX_LINES} more files.`);
  for (const { origin, urls, example } of elsewhere.slice(0, MAX_LINES)) {
    const what = `${counted(urls, 'package URL')} to ${origin}, as in ${example}`;
    lines.push(`${what}: stock clients fetch there.`);
  }
  if (elsewhere.length > 0) {
    lines.push('For a static host, make the mirror with create --public-url and its address.');
  }
  return lines;
}

function verdict({ depth, files, bytes, snapshot }: VerifyReport): string {
  const amount = `${counted(files.checked, 'file')}, ${bytesText(bytes.checked)}`;
  const until = `Valid until ${snapshot?.expires_at}.`;
  if (depth === 'deep') return `OK: ${amount}, every byte as signed${exceptions(files)}. ${until}`;
  const read = files.verified > 0 ? `; ${files.verified} of them were read` : '';
  const claim = `according to the server${exceptions(files)}${read}`;
  return `OK: ${amount}, ${claim}. Run without --quick to check the bytes. ${until}`;
}

/** Returns which of the files were not there to be checked, and need not be. */
function exceptions({ on_demand, expired }: VerifyReport['files']): string {
  const counts = [
    ...(on_demand > 0 ? [`${on_demand} on demand`] : []),
    ...(expired > 0 ? [`${expired} expired`] : []),
  ];
  return counts.length > 0 ? `, except ${counts.join(' and ')}` : '';
}

/** Returns the verdict on a mirror that did not pass. What could not be reached says nothing about its bytes. */
function refusal({ failures, files, snapshot }: VerifyReport, exitCode: number): string {
  const only = files.checked < files.total ? ' Not every file was checked.' : '';
  if (exitCode === EXIT.outdated)
    return `FAILED: this snapshot has expired, or is older than one that was accepted before.${only}`;
  if (exitCode === EXIT.unreachable) {
    if (!snapshot) return 'UNREACHABLE: the mirror did not answer, and nothing was checked.';
    return `UNREACHABLE: ${counted(failures.length, 'file')} could not be read. Nothing wrong was found in the others.`;
  }
  if (!snapshot && failures.some(({ state }) => state === 'unknown')) {
    return 'FAILED: the snapshot could not be read, and nothing was checked.';
  }
  if (!snapshot) return 'FAILED: no snapshot here is signed by a trusted key.';
  const bad = failures.filter(({ state }) => state !== 'unreachable');
  if (bad.every(({ state }) => state === 'unknown'))
    return `FAILED: ${counted(bad.length, 'file')} of this mirror could not be read.${only}`;
  return `FAILED: ${counted(bad.length, 'file')} of this mirror cannot be trusted.${only}`;
}
