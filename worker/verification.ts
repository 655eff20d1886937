import { MirrorError } from '../format/errors.ts';
import { parseSnapshotName, type SnapshotId, snapshotName } from '../format/layout.ts';
import type { SnapshotEntry } from '../format/snapshot/entry.ts';
import type { Root, SignedRoot } from '../format/snapshot/root.ts';
import type { SeenVersions } from '../format/snapshot/seen.ts';
import type { MirrorStore, StoredRecords, Usage } from '../format/store.ts';
import { judge, type Verdict } from '../format/verify/evidence.ts';
import type { Depth, VerifyReport } from '../format/verify/report.ts';
import { verifyMirror } from '../format/verify/walk.ts';
import type { Findings } from './findings.ts';
import type { Settings } from './settings.ts';
import { SharedWork } from './shared-work.ts';
import { hashStored, MAX_OPERATIONS_PER_FILE, StoreSource } from './store-source.ts';

/** How long a quick report of a snapshot, and a listing of what storage recorded, are used again, milliseconds. */
const LIFETIME = 60_000;
/** How long the last report of a snapshot is shown with its age, milliseconds. */
const SHOWN = 60 * LIFETIME;
/** How long a request waits for a run that another request began, milliseconds. */
const PATIENCE = 30_000;
/** Small, so that the documents and the first slice fit the subrequests of a free plan. */
const SLICE_SIZE = 8;
/** Bytes after which a deep call ends: hashing them takes less than a second of CPU time. */
const DEEP_BYTES = 512 * 1024 * 1024;
/** Bytes of one slice of a deep call, unless a single file is larger. */
const DEEP_SLICE = 64 * 1024 * 1024;
/** How many parts of each depth, and how many single files, are read at once. */
const AT_ONCE = { quick: 4, deep: 1, files: 4 } as const;

/** A report, and the SHA-256 of the root that it is about. */
interface Run {
  report: VerifyReport;
  root: string | undefined;
}

/** Which snapshot to verify. */
export interface Target {
  /** The live one. */
  live?: { signed: SignedRoot; sha256: string; snapshot: Root } | undefined;
  /** Why the live one is not served. */
  refusal?: unknown;
  /** The name of a kept one, which need not be live: `<version>-<key id>`, or the version alone. */
  snapshot?: string | undefined;
  /** What was served before, by mirror and signer. */
  seen?: Readonly<Record<string, SeenVersions>> | undefined;
}

/**
 * Verification at the edge: bounded calls of the format's walk. Requests for the same part share one run, and few parts
 * are read at once.
 */
export class Verification {
  readonly #store: MirrorStore;
  readonly #settings: Settings;
  readonly #clock: () => Date;
  readonly #findings: Findings;
  readonly #running: Readonly<Record<Depth, SharedWork<Run>>>;
  readonly #reading: SharedWork<Verdict>;
  readonly #listing: SharedWork<StoredRecords | undefined>;
  /** The last whole report, and the number of the last finding that it knows. */
  #last: (Run & { turn: number }) | undefined;
  #listed: { records: StoredRecords | undefined; at: number; turn: number } | undefined;

  constructor(store: MirrorStore, settings: Settings, clock: () => Date, findings: Findings) {
    this.#store = store;
    this.#settings = settings;
    this.#clock = clock;
    this.#findings = findings;
    const atMost = <T>(count: number) => new SharedWork<T>(clock, PATIENCE, count);
    this.#running = { quick: atMost(AT_ONCE.quick), deep: atMost(AT_ONCE.deep) };
    this.#reading = atMost(AT_ONCE.files);
    this.#listing = atMost(1);
  }

  /** Returns the last report that began at the beginning of a snapshot, by the SHA-256 of its root, for an hour. */
  last(root: string): VerifyReport | undefined {
    return this.#last?.root === root && this.#isYoung(this.#last.report, SHOWN)
      ? this.#last.report
      : undefined;
  }

