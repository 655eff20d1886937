import { Command } from 'commander';
import { trustedKeys } from '../keys.ts';
import { type DirectoryReport, verifyDirectory } from '../verify/verify-directory.ts';
import { jsonOption, trustOption } from './options.ts';
import { directoryOf, type Session } from './session.ts';
import { bytesText } from './units.ts';

const FAILED = 1;
const MAX_UNLISTED = 10;

interface Options {
  trust: string[];
  json?: boolean;
}

export function verifyCommand(session: Session): Command {
  return new Command('verify')
    .summary('prove that a mirror is whole and signed')
    .description(
      'Check every signature and every byte of a mirror folder. Exits with 1 and names each bad file.',
    )
    .argument('<dir>', 'folder of the mirror')
    .addOption(trustOption())
    .addOption(jsonOption())
    .action(async (dir: string, options: Options) => {
      const trusted = await trustedKeys(options.trust, session.environment);
      const report = await verifyDirectory(directoryOf(dir), trusted, new Date(), session.reporter);
      if (options.json) session.print(JSON.stringify(report, null, 2));
      else tell(session, report);
      if (!report.ok) session.fail(FAILED);
    });
}

function tell(
  { print, reporter }: Session,
  { snapshot, checks, files, bytes, failures, unlisted, ok }: DirectoryReport,
): void {
  for (const path of unlisted.slice(0, MAX_UNLISTED)) reporter.warn(`Not part of the mirror: ${path}`);
  if (unlisted.length > MAX_UNLISTED) reporter.warn(`… and ${unlisted.length - MAX_UNLISTED} more files.`);
  const passed = checks.filter((check) => check.state === 'passed');
  const lines = passed.map(({ path, evidence }) => `✓ ${path}: ${evidence}`);
  for (const failure of failures) {
    lines.push(`✗ ${failure.path}: ${failure.state}`, `    ${failure.message}`);
    if (failure.expected !== undefined) lines.push(`    expected ${failure.expected}`);
    if (failure.found !== undefined) lines.push(`    found    ${failure.found}`);
  }
  lines.push(
    ok
      ? `OK: ${files.verified} files, ${bytesText(bytes.checked)}, every byte as signed. Valid until ${snapshot?.expires_at}.`
      : `FAILED: ${failures.length} ${failures.length === 1 ? 'file' : 'files'} of this mirror cannot be trusted.`,
  );
  print(lines.join('\n'));
}
