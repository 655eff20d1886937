import type { Depth, Failure, VerifyReport } from '../format/verify/report.ts';

/** How long a report is shown with its age, milliseconds. */
const LIFETIME = 60 * 60 * 1000;
/** Failures that are remembered of one check. */
const MAX_FAILURES = 1000;

/** A check of a snapshot. */
export interface Kept {
  report: VerifyReport;
  /** SHA-256 of the root, hex. */
  root: string;
  /** The number of the last finding before it began. */
  began: number;
}

/**
 * What the checks of one isolate, or one process, found about the live snapshot, for an hour, put together from the calls that
 * followed each other: of each depth the last one that came to an end or found something, and the one that goes on. Other
 * isolates know only their own.
 */
export class Reports {
  readonly #clock: () => Date;
  readonly #settled: Partial<Record<Depth, Kept | undefined>> = {};
  readonly #running: Partial<Record<Depth, Kept | undefined>> = {};

  constructor(clock: () => Date) {
    this.#clock = clock;
  }

  /** Remembers what a call found from `cursor` on. Returns all that is known of that check by now. */
  note({ report, root, began }: Kept, cursor: string | undefined): Kept | undefined {
    const { depth } = report;
    const before = cursor === undefined ? undefined : this.#find(root, depth, this.#running, this.#settled);
    const together = cursor === undefined ? report : before && followed(before.report, cursor, report);
    if (!together) return undefined;
    // What was found in order was so after the check began.
    const check = { root, report: together, began: before?.began ?? began };
    const isOver = together.cursor === null;
    this.#running[depth] = isOver ? undefined : check;
    if (isOver || !together.ok) this.#settled[depth] = check;
    return check;
  }

  /**
   * Returns what the last check of a depth found that came to an end or found something, by the SHA-256 of the snapshot's root; if
   * there is none, what one has found so far.
   */
  of(root: string, depth: Depth): VerifyReport | undefined {
    return this.#find(root, depth, this.#settled, this.#running)?.report;
  }

  /** Returns what the check of a depth that is not at its end has found so far, by the SHA-256 of the root. */
  unfinished(root: string, depth: Depth): VerifyReport | undefined {
    return this.#find(root, depth, this.#running)?.report;
  }

  #find(root: string, depth: Depth, ...places: Partial<Record<Depth, Kept | undefined>>[]): Kept | undefined {
    const now = this.#clock().getTime();
    return places
      .map((place) => place[depth])
      .find((kept) => kept?.root === root && now - Date.parse(kept.report.checked_at) < LIFETIME);
  }

  /**
   * Returns the report that says most: one that found something, unless a later one found everything in order; otherwise a finished
   * deep one; otherwise the latest.
   */
  last(root: string): VerifyReport | undefined {
    const [deep, quick] = [this.of(root, 'deep'), this.of(root, 'quick')];
    const [latest, earlier] = isLater(quick, deep) ? [quick, deep] : [deep, quick];
    if (latest?.ok === false) return latest;
    if (earlier?.ok === false && !latest?.complete) return earlier;
    return deep?.ok && deep.complete ? deep : latest;
  }
}

const isLater = (one: VerifyReport | undefined, other: VerifyReport | undefined): boolean =>
  one !== undefined && (other === undefined || one.checked_at > other.checked_at);

/**
 * Returns a report together with that of the next call. What a call found that does not follow is added, because it may not be
 * lost; `undefined` if that is nothing.
 */
function followed(before: VerifyReport, cursor: string, report: VerifyReport): VerifyReport | undefined {
  if (before.cursor !== cursor) {
    if (report.ok) return undefined;
    return { ...before, ok: false, failures: union(before.failures, report.failures) };
  }
  const { files, bytes } = report;
  const counts = Object.entries(files).map(([key, count]) => [
    key,
    count + before.files[key as keyof typeof files],
  ]);
  return {
    ...report,
    ok: before.ok && report.ok,
    // It began at the beginning.
    complete: report.cursor === null,
    checks: before.checks,
    files: { ...(Object.fromEntries(counts) as typeof files), total: files.total },
    bytes: { total: bytes.total, checked: before.bytes.checked + bytes.checked },
    failures: union(before.failures, report.failures),
  };
}

/** Returns the failures of both, one of each file. */
const union = (some: readonly Failure[], more: readonly Failure[]): Failure[] =>
  [...new Map([...some, ...more].map((failure) => [failure.path, failure])).values()].slice(0, MAX_FAILURES);
