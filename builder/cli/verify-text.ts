import type { VerifyReport } from '../../format/verify/report.ts';
import { bytesText, counted } from '../units.ts';
import type { PlaceReport } from '../verify/verify.ts';
import { EXIT } from './exit-codes.ts';
import type { Session } from './session.ts';

const MAX_LINES = 10;

/** Prints what passed, every bad file with the evidence, and the verdict. Remarks go to standard error. */
export function printReport({ reporter, print }: Session, report: PlaceReport, exitCode: number): void {
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

/** Returns which of the files were not there to be checked and need not be, and which came on demand. */
function exceptions({ fetched, on_demand, expired }: VerifyReport['files']): string {
  const counts = [
    ...(on_demand > 0 ? [`${on_demand} on demand`] : []),
    ...(expired > 0 ? [`${expired} expired`] : []),
  ];
  const without = counts.length > 0 ? `, except ${counts.join(' and ')}` : '';
  return fetched > 0 ? `${without}, with ${fetched} fetched on demand` : without;
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
