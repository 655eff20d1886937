import type { SnapshotEntry } from '../format/snapshot/entry.ts';
import { type Evidence, judge, type Verdict } from '../format/verify/evidence.ts';
import type { Depth, VerifyReport } from '../format/verify/report.ts';
import { verifyMirror } from '../format/verify/walk.ts';
import type { Settings } from './settings.ts';
import { SharedWork } from './shared-work.ts';
import type { Inspect, MirrorStore } from './store.ts';
import { hashStored, StoreSource } from './store-source.ts';

/** How long a quick report, and what storage recorded, serve again for the same snapshot, milliseconds. */
const QUICK_LIFETIME = 60_000;
/** How long a run that another request began is waited for, milliseconds. */
const PATIENCE = 30_000;
/** Small, so that the first slice and the documents fit a free plan's subrequests. */
const SLICE_SIZE = 16;
/** Bytes after which a deep call ends: hashing them takes less than a second of CPU time. */
const DEEP_BYTES = 512 * 1024 * 1024;

/** A report, and which root it is about. */
interface Run {
  report: VerifyReport;
  root: string | undefined;
}

/** Verification at the edge: the shared walk over a store, bounded, each run shared by all who ask for it meanwhile. */
export class Verification {
  readonly #store: MirrorStore;
  readonly #settings: Settings;
  readonly #clock: () => Date;
  readonly #running: SharedWork<Run>;
  readonly #reading: SharedWork<Verdict>;
  #quick: { report: VerifyReport; root: string; until: number } | undefined;
  #records: { inspect: Inspect; target: string; until: number } | undefined;

  constructor(store: MirrorStore, settings: Settings, clock: () => Date) {
    this.#store = store;
    this.#settings = settings;
    this.#clock = clock;
    this.#running = new SharedWork(clock, PATIENCE);
    this.#reading = new SharedWork(clock, PATIENCE);
  }

  /** The last quick report of a snapshot (by its root's SHA-256) that began at the beginning, while it is fresh. */
  recent(root: string): VerifyReport | undefined {
    const quick = this.#quick;
    return quick?.root === root && this.#clock().getTime() < quick.until ? quick.report : undefined;
  }

  /**
   * Verifies the mirror from `cursor` on, as far as one call's operations and bytes reach. `root` is the SHA-256 of the
   * snapshot that is live now; `version` names another one that is published but need not be live.
   * Throws `bad-input` for a cursor of another snapshot.
   */
  async run(
    depth: Depth,
    cursor: string | undefined,
    root: string | undefined,
    version?: number,
  ): Promise<VerifyReport> {
    const whole = depth === 'quick' && cursor === undefined && version === undefined;
    const recent = whole && root !== undefined ? this.recent(root) : undefined;
    if (recent) return recent;
    // By snapshot too: a run that began before a switch says nothing of what is live after it.
    const target = version === undefined ? `live ${root}` : `version ${version}`;
    const run = await this.#running.join(`${depth} ${target} ${cursor ?? ''}`, () =>
      this.#walk(depth, cursor, target, version),
    );
    if (whole && run.root !== undefined) {
      this.#quick = { ...run, root: run.root, until: this.#clock().getTime() + QUICK_LIFETIME };
    }
    return run.report;
  }

  /** Verifies one file by its bytes; those who ask for it meanwhile share the reading. */
  file(entry: SnapshotEntry): Promise<Verdict> {
    return this.#reading.join(`${entry.sha256} ${entry.name}`, async () =>
      judge(entry, await hashStored(this.#store, entry)),
    );
  }

  async #walk(
    depth: Depth,
    cursor: string | undefined,
    target: string,
    version: number | undefined,
  ): Promise<Run> {
    const inspect: Inspect = (entries) => this.#inspect(entries, target, source);
    const source = new StoreSource(this.#store, inspect, version);
    const { trusted, verifyOperations } = this.#settings;
    const report = await verifyMirror(source, {
      trusted,
      now: this.#clock(),
      depth,
      cursor,
      sliceSize: SLICE_SIZE,
      // One more for the leaf that may come first.
      mayContinue: () => source.operations + SLICE_SIZE + 1 <= verifyOperations && source.bytes < DEEP_BYTES,
    });
    return { report, root: source.root };
  }

  /** What storage recorded. A listing costs an operation per thousand objects, so the calls of a minute share one. */
  async #inspect(
    entries: readonly SnapshotEntry[],
    target: string,
    source: StoreSource,
  ): Promise<Evidence[]> {
    const now = this.#clock().getTime();
    if (!this.#records || this.#records.target !== target || now >= this.#records.until) {
      const onOperation = (): void => {
        source.operations += 1;
      };
      const maxPages = Math.floor(this.#settings.verifyOperations / 3);
      const inspect = this.#store.inspector(onOperation, maxPages);
      this.#records = { inspect, target, until: now + QUICK_LIFETIME };
    }
    try {
      return await this.#records.inspect(entries);
    } catch (error) {
      this.#records = undefined;
      throw error;
    }
  }
}
