import { MirrorError } from '../format/errors.ts';
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
  readonly #running: Readonly<Record<Depth, SharedWork<Run>>>;
  readonly #reading: SharedWork<Verdict>;
  #quick: { report: VerifyReport; root: string; until: number } | undefined;
  #records: { inspect: Inspect; until: number } | undefined;

  constructor(store: MirrorStore, settings: Settings, clock: () => Date) {
    this.#store = store;
    this.#settings = settings;
    this.#clock = clock;
    this.#running = { quick: new SharedWork(clock, PATIENCE), deep: new SharedWork(clock, PATIENCE) };
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
   * Throws `bad-input` for a cursor of another snapshot, and `busy` while another part is read by bytes: anybody may ask
   * for that, and each part costs as much as hundreds of other requests.
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
    const part = `${target} ${cursor ?? ''}`;
    if (depth === 'deep' && this.#running.deep.isTaken(part)) throw busy();
    const run = await this.#running[depth].join(part, () => this.#walk(depth, cursor, version));
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

  async #walk(depth: Depth, cursor: string | undefined, version: number | undefined): Promise<Run> {
    const inspect: Inspect = (entries) => this.#inspect(entries, source);
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

  /**
   * What storage recorded. A listing costs an operation per thousand objects, so the calls of a minute share one,
   * whatever snapshot they are about.
   */
  async #inspect(entries: readonly SnapshotEntry[], source: StoreSource): Promise<Evidence[]> {
    const now = this.#clock().getTime();
    if (!this.#records || now >= this.#records.until) {
      const onOperation = (): void => {
        source.operations += 1;
      };
      const maxPages = Math.floor(this.#settings.verifyOperations / 3);
      const inspect = this.#store.inspector(onOperation, maxPages);
      this.#records = { inspect, until: now + QUICK_LIFETIME };
    }
    try {
      return await this.#records.inspect(entries);
    } catch (error) {
      this.#records = undefined;
      throw error;
    }
  }
}

const busy = (): MirrorError =>
  new MirrorError('busy', 'Another deep check is under way here: one part is read at a time.');
