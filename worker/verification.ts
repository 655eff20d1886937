import { MirrorError } from '../format/errors.ts';
import { type SnapshotId, snapshotName } from '../format/layout.ts';
import type { SnapshotEntry } from '../format/snapshot/entry.ts';
import type { SeenVersions } from '../format/snapshot/seen.ts';
import type { MirrorStore, StoredRecords, Usage } from '../format/store.ts';
import { judge, type Verdict } from '../format/verify/evidence.ts';
import type { Depth, VerifyReport } from '../format/verify/report.ts';
import { verifyMirror } from '../format/verify/walk.ts';
import type { Settings } from './settings.ts';
import { SharedWork } from './shared-work.ts';
import { hashStored, MAX_LOOKS, StoreSource } from './store-source.ts';

/** How long a quick report of a snapshot, and a listing of what storage recorded, are used again, milliseconds. */
const LIFETIME = 60_000;
/** How long a request waits for a run that another request began, milliseconds. */
const PATIENCE = 30_000;
/** Small, so that the documents and the first slice fit the subrequests of a free plan. */
const SLICE_SIZE = 8;
/** Bytes after which a deep call ends: hashing them takes less than a second of CPU time. */
const DEEP_BYTES = 512 * 1024 * 1024;

/** A report, and the SHA-256 of the root that it is about. */
interface Run {
  report: VerifyReport;
  root: string | undefined;
}

/** Which snapshot to verify. */
export interface Target {
  /** SHA-256 of the root of the live one. */
  root?: string | undefined;
  /** Another one, which need not be live. */
  snapshot?: SnapshotId | undefined;
  /** What was served before, by mirror and signer. */
  seen?: Readonly<Record<string, SeenVersions>> | undefined;
}

/** Verification at the edge: bounded calls of the format's walk. Requests for the same part share one run. */
export class Verification {
  readonly #store: MirrorStore;
  readonly #settings: Settings;
  readonly #clock: () => Date;
  readonly #running: Readonly<Record<Depth, SharedWork<Run>>>;
  readonly #reading: SharedWork<Verdict>;
  #quick: (Run & { until: number }) | undefined;
  #listed: { records: StoredRecords | undefined; until: number } | undefined;

  constructor(store: MirrorStore, settings: Settings, clock: () => Date) {
    this.#store = store;
    this.#settings = settings;
    this.#clock = clock;
    this.#running = { quick: new SharedWork(clock, PATIENCE), deep: new SharedWork(clock, PATIENCE) };
    this.#reading = new SharedWork(clock, PATIENCE);
  }

  /** Returns the last whole quick report of a snapshot, by the SHA-256 of its root, while it is fresh. */
  recent(root: string): VerifyReport | undefined {
    const quick = this.#quick;
    return quick?.root === root && this.#clock().getTime() < quick.until ? quick.report : undefined;
  }

  /**
   * Verifies the mirror from `cursor` on, as far as one call's operations and bytes reach.
   * Throws `bad-input` for a cursor of another snapshot, and `busy` while another part is being read by bytes: anybody
   * may ask for that, and each part costs as much as hundreds of other requests.
   */
  async run(
    depth: Depth,
    cursor: string | undefined,
    { root, snapshot, seen }: Target,
  ): Promise<VerifyReport> {
    const whole = depth === 'quick' && cursor === undefined && snapshot === undefined;
    const recent = whole && root !== undefined ? this.recent(root) : undefined;
    if (recent) return recent;
    // The root is in the key because a run that began before a switch does not cover the snapshot that is live now.
    const target = snapshot ? snapshotName(snapshot) : `live ${root}`;
    const part = `${target} ${cursor ?? ''}`;
    if (depth === 'deep' && this.#running.deep.isTaken(part)) throw busy();
    const run = await this.#running[depth].join(part, () => this.#walk(depth, cursor, { snapshot, seen }));
    if (whole && run.root !== undefined) {
      this.#quick = { ...run, until: this.#clock().getTime() + LIFETIME };
    }
    return run.report;
  }

  /** Verifies one file by its bytes. Requests for the same file share one reading. */
  file(entry: SnapshotEntry): Promise<Verdict> {
    return this.#reading.join(`${entry.sha256} ${entry.name}`, async () =>
      judge(entry, await hashStored(this.#store, entry)),
    );
  }

  async #walk(depth: Depth, cursor: string | undefined, { snapshot, seen }: Target): Promise<Run> {
    const used = { operations: 0, bytes: 0 };
    const records = depth === 'quick' ? this.#records(used) : undefined;
    // Settled before the walk so that its operations count. A failure is a finding about each file.
    if (records) await Promise.allSettled([records]);
    const source = new StoreSource(this.#store, { records, snapshot, used });
    const { trusted, mirror, verifyOperations } = this.#settings;
    const report = await verifyMirror(source, {
      trusted,
      mirror,
      // A kept snapshot that is asked for by name is not a rollback.
      seen: snapshot ? undefined : seen,
      now: this.#clock(),
      depth,
      cursor,
      sliceSize: SLICE_SIZE,
      // One more for the leaf that may come first.
      mayContinue: () =>
        used.operations + SLICE_SIZE * MAX_LOOKS + 1 <= verifyOperations && used.bytes < DEEP_BYTES,
    });
    return { report, root: source.root };
  }

  /** Returns what storage recorded, where a third of a call's operations can list it. One listing serves a minute's calls. */
  async #records(used: Usage): Promise<StoredRecords | undefined> {
    const now = this.#clock().getTime();
    if (this.#listed && now < this.#listed.until) return this.#listed.records;
    const maxOperations = Math.floor(this.#settings.verifyOperations / 3);
    const records = await this.#store.records?.(maxOperations, used);
    this.#listed = { records, until: now + LIFETIME };
    return records;
  }
}

const busy = (): MirrorError =>
  new MirrorError('busy', 'Another deep check is running here: one part is read at a time.');
