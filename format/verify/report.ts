import { type ErrorCode, MirrorError, messageOf } from '../errors.ts';
import type { FileState, Verdict } from './evidence.ts';

/** How files are checked: by what storage recorded, or by reading every byte. */
export type Depth = 'quick' | 'deep';

/** A file that does not match the snapshot, or cannot be trusted. */
export interface Failure {
  path: string;
  state: Exclude<FileState, 'verified' | 'consistent'> | 'expired' | 'rolled-back' | 'bad-signature';
  message: string;
  expected?: string | undefined;
  found?: string | undefined;
}

/** A check of something other than a file's bytes. */
export interface Check {
  name: 'snapshot' | 'manifest' | 'index signature' | 'signature' | 'index' | 'vulnerabilities';
  /** The file concerned. */
  path: string;
  state: 'passed' | 'failed' | 'not checked here';
  /** What the state rests on. */
  evidence: string;
}

/** The outcome of a verification. It never claims more than was checked. */
export interface VerifyReport {
  /** True if this call found nothing wrong in what it checked. */
  ok: boolean;
  /** True if this one call checked everything. Calls with a cursor each check a part. */
  complete: boolean;
  depth: Depth;
  checked_at: string;
  snapshot?: { version: number; created_at: string; expires_at: string; signed_by: string };
  checks: Check[];
  files: { total: number; checked: number; verified: number; consistent: number; failed: number };
  bytes: { total: number; checked: number };
  failures: Failure[];
  /** Where the next call continues; null if nothing is left to check. */
  cursor: string | null;
}

/** Collects checks, verdicts and failures. Only the first failure of a path is kept. */
export class ReportBuilder {
  readonly #report: VerifyReport;
  readonly #failures = new Map<string, Failure>();

  constructor(depth: Depth, now: Date) {
    this.#report = {
      ok: false,
      complete: false,
      depth,
      checked_at: now.toISOString(),
      checks: [],
      files: { total: 0, checked: 0, verified: 0, consistent: 0, failed: 0 },
      bytes: { total: 0, checked: 0 },
      failures: [],
      cursor: null,
    };
  }

  set(part: Partial<Pick<VerifyReport, 'snapshot' | 'cursor' | 'complete'>>): void {
    Object.assign(this.#report, part);
  }

  total(files: number, bytes: number): void {
    this.#report.files.total += files;
    this.#report.bytes.total += bytes;
  }

  check(check: Check): void {
    this.#report.checks.push(check);
  }

  pass(check: Pick<Check, 'name' | 'path'>, evidence: string): void {
    this.check({ ...check, state: 'passed', evidence });
  }

  /** Records a thrown error as a failed check, and as a failure of the file that the error names. */
  failCheck(check: Pick<Check, 'name' | 'path'>, error: unknown): void {
    this.check({ ...check, state: 'failed', evidence: messageOf(error) });
    this.fail(failureOf(error, check.path));
  }

  fail(failure: Failure): void {
    if (!this.#failures.has(failure.path)) this.#failures.set(failure.path, failure);
  }

  verdict({ path, state, message = path, expected, found }: Verdict, size: number): void {
    const { files, bytes } = this.#report;
    files.checked += 1;
    bytes.checked += size;
    if (state === 'verified' || state === 'consistent') {
      files[state] += 1;
    } else {
      files.failed += 1;
      this.fail({ path, state, message, expected, found });
    }
  }

  build(): VerifyReport {
    const failures = [...this.#failures.values()];
    const ok = failures.length === 0 && this.#report.checks.every(({ state }) => state !== 'failed');
    return { ...this.#report, failures, ok };
  }
}

/** Returns the report of a walk in two parts, where the second continued the first. */
export function joinReports(first: VerifyReport, second: VerifyReport): VerifyReport {
  const failures = new Map([...first.failures, ...second.failures].map((failure) => [failure.path, failure]));
  const isRepeated = ({ name, path }: Check): boolean =>
    second.checks.some((check) => check.name === name && check.path === path);
  return {
    ...second,
    ok: first.ok && second.ok,
    complete: second.cursor === null,
    checks: [...first.checks.filter((check) => !isRepeated(check)), ...second.checks],
    files: {
      total: second.files.total,
      checked: first.files.checked + second.files.checked,
      verified: first.files.verified + second.files.verified,
      consistent: first.files.consistent + second.files.consistent,
      failed: first.files.failed + second.files.failed,
    },
    bytes: { total: second.bytes.total, checked: first.bytes.checked + second.bytes.checked },
    failures: [...failures.values()],
  };
}

/** Returns what a thrown error means for the file that it names, or for `fallback` if it names none. */
export function failureOf(error: unknown, fallback: string): Failure {
  const message = messageOf(error);
  if (!(error instanceof MirrorError)) return { path: fallback, state: 'unknown', message };
  const { where = fallback, code, expected, found } = error;
  return { path: where, state: STATES[code] ?? 'unknown', message, expected, found };
}

const STATES: Partial<Record<ErrorCode, Failure['state']>> = {
  missing: 'missing',
  'not-found': 'missing',
  expired: 'expired',
  'rolled-back': 'rolled-back',
  'bad-signature': 'bad-signature',
  mismatch: 'mismatch',
  'bad-input': 'mismatch',
  'too-large': 'mismatch',
};
