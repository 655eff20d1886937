import { MirrorError } from '../format/errors.ts';
import { parseKeptName, type SnapshotId, snapshotName } from '../format/layout.ts';
import type { SnapshotEntry } from '../format/snapshot/entry.ts';
import type { Root, SignedRoot } from '../format/snapshot/root.ts';
import type { SeenVersions } from '../format/snapshot/seen.ts';
import type { MirrorStore, Usage, Which } from '../format/store.ts';
import { judge, type Verdict } from '../format/verify/evidence.ts';
import type { Depth, VerifyReport } from '../format/verify/report.ts';
import { verifyMirror } from '../format/verify/walk.ts';
import { Checks, type Run } from './checks.ts';
import type { Findings } from './findings.ts';
import { Reports } from './reports.ts';
import { RUNTIME_CRYPTO } from './runtime-crypto.ts';
import type { Settings } from './settings.ts';
import { hashStored, MAX_OPERATIONS_PER_FILE, StoreSource } from './store-source.ts';

/** How long a quick report of a snapshot is used again, milliseconds. */
const LIFETIME = 60_000;
/** Small, so that the documents and the first slice fit the subrequests of a free plan. */
const SLICE_SIZE = 8;
/** Bytes after which a deep call ends: hashing them takes less than a second of CPU time. */
const DEEP_BYTES = 512 * 1024 * 1024;
/** Bytes of one slice of a deep call, unless a single file is larger. */
const DEEP_SLICE = 64 * 1024 * 1024;
/** Bytes of the longest manifest.json that is parsed: that of thousands of packages takes more time than a call has. */
const MAX_PARSED = 128 * 1024;
/** Whoever pays for more operations has more time too: a leaf takes as long as so many of them. */
const OPERATIONS_PER_LEAF = 30;

/** Which snapshot to verify. */
export interface Target {
  /** Path of the place that is verified. */
  place?: string | undefined;
  /** The live one. */
  live?: { signed: SignedRoot; sha256: string; snapshot: Root } | undefined;
  /** Why the live one is not served. */
  refusal?: unknown;
  /** What storage is asked for if there is no live one; the channel at the root if absent. */
  which?: Which | undefined;
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
  readonly #checks: Checks;
  readonly #reports: Reports;
  /** The last quick report that began at the beginning, and the number of the last finding that it knows. */
  #quick: (Run & { turn: number }) | undefined;

  /** `checks` bounds this verification together with those of other places. */
  constructor(
    store: MirrorStore,
    settings: Settings,
    clock: () => Date,
    findings: Findings,
    checks: Checks = new Checks(store, settings, clock, findings.shared),
  ) {
    this.#store = store;
    this.#settings = settings;
    this.#clock = clock;
    this.#findings = findings;
    this.#checks = checks;
    this.#reports = new Reports(clock);
  }

  /** Returns what checks found here in the last hour, by the SHA-256 of the root: the report that says most. */
  last(root: string): VerifyReport | undefined {
    return this.#reports.last(root);
  }

  /** Returns what the last deep check found here in the last hour, by the SHA-256 of the root; so far, if none has ended. */
  deep(root: string): VerifyReport | undefined {
    return this.#reports.of(root, 'deep');
  }

  /** Returns what a deep check that has not ended has found here so far, by the SHA-256 of the root. */
  unfinished(root: string): VerifyReport | undefined {
    return this.#reports.unfinished(root, 'deep');
  }

  /** Returns the last quick report if it can be used again: it is of the last minute, and no other fault was found since. */
  #recent(root: string): VerifyReport | undefined {
    const last = this.#quick;
    if (last?.root !== root || this.#findings.isOutdated(last.turn)) return undefined;
    const age = this.#clock().getTime() - Date.parse(last.report.checked_at);
    return age < LIFETIME ? last.report : undefined;
  }

