import { MirrorError } from '../format/errors.ts';
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

/**
 * What one isolate, or one process, has found out about stored files in the last hour, by serving or by checking them:
 * for health, pages and later checks.
 */
export class Findings {
  readonly #clock: () => Date;
  /** By path, the latest last. */
  readonly #faults = new Map<string, Fault>();
  /** Number of the last finding: clocks are too coarse to tell what came first. */
  #turn = 0;
  /** Number of the last fault that was not known before. */
  #newTurn = 0;
  /** The last file that was sent on the evidence of an MD5. */
  #weak: Pick<Fault, 'at' | 'turn'> | undefined;

  constructor(clock: () => Date) {
    this.#clock = clock;
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
    return this.#turn;
  }

  /** Returns true if a file was not as signed: only its bytes can show that it is now. */
  has(path: string): boolean {
    return this.#faults.has(path);
  }

  /** Returns true if the file was found to have other bytes than this entry lists: then an MD5 is no evidence for them. */
  refutes(entry: SnapshotEntry): boolean {
    return this.#faults.get(filePathOf(entry))?.expected === entry.sha256;
  }

  /** Returns true if a fault that was not known before was found after the finding with this number. */
  isOutdated(turn: number): boolean {
    return this.#newTurn > turn;
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
    this.#turn += 1;
    if (before <= at - LIFETIME) this.#newTurn = this.#turn;
    this.#faults.delete(path);
    this.#faults.set(path, { path, code, expected, at, turn: this.#turn });
    const [oldest] = this.#faults.keys();
    if (this.#faults.size > MAX_FILES && oldest !== undefined) this.#faults.delete(oldest);
  }

  /** Forgets a file whose bytes were read and are as signed. */
  forget(path: string): void {
    this.#faults.delete(path);
  }

  /** Remembers that a file was sent on the evidence of an MD5. */
  noteWeak(): void {
    this.#turn += 1;
    this.#weak = { at: this.#clock().getTime(), turn: this.#turn };
  }

  /** Forgets what a check of everything, begun after the finding with this number, has found in order since. */
  clear({ ok, complete, files }: VerifyReport, began: number): void {
    if (!ok || !complete) return;
    for (const [path, { turn }] of this.#faults) if (turn <= began) this.#faults.delete(path);
    if (files.consistent === 0 && this.#weak && this.#weak.turn <= began) this.#weak = undefined;
  }
}