  /** Returns the last report if it can be used again: a quick one of the last minute, and no other fault was found since. */
  #recent(root: string): VerifyReport | undefined {
    const report = this.last(root);
    const isUsable = report?.depth === 'quick' && this.#isYoung(report, LIFETIME);
    return isUsable && !this.#findings.isOutdated(this.#last?.turn ?? 0) ? report : undefined;
  }

  #isYoung({ checked_at }: VerifyReport, lifetime: number): boolean {
    return this.#clock().getTime() - Date.parse(checked_at) < lifetime;
  }

  /**
   * Verifies the mirror from `cursor` on, as far as one call's operations and bytes reach.
   * Throws `bad-input` for a cursor of another snapshot or a name of none, and `busy` while as many other parts are being
   * read as may be at once: anybody may ask for that, and each part costs as much as many other requests.
   */
  async run(depth: Depth, cursor: string | undefined, target: Target): Promise<VerifyReport> {
    const { live, snapshot } = target;
    const whole = cursor === undefined && snapshot === undefined;
    const recent = whole && depth === 'quick' && live ? this.#recent(live.sha256) : undefined;
    if (recent) return recent;
    // The root is in the key because a run that began before a switch does not cover the snapshot that is live now.
    const part = `${snapshot ?? `live ${live?.sha256}`} ${cursor ?? ''}`;
    const run = await this.#running[depth].join(part, async () => {
      const began = this.#findings.turn;
      const walked = await this.#walk(depth, cursor, target);
      if (snapshot === undefined) this.#remember(walked, began, whole);
      return walked;
    });
    return run.report;
  }

  /** Remembers what a run about the live snapshot found, and a whole one as the last. */
  #remember(run: Run, began: number, whole: boolean): void {
    const isOutdated = this.#findings.isOutdated(began);
    for (const { path, state, expected } of run.report.failures) this.#findings.note(path, state, expected);
    if (!whole || run.root === undefined) return;
    this.#last = { ...run, turn: isOutdated ? began : this.#findings.turn };
    this.#findings.clear(run.report, began);
  }

  /** Verifies one file by its bytes. Requests for the same file share one reading. Throws `busy` as {@link run}. */
  async file(entry: SnapshotEntry): Promise<Verdict> {
    const verdict = await this.#reading.join(`${entry.sha256} ${entry.name}`, async () =>
      judge(entry, await hashStored(this.#store, entry)),
    );
    if (verdict.state === 'verified') this.#findings.forget(verdict.path);
    else this.#findings.note(verdict.path, verdict.state, verdict.expected);
    return verdict;
  }

  async #walk(
    depth: Depth,
    cursor: string | undefined,
    { live, refusal, snapshot, seen }: Target,
  ): Promise<Run> {
    const used = { operations: 0, bytes: 0 };
    const kept = snapshot === undefined ? undefined : await this.#kept(snapshot, used);
    const records = depth === 'quick' ? this.#records(used) : undefined;
    // Settled before the walk so that its operations count. A failure is a finding about each file.
    if (records) await Promise.allSettled([records]);
    const source = new StoreSource(this.#store, {
      ...{ records, used, kept, live: live?.signed },
      // They are about the files of the live snapshot.
      findings: kept ? undefined : this.#findings,
    });
    const { trusted, mirror, verifyOperations } = this.#settings;
    const report = await verifyMirror(source, {
      ...{ trusted, mirror, now: this.#clock(), depth, cursor },
      // A kept snapshot that is asked for by name is not a rollback, and need not be what is served.
      ...(kept ? {} : { seen, refusal }),
      ...{ sliceSize: SLICE_SIZE, sliceBytes: DEEP_SLICE },
      // One more for the leaf that may come first.
      mayContinue: () =>
        used.operations + SLICE_SIZE * MAX_OPERATIONS_PER_FILE + 1 <= verifyOperations &&
        used.bytes < DEEP_BYTES,
    });
    return { report, root: source.root };
  }

  /**
   * Returns what storage recorded, where a third of a call's operations can list it. Concurrent requests share one listing, which
   * serves the calls of a minute, or until another fault is found.
   */
  async #records(used: Usage): Promise<StoredRecords | undefined> {
    const now = this.#clock().getTime();
    const known = this.#listed;
    const isRecent = known && now < known.at + LIFETIME && !this.#findings.isOutdated(known.turn);
    if (isRecent) return known.records;
    // Let go before the next one is made: both together take twice the memory.
    this.#listed = undefined;
    return this.#listing.join('', async () => {
      const { turn } = this.#findings;
      const maxOperations = Math.floor(this.#settings.verifyOperations / 3);
      const records = await this.#store.records?.(maxOperations, used);
      this.#listed = { records, at: now, turn };
      return records;
    });
  }

  /** Returns the kept snapshot with a name, or with a version that no other has. Throws `bad-input`. */
  async #kept(name: string, used: Usage): Promise<SnapshotId> {
    const named = parseSnapshotName(name);
    if (named) return named;
    const expected = '<version>-<key id>, or a version';
    const details = { expected, found: name.slice(0, 80) };
    if (!/^[1-9]\d{0,15}$/.test(name)) {
      throw new MirrorError('bad-input', 'This is not the name of a snapshot.', details);
    }
    used.operations += 1;
    const found = await this.#store.snapshots(Number(name));
    const [only] = found;
    if (only && found.length === 1) return only;
    const message = only ? 'Several kept snapshots have this version.' : 'No kept snapshot has this version.';
    const names = only && found.map(snapshotName).join(' or ');
    throw new MirrorError('bad-input', message, { expected: names, found: name });
  }
}