  /**
   * Verifies the mirror from `cursor` on, as far as one call's operations and bytes reach.
   * Throws `bad-input` for a cursor of another snapshot or a name of none, and `busy` while as many other parts are being
   * read as may be at once: anybody may ask for that, and each part costs as much as many other requests.
   */
  async run(depth: Depth, cursor: string | undefined, target: Target): Promise<VerifyReport> {
    const { live, snapshot, place = '' } = target;
    const whole = cursor === undefined && snapshot === undefined;
    const recent = whole && depth === 'quick' && live ? this.#recent(live.sha256) : undefined;
    if (recent) return recent;
    // The root is in the key because a run that began before a switch does not cover the snapshot that is live now.
    const part = `${place} ${snapshot ?? `live ${live?.sha256}`} ${cursor ?? ''}`;
    const run = await this.#checks.running[depth].join(part, async () => {
      const began = this.#findings.turn;
      const walked = await this.#walk(depth, cursor, target);
      if (snapshot === undefined) this.#remember(walked, began, cursor);
      return walked;
    });
    return run.report;
  }

  /** Remembers what a run about the live snapshot found, which began after the finding with the number `began`. */
  #remember(run: Run, began: number, cursor: string | undefined): void {
    const { report, root } = run;
    const isOutdated = this.#findings.isOutdated(began);
    for (const { path, state, expected } of report.failures) this.#findings.note(path, state, expected);
    if (root === undefined) return;
    const turn = isOutdated ? began : this.#findings.turn;
    if (cursor === undefined && report.depth === 'quick') this.#quick = { ...run, turn };
    const check = this.#reports.note({ report, root, began }, cursor);
    if (check) this.#findings.clear(check.report, check.began);
  }

  /** Verifies one file by its bytes. Requests for the same file share one reading. Throws `busy` as {@link run}. */
  async file(entry: SnapshotEntry): Promise<Verdict> {
    const verdict = await this.#checks.reading.join(`${entry.sha256} ${entry.name}`, async () =>
      judge(entry, await hashStored(this.#store, entry)),
    );
    if (verdict.state === 'verified') this.#findings.forget(entry);
    else this.#findings.note(verdict.path, verdict.state, verdict.expected);
    return verdict;
  }

  async #walk(
    depth: Depth,
    cursor: string | undefined,
    { live, refusal, which, snapshot, seen }: Target,
  ): Promise<Run> {
    const used = { operations: 0, bytes: 0, leaves: 0 };
    const kept = snapshot === undefined ? undefined : await this.#kept(snapshot, used);
    const files = live?.snapshot.totals.files;
    const records = depth === 'quick' ? this.#checks.records(used, files) : undefined;
    // Settled before the walk so that its operations count. A failure is a finding about each file.
    if (records) await Promise.allSettled([records]);
    const source = new StoreSource(this.#store, {
      ...{ records, used, which: kept ?? which, live: kept ? undefined : live?.signed },
      // They are about the files of the live snapshot.
      findings: kept ? undefined : this.#findings,
    });
    const { trusted, mirror, verifyOperations } = this.#settings;
    const report = await verifyMirror(source, {
      ...{
        trusted,
        mirror,
        now: this.#clock(),
        depth,
        cursor,
        crypto: RUNTIME_CRYPTO,
        maxParsed: MAX_PARSED,
      },
      // A kept snapshot that is asked for by name is not a rollback, and need not be what is served.
      ...(kept ? { named: kept } : { seen, refusal }),
      ...{ sliceSize: SLICE_SIZE, sliceBytes: DEEP_SLICE },
      // One more for the leaf that may come first.
      mayContinue: () =>
        used.leaves < verifyOperations / OPERATIONS_PER_LEAF &&
        used.operations + SLICE_SIZE * MAX_OPERATIONS_PER_FILE + 1 <= verifyOperations &&
        used.bytes < DEEP_BYTES,
    });
    return { report, root: source.root };
  }

  /** Returns the kept snapshot with a name, or with a version that no other has. Throws `bad-input`. */
  async #kept(name: string, used: Usage): Promise<SnapshotId> {
    const kept = parseKeptName(name);
    if (kept?.signer !== undefined) return { version: kept.version, signer: kept.signer };
    const expected = '<version>-<key id>, or a version';
    const details = { expected, found: name.slice(0, 80) };
    if (!kept) {
      throw new MirrorError('bad-input', 'This is not the name of a snapshot.', details);
    }
    used.operations += 1;
    const found = (await this.#store.snapshots(kept.version)) ?? [];
    const [only] = found;
    if (only && found.length === 1) return only;
    const message = only ? 'Several kept snapshots have this version.' : 'No kept snapshot has this version.';
    const names = only && found.map(snapshotName).join(' or ');
    throw new MirrorError('bad-input', message, { expected: names, found: name });
  }
}
