import { MirrorError, messageOf } from '../errors.ts';
import type { FileState, Verdict } from './evidence.ts';

/** How thoroughly files are looked at: by what storage recorded, or by reading every byte. */
export type Depth = 'quick' | 'deep';

/** A file that is not as the snapshot says, or cannot be trusted. */
export interface Failure {
  path: string;
  state: Exclude<FileState, 'verified' | 'consistent'> | 'expired' | 'rolled-back' | 'bad-signature';
  message: string;
  expected?: string;
  found?: string;
}

/** One thing that was looked at besides the files' bytes. */
export interface Check {
  name: 'snapshot' | 'manifest' | 'index signature' | 'signature' | 'index' | 'vulnerabilities';
  /** The file concerned. */
  path: string;
  state: 'passed' | 'failed' | 'not checked here';
  /** What the state rests on. */
  evidence: string;
}

/** The outcome of a verification; it never says more than was checked. */
export interface VerifyReport {
  /** True when nothing wrong was found in what this call looked at. */
  ok: boolean;
  /** True when this one call looked at everything; calls with a cursor each see a part. */
  complete: boolean;
  depth: Depth;
  checked_at: string;
  snapshot?: { version: number; created_at: string; expires_at: string; signed_by: string };
  checks: Check[];
  files: { total: number; checked: number; verified: number; consistent: number; failed: number };
  bytes: { total: number; checked: number };
  failures: Failure[];
  /** Where the next call goes on; null when nothing is left to check. */
  cursor: string | null;
}

/** Collects checks, verdicts and failures; the first failure of a path stands. */
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

  fail(failure: Failure): void {
    if (!this.#failures.has(failure.path)) this.#failures.set(failure.path, failure);
  }

  /** Records a thrown error as a failed check and as a failure of the file that it names. */
  failCheck(check: Omit<Check, 'state' | 'evidence'>, error: unknown): void {
    this.check({ ...check, state: 'failed', evidence: messageOf(error) });
    this.fail(failureOf(error, check.path));
  }

  verdict(verdict: Verdict, size: number): void {
    const { files, bytes } = this.#report;
    files.checked += 1;
    bytes.checked += size;
    if (verdict.state === 'verified' || verdict.state === 'consistent') {
      files[verdict.state] += 1;
      return;
    }
    const { path, state, message = path, expected, found } = verdict;
    files.failed += 1;
    this.fail({
      path,
      state,
      message,
      ...(expected === undefined ? {} : { expected }),
      ...(found === undefined ? {} : { found }),
    });
  }

  build(): VerifyReport {
    const failures = [...this.#failures.values()];
    return {
      ...this.#report,
      failures,
      ok: failures.length === 0 && this.#report.checks.every((check) => check.state !== 'failed'),
    };
  }
}

/** The report of a walk in two parts, of which the second began where the first stopped. */
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

/** What a thrown error says about the file at fault; `fallback` when it names none. */
export function failureOf(error: unknown, fallback: string): Failure {
  const known = error instanceof MirrorError ? error : undefined;
  return {
    path: known?.where ?? fallback,
    state: stateOf(known),
    message: messageOf(error),
    ...(known?.expected === undefined ? {} : { expected: known.expected }),
    ...(known?.found === undefined ? {} : { found: known.found }),
  };
}

function stateOf(error: MirrorError | undefined): Failure['state'] {
  switch (error?.code) {
    case 'missing':
    case 'not-found':
      return 'missing';
    case 'expired':
    case 'rolled-back':
    case 'bad-signature':
      return error.code;
    case 'mismatch':
    case 'bad-input':
    case 'too-large':
      return 'mismatch';
    default:
      return 'unknown';
  }
}
