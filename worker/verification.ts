import { createHash } from 'node:crypto';
import { sha256Hex } from '../format/digest.ts';
import { MirrorError, messageOf } from '../format/errors.ts';
import { leafPath } from '../format/layout.ts';
import { filePathOf, type SnapshotEntry } from '../format/snapshot/entry.ts';
import type { LeafReference, SignedRoot } from '../format/snapshot/root.ts';
import { type Evidence, judge, type Verdict } from '../format/verify/evidence.ts';
import type { Depth, VerifyReport } from '../format/verify/report.ts';
import type { VerifySource } from '../format/verify/source.ts';
import { verifyMirror } from '../format/verify/walk.ts';
import { SharedWork } from './live-snapshot.ts';
import type { Settings } from './settings.ts';
import type { Inspect, MirrorStore } from './store.ts';

/** How long a quick report is given again for the same snapshot, milliseconds. */
const QUICK_LIFETIME = 60_000;
/** How long a run that another request began is waited for, milliseconds. */
const PATIENCE = 30_000;
const READERS = 4;
/** Small, so that the first slice and the documents fit a free plan's subrequests. */
const SLICE_SIZE = 16;

/** A store as the verification walk sees it, counting the storage operations that it makes. */
class StoreSource implements VerifySource {
  readonly #store: MirrorStore;
  readonly #inspect: Inspect;
  operations = 0;
  /** SHA-256 of the root that was read, hex. */
  root: string | undefined;

  constructor(store: MirrorStore) {
    this.#store = store;
    this.#inspect = store.inspector(() => {
      this.operations += 1;
    });
  }

  async signedRoot(): Promise<SignedRoot> {
    this.operations += 1;
    const signed = await this.#store.signedRoot();
    if (signed) {
      this.root = sha256Hex(signed.root);
      return signed;
    }
    throw new MirrorError('missing', 'Nothing has been published here yet.', { where: 'snapshot/root.json' });
  }

  async leaf(reference: LeafReference): Promise<Uint8Array> {
    this.operations += 1;
    const bytes = await this.#store.leaf(reference);
    if (bytes) return bytes;
    const where = leafPath(reference.sha256);
    throw new MirrorError('missing', `${where} is missing.`, { where });
  }

  async read(entry: SnapshotEntry, limit: number): Promise<Uint8Array> {
    this.operations += 1;
    const where = filePathOf(entry);
    const file = await this.#store.open(entry);
    if (!file) throw new MirrorError('missing', `${where} is missing.`, { where });
    if (file.record.size <= limit) return new Uint8Array(await new Response(file.body).arrayBuffer());
    await file.body.cancel();
    throw new MirrorError('too-large', `${where} is longer than ${limit} bytes.`, { where });
  }

  async inspect(entries: readonly SnapshotEntry[], depth: Depth): Promise<Evidence[]> {
    if (depth === 'quick') return this.#inspect(entries);
    const evidence: Evidence[] = [];
    for (let at = 0; at < entries.length; at += READERS) {
      this.operations += Math.min(READERS, entries.length - at);
      evidence.push(
        ...(await Promise.all(
          entries.slice(at, at + READERS).map((entry) => hashStored(this.#store, entry)),
        )),
      );
    }
    return evidence;
  }
}

/** Reads a stored file to its end and hashes it, whatever storage says of it. */
async function hashStored(store: MirrorStore, entry: SnapshotEntry): Promise<Evidence> {
  try {
    const file = await store.open(entry);
    if (!file) return { kind: 'absent' };
    const hash = createHash('sha256');
    let size = 0;
    for await (const chunk of file.body) {
      hash.update(chunk);
      size += chunk.length;
    }
    return { kind: 'bytes', size, sha256: hash.digest('hex') };
  } catch (error) {
    return { kind: 'unreadable', reason: messageOf(error) };
  }
}

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
   * Verifies the mirror from `cursor` on, as far as one call's operations reach. `root` is the SHA-256 of the snapshot
   * that is live now. Throws `bad-input` for a cursor of another snapshot.
   */
  async run(depth: Depth, cursor: string | undefined, root: string | undefined): Promise<VerifyReport> {
    const whole = depth === 'quick' && cursor === undefined;
    const recent = whole && root !== undefined ? this.recent(root) : undefined;
    if (recent) return recent;
    // By snapshot too: a run that began before a switch says nothing of what is live after it.
    const run = await this.#running.join(`${depth} ${root} ${cursor ?? ''}`, () => this.#walk(depth, cursor));
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

  async #walk(depth: Depth, cursor: string | undefined): Promise<Run> {
    const source = new StoreSource(this.#store);
    const { trusted, verifyOperations } = this.#settings;
    const operationsPerSlice = depth === 'deep' ? SLICE_SIZE : 1;
    const report = await verifyMirror(source, {
      trusted,
      now: this.#clock(),
      depth,
      cursor,
      sliceSize: SLICE_SIZE,
      mayContinue: () => source.operations + operationsPerSlice <= verifyOperations,
    });
    return { report, root: source.root };
  }
}
