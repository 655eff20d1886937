import { LRUCache } from 'lru-cache';
import { MirrorError } from '../format/errors.ts';
import { isSha256 } from '../format/is-sha256.ts';
import { POINTER, ROOT, signaturePath } from '../format/layout.ts';
import { filePathOf, type SnapshotEntry } from '../format/snapshot/entry.ts';
import type { VerifyReport } from '../format/verify/report.ts';

/** How long a finding counts unless a check clears it, milliseconds. */
const LIFETIME = 60 * 60 * 1000;
/** Files that are remembered at once. */
const MAX_FILES = 1000;
/** Codes of errors, and states of files, by which storage has other bytes than the signed ones. */
const FAULTS: readonly string[] = ['mismatch', 'missing', 'too-large'];
/** Judged for each request, so that nothing about them needs to be remembered. */
const JUDGED_EACH_TIME: readonly string[] = [POINTER, ROOT, signaturePath(ROOT)];

/** A stored file, or a leaf, that is not as signed. */
export interface Fault {
  path: string;
  code: string;
  /** What was expected: of bytes, their SHA-256 in hex. */
  expected?: string | undefined;
  /** When that was found last, milliseconds since 1970. */
  at: number;
  /** The number of that finding. */
  turn: number;
}

/** What the findings of all places have in common: they count together, and places share stored bytes. */
export class SharedFindings {
  /** Number of the last finding: clocks are too coarse to tell what came first. */
  last = 0;
  /** Number of the last fault that was not known before. */
  lastNew = 0;
  /** The SHA-256 of files in whose place other bytes were found, in whatever place. */
  readonly refuted = new LRUCache<string, true>({ max: MAX_FILES });
}

/**
 * What one isolate, or one process, has found out in the last hour about the stored files of one place, by serving or by
 * checking them: for health, pages and later checks.
 */
export class Findings {
  readonly #clock: () => Date;
  /** By path, the latest last. */
  readonly #faults = new Map<string, Fault>();
  readonly shared: SharedFindings;
  /** The last file that was sent on the evidence of an MD5. */
  #weak: Pick<Fault, 'at' | 'turn'> | undefined;

  constructor(clock: () => Date, shared = new SharedFindings()) {
    this.#clock = clock;
    this.shared = shared;
  }

  /** The files that are not as signed, the latest finding last. */
  get faults(): Fault[] {
    const since = this.#clock().getTime() - LIFETIME;
    return [...this.#faults.values()].filter(({ at }) => at > since);
  }

  /** True if a file was sent on the evidence of an MD5. */
  get weak(): boolean {
    return this.#weak !== undefined && this.#weak.at > this.#clock().getTime() - LIFETIME;
  }

  /** The number of the last finding. */
  get turn(): number {
    return this.shared.last;
  }

  /** Returns true if a file was not as signed, here or in another place: only its bytes can show that it is now. */
  has(entry: SnapshotEntry): boolean {
    return this.#faults.has(filePathOf(entry)) || this.refutes(entry);
  }

  /** Returns true if other bytes than this entry lists were found in any place: then an MD5 is no evidence for them. */
  refutes({ sha256 }: SnapshotEntry): boolean {
    return this.shared.refuted.has(sha256);
  }

  /** Returns true if a fault that was not known before was found after the finding with this number. */
  isOutdated(turn: number): boolean {
    return this.shared.lastNew > turn;
  }

  /** Remembers an error that refused a request, if it is a fault of stored bytes. */
  noteError(error: unknown): void {
    if (error instanceof MirrorError) this.note(error.where ?? '', error.code, error.expected);
  }

  /** Remembers the state of a file, if it is a fault. `expected` is what a check or a request expected of it. */
  note(path: string, code: string, expected?: string): void {
    if (!FAULTS.includes(code) || JUDGED_EACH_TIME.includes(path)) return;
    const at = this.#clock().getTime();
    const before = this.#faults.get(path)?.at ?? Number.NEGATIVE_INFINITY;
    this.shared.last += 1;
    if (before <= at - LIFETIME) this.shared.lastNew = this.shared.last;
    this.#faults.delete(path);
    this.#faults.set(path, { path, code, expected, at, turn: this.shared.last });
    if (code === 'mismatch' && expected !== undefined && isSha256(expected))
      this.shared.refuted.set(expected, true);
    const [oldest] = this.#faults.keys();
    if (this.#faults.size > MAX_FILES && oldest !== undefined) this.#faults.delete(oldest);
  }

  /** Forgets a file whose bytes were read and are as signed. */
  forget(entry: SnapshotEntry): void {
    this.#faults.delete(filePathOf(entry));
    this.shared.refuted.delete(entry.sha256);
  }

  /** Remembers that a file was sent on the evidence of an MD5. */
  noteWeak(): void {
    this.shared.last += 1;
    this.#weak = { at: this.#clock().getTime(), turn: this.shared.last };
  }

  /** Forgets what a check of everything, begun after the finding with this number, has found in order since. */
  clear({ ok, complete, files }: VerifyReport, began: number): void {
    if (!ok || !complete) return;
    for (const [path, { turn }] of this.#faults) if (turn <= began) this.#faults.delete(path);
    if (files.consistent === 0 && this.#weak && this.#weak.turn <= began) this.#weak = undefined;
  }
}
