import type { VerifyReport } from '../../format/verify/report.ts';
import type { Elsewhere } from '../verify/verify-url.ts';
import type { Session } from './session.ts';
import { bytesText, counted } from './units.ts';

const MAX_LINES = 10;

/** What is no fault of the mirror's and still worth knowing. */
export interface Remarks {
  /** Files in the folder that are not the mirror's. */
  unlisted?: readonly string[];
  /** Where package URLs lead that leave the mirror. */
  elsewhere?: readonly Elsewhere[];
}

/** Prints a report for people: what passed, every bad file with the evidence, the verdict. */
export function tellReport(session: Session, report: VerifyReport, remarks: Remarks): void {
  tellRemarks(session, remarks);
  const passed = report.checks.filter((check) => check.state === 'passed');
  const lines = passed.map(({ path, evidence }) => `✓ ${path}: ${evidence}`);
  for (const failure of report.failures) {
    lines.push(`✗ ${failure.path}: ${failure.state}`, `    ${failure.message}`);
    if (failure.expected !== undefined) lines.push(`    expected ${failure.expected}`);
    if (failure.found !== undefined) lines.push(`    found    ${failure.found}`);
  }
  lines.push(report.ok ? verdict(report) : refusal(report));
  session.print(lines.join('\n'));
}

function tellRemarks({ reporter }: Session, { unlisted = [], elsewhere = [] }: Remarks): void {
  for (const path of unlisted.slice(0, MAX_LINES)) reporter.warn(`Not part of the mirror: ${path}`);
  if (unlisted.length > MAX_LINES) reporter.warn(`… and ${unlisted.length - MAX_LINES} more files.`);
  for (const { origin, urls, example } of elsewhere.slice(0, MAX_LINES)) {
    reporter.warn(
      `${counted(urls, 'package URL')} to ${origin}, as in ${example}: stock clients fetch there.`,
    );
  }
  if (elsewhere.length > 0) {
    reporter.warn('A static host needs a mirror made with create --public-url and its address.');
  }
}

function verdict({ depth, files, bytes, snapshot }: VerifyReport): string {
  const amount = `${counted(files.checked, 'file')}, ${bytesText(bytes.checked)}`;
  const until = `Valid until ${snapshot?.expires_at}.`;
  if (depth === 'deep') return `OK: ${amount}, every byte as signed. ${until}`;
  const read = files.verified > 0 ? `; ${files.verified} of them were read` : '';
  return `OK: ${amount}, as the server says${read}. Only without --quick are the bytes checked. ${until}`;
}

function refusal({ failures, files, snapshot }: VerifyReport): string {
  if (!snapshot) return 'FAILED: there is no snapshot here that a trusted key has signed.';
  const only = files.total > 0 && files.checked < files.total ? ' Not everything was looked at.' : '';
  return `FAILED: ${counted(failures.length, 'file')} of this mirror cannot be trusted.${only}`;
}
