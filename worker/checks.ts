import type { MirrorStore, StoredRecords, Usage } from '../format/store.ts';
import type { Verdict } from '../format/verify/evidence.ts';
import type { Depth, VerifyReport } from '../format/verify/report.ts';
import type { SharedFindings } from './findings.ts';
import type { Settings } from './settings.ts';
import { SharedWork } from './shared-work.ts';

/** How long a listing of what storage recorded is used again, milliseconds. */
const LIFETIME = 60_000;
/** The most objects that one operation of R2 lists. */
const LISTED_AT_ONCE = 1000;
/** How long a request waits for a run that another request began, milliseconds. */
const PATIENCE = 30_000;
/** How many parts of each depth, and how many single files, are read at once. */
const AT_ONCE = { quick: 4, deep: 1, files: 4 } as const;

/** A report, and the SHA-256 of the root that it is about. */
export interface Run {
  report: VerifyReport;
  root: string | undefined;
}

/** What the verifications of all places share: few parts are read at once, and one listing of storage serves all. */
export class Checks {
  readonly running: Readonly<Record<Depth, SharedWork<Run>>>;
  readonly reading: SharedWork<Verdict>;
  readonly #store: MirrorStore;
  readonly #settings: Settings;
  readonly #clock: () => Date;
  readonly #findings: SharedFindings;
  readonly #listing: SharedWork<StoredRecords | undefined>;
  #listed: { records: StoredRecords | undefined; at: number; turn: number } | undefined;

  constructor(store: MirrorStore, settings: Settings, clock: () => Date, findings: SharedFindings) {
    this.#store = store;
    this.#settings = settings;
    this.#clock = clock;
    this.#findings = findings;
    const atMost = <T>(count: number) => new SharedWork<T>(clock, PATIENCE, count);
    this.running = { quick: atMost(AT_ONCE.quick), deep: atMost(AT_ONCE.deep) };
    this.reading = atMost(AT_ONCE.files);
    this.#listing = atMost(1);
  }

  /**
   * Returns what storage recorded, where a third of a call's operations can list it: at least so many `files`. Concurrent requests
   * share one listing, which serves the calls of a minute, or until another fault is found.
   */
  async records(used: Usage, files = 0): Promise<StoredRecords | undefined> {
    const now = this.#clock().getTime();
    const known = this.#listed;
    const isRecent = known && now < known.at + LIFETIME && this.#findings.lastNew <= known.turn;
    if (isRecent) return known.records;
    const maxOperations = Math.floor(this.#settings.verifyOperations / 3);
    if (files > maxOperations * LISTED_AT_ONCE) return undefined;
    // Let go before the next one is made: both together take twice the memory.
    this.#listed = undefined;
    return this.#listing.join('', async () => {
      const { last: turn } = this.#findings;
      const records = await this.#store.records?.(maxOperations, used);
      this.#listed = { records, at: now, turn };
      return records;
    });
  }
}
