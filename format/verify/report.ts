import * as v from 'valibot';
import { type ErrorCode, MirrorError, messageOf } from '../errors.ts';
import { countSchema } from '../schemas.ts';
import type { Verdict } from './evidence.ts';

/** How files are checked: by what storage recorded, or by reading every byte. */
export type Depth = VerifyReport['depth'];

const text = v.string();
const optionalText = v.optional(text);

const failureSchema = v.object({
  path: text,
  /** `unreachable` says nothing about the bytes: nobody answered with them. */
  state: v.picklist([
    'mismatch',
    'missing',
    'unknown',
    'expired',
    'rolled-back',
    'bad-signature',
    'unreachable',
  ]),
  message: text,
  expected: optionalText,
  found: optionalText,
});

/** The names of checks, in reports and in the description of the API. */
export const CHECK_NAMES = [
  'snapshot',
  'manifest',
  'index signature',
  'signature',
  'index',
  'vulnerabilities',
  'compressed files',
] as const;

const checkSchema = v.object({
  name: v.picklist(CHECK_NAMES),
  /** The file concerned. */
  path: text,
  state: v.picklist(['passed', 'failed', 'not checked here']),
  /** What the state rests on. */
  evidence: text,
});

export const reportSchema = v.object({
  /** True if this call found nothing wrong in what it checked. */
  ok: v.boolean(),
  /** True if this one call checked everything. Calls with a cursor each check a part. */
  complete: v.boolean(),
  depth: v.picklist(['quick', 'deep']),
  checked_at: text,
  snapshot: v.optional(
    v.object({ mirror: text, version: countSchema, created_at: text, expires_at: text, signed_by: text }),
  ),
  checks: v.array(checkSchema),
  files: v.object({
    total: countSchema,
    checked: countSchema,
    verified: countSchema,
    consistent: countSchema,
    /** Of these two: files on demand, which are there because somebody asked for them, or `fill` did. */
    fetched: countSchema,
    /** Not there, and need not be: whoever serves them fetches them. */
    on_demand: countSchema,
    /** Superseded, and no longer offered. */
    expired: countSchema,
    failed: countSchema,
  }),
  bytes: v.object({ total: countSchema, checked: countSchema }),
  failures: v.array(failureSchema),
  /** Where the next call continues; null if nothing is left to check. */
  cursor: v.nullable(text),
});

/** A file that does not match the snapshot, or cannot be trusted. */
export type Failure = v.InferOutput<typeof failureSchema>;
/** A check of something other than a file's bytes. */
export type Check = v.InferOutput<typeof checkSchema>;
/** The outcome of a verification. It never claims more than was checked. */
export type VerifyReport = v.InferOutput<typeof reportSchema>;

const NO_FILES = { verified: 0, consistent: 0, fetched: 0, on_demand: 0, expired: 0, failed: 0 };

/** What a check found: evidence, or errors. */
type Result = string | readonly unknown[];

/** Collects checks, verdicts and failures. Only the first failure of a path is kept. */
export class ReportBuilder {
  readonly #report: VerifyReport;
  readonly #failures: Map<string, Failure>;

  /** Adds to `before`, the report of an earlier part. Every part checks the snapshot itself, so that check is not kept. */
  constructor(depth: Depth, now: Date, before?: VerifyReport) {
    const { checks = [], failures = [], files, bytes } = before ?? {};
    this.#report = {
      ok: false,
      complete: false,
      depth,
      checked_at: now.toISOString(),
      checks: checks.filter(({ name }) => name !== 'snapshot'),
      files: { total: 0, checked: 0, ...NO_FILES, ...files },
      bytes: { total: 0, checked: 0, ...bytes },
      failures: [],
      cursor: null,
    };
    this.#failures = new Map(failures.map((failure) => [failure.path, failure]));
  }

  set(part: Partial<Pick<VerifyReport, 'snapshot' | 'cursor' | 'complete'>>): void {
    Object.assign(this.#report, part);
  }

  total(files: number, bytes: number): void {
    this.#report.files.total = files;
    this.#report.bytes.total = bytes;
  }

  check(check: Check): void {
    this.#report.checks.push(check);
  }

  /**
   * Makes a check. It passes with the evidence that `run` returns. Each error that `run` returns or throws is a failed
   * check, and a failure of the file that the error names.
   */
  async attempt(name: Check['name'], path: string, run: () => Promise<Result>): Promise<void> {
    const result = await run().catch((error: unknown) => [error]);
    if (typeof result === 'string') return this.check({ name, path, state: 'passed', evidence: result });
    for (const error of result) {
      this.check({ name, path, state: 'failed', evidence: messageOf(error) });
      this.fail(failureOf(error, path));
    }
  }

  fail(failure: Failure): void {
    if (!this.#failures.has(failure.path)) this.#failures.set(failure.path, failure);
  }

  /** Counts a file by what was found out about it; `isOnDemand` for one that need not be there. */
  verdict({ path, state, message = path, expected, found }: Verdict, size = 0, isOnDemand = false): void {
    if (state === 'verified' || state === 'consistent') {
      this.#count(state, size);
      if (isOnDemand) this.#report.files.fetched += 1;
    } else if (state === 'on demand') {
      this.#count('on_demand', size);
    } else {
      this.#count('failed', size);
      this.fail({ path, state, message, expected, found });
    }
  }

  /** Counts a superseded file whose time has come. */
  expired(size = 0): void {
    this.#count('expired', size);
  }

  #count(state: Exclude<keyof typeof NO_FILES, 'fetched'>, size: number): void {
    const { files, bytes } = this.#report;
    files.checked += 1;
    bytes.checked += size;
    files[state] += 1;
  }

  build(): VerifyReport {
    const failures = [...this.#failures.values()];
    const ok = failures.length === 0 && this.#report.checks.every(({ state }) => state !== 'failed');
    return { ...this.#report, failures, ok };
  }
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
  'other-mirror': 'mismatch',
  unpublished: 'missing',
  'bad-input': 'mismatch',
  'too-large': 'mismatch',
  unreachable: 'unreachable',
};
