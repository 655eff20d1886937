import { sameBytes } from '../format/bytes.ts';
import { MirrorError } from '../format/errors.ts';
import { leafPath, ROOT } from '../format/layout.ts';
import type { PublicKey } from '../format/minisign/public-key.ts';
import type { SnapshotEntry } from '../format/snapshot/entry.ts';
import { expectInRange, parseLeaf } from '../format/snapshot/leaf.ts';
import { findEntry, firstEntryFrom, leafIndex } from '../format/snapshot/lookup.ts';
import {
  type LeafReference,
  openRoot,
  parseRoot,
  type Root,
  type SignedRoot,
} from '../format/snapshot/root.ts';
import type { MirrorStore, PublishedRoot } from '../format/store.ts';
import { RUNTIME_CRYPTO, sha256Of } from './runtime-crypto.ts';
import type { Settings } from './settings.ts';
import { SharedWork } from './shared-work.ts';

/** How old the pointer may get in one isolate, milliseconds, unless the store says otherwise. */
const POINTER_LIFETIME = 10_000;
/** How long a pointer that cannot be served from is not looked at again, milliseconds. */
const FAILURE_LIFETIME = 1_000;
/** Parsed leaves kept in one isolate; about 300 KB each. */
const MAX_LEAVES = 64;
/** How long a read that another request began is waited for, milliseconds. */
const PATIENCE = 5_000;

/** The snapshot that a request is answered from, from its beginning to its end. */
export interface LiveSnapshot {
  signed: SignedRoot;
  snapshot: Root;
  /** SHA-256 of the root, hex. */
  sha256: string;
  /** Who signed it; `undefined` only where unverified snapshots are allowed. */
  signer: PublicKey | undefined;
  /** The entry of a name. Throws `missing` or `mismatch` when its leaf is not as signed. */
  find(name: string): Promise<SnapshotEntry | undefined>;
  /** The first entry at or after a name. Throws as `find`. */
  from(name: string): Promise<SnapshotEntry | undefined>;
  /** When it was published here, or else first seen, Unix seconds: no client can have had it before. */
  published: number;
}

/** The live snapshot of a store: verified once, looked for anew every ten seconds, leaves kept while they are used. */
export class LiveSnapshots {
  readonly #store: MirrorStore;
  readonly #settings: Settings;
  readonly #clock: () => Date;
  readonly #leaves = new Map<string, SnapshotEntry[]>();
  readonly #leafReads: SharedWork<SnapshotEntry[]>;
  readonly #pointerReads: SharedWork<LiveSnapshot>;
  #live: { snapshot: LiveSnapshot; readAt: number; turn: number } | undefined;
  /** Of the last read that began. */
  #turn = 0;
  #failure: { error: unknown; failedAt: number } | undefined;

  constructor(store: MirrorStore, settings: Settings, clock: () => Date) {
    this.#store = store;
    this.#settings = settings;
    this.#clock = clock;
    this.#leafReads = new SharedWork(clock, PATIENCE);
    this.#pointerReads = new SharedWork(clock, PATIENCE);
  }

  /**
   * The snapshot to answer from. Throws `refused` when no key is configured, `unpublished`,
   * `bad-signature`, `mismatch` or `rolled-back` when what is published may not be served.
   */
  async current(): Promise<LiveSnapshot> {
    const now = this.#clock().getTime();
    const { pointerLifetime = POINTER_LIFETIME } = this.#store;
    if (this.#live && isFresh(now - this.#live.readAt, pointerLifetime)) return this.#live.snapshot;
    // Nobody gets anything then; at least it does not cost a read and a signature each time.
    if (this.#failure && isFresh(now - this.#failure.failedAt, FAILURE_LIFETIME)) throw this.#failure.error;
    return this.#pointerReads.join('', () => this.#read().catch((error) => this.#fail(error)));
  }

  #fail(reason: unknown): never {
    try {
      return blameStorage(reason);
    } catch (error) {
      this.#failure = { error, failedAt: this.#clock().getTime() };
      throw error;
    }
  }

  async #read(): Promise<LiveSnapshot> {
    if (this.#settings.trusted.length === 0 && !this.#settings.allowUnverified) {
      throw new MirrorError(
        'refused',
        'This server has no key to trust: set TRUSTED_KEYS to the public key of the mirror.',
      );
    }
    const readAt = this.#clock().getTime();
    this.#turn += 1;
    const turn = this.#turn;
    const signed = await this.#store.signedRoot();
    if (!signed)
      throw new MirrorError('unpublished', 'Nothing has been published here yet.', { where: ROOT });
    // A read that took so long that a later one overtook it has nothing to add.
    if (this.#live && this.#live.turn > turn) return this.#live.snapshot;
    const before = this.#live?.snapshot;
    const snapshot = before && sameRoot(before.signed, signed) ? before : this.#open(signed, readAt);
    if (before && snapshot.snapshot.version < before.snapshot.version) {
      throw new MirrorError(
        'rolled-back',
        'The published snapshot is older than one that was served before.',
        {
          where: ROOT,
          expected: `version ${before.snapshot.version} or newer`,
          found: String(snapshot.snapshot.version),
        },
      );
    }
    this.#live = { snapshot, readAt, turn };
    return snapshot;
  }

  #open(signed: PublishedRoot, readAt: number): LiveSnapshot {
    const { trusted } = this.#settings;
    const opened =
      trusted.length > 0
        ? openRoot(signed, trusted, RUNTIME_CRYPTO)
        : { snapshot: parseRoot(signed.root), sha256: sha256Of(signed.root), signer: undefined };
    const { snapshot, sha256, signer } = opened;
    const { published = Math.floor(readAt / 1000) } = signed;
    const find = async (name: string): Promise<SnapshotEntry | undefined> =>
      findEntry(await this.#leafAt(snapshot, leafIndex(snapshot, name)), name);
    const from = async (name: string): Promise<SnapshotEntry | undefined> => {
      const at = Math.max(leafIndex(snapshot, name), 0);
      return (
        firstEntryFrom(await this.#leafAt(snapshot, at), name) ??
        firstEntryFrom(await this.#leafAt(snapshot, at + 1), name)
      );
    };
    return { signed, snapshot, sha256, signer, find, from, published };
  }

  /** The entries of one of a snapshot's leaves; none where it has no such leaf. */
  async #leafAt({ leaves }: Root, at: number): Promise<SnapshotEntry[]> {
    const reference = leaves[at];
    if (!reference) return [];
    const entries = await this.#leaf(reference);
    try {
      expectInRange(entries, reference, leaves[at + 1]);
    } catch (error) {
      return blameStorage(error);
    }
    return entries;
  }

  /** Leaves are content-addressed, so they are shared by all snapshots; concurrent misses share one read. */
  async #leaf(reference: LeafReference): Promise<SnapshotEntry[]> {
    const { sha256 } = reference;
    const known = this.#leaves.get(sha256);
    return known ? this.#keep(sha256, known) : this.#leafReads.join(sha256, () => this.#readLeaf(reference));
  }

  /** Keeps a leaf as the one used last; the one not used for longest makes room. */
  #keep(sha256: string, leaf: SnapshotEntry[]): SnapshotEntry[] {
    this.#leaves.delete(sha256);
    this.#leaves.set(sha256, leaf);
    const [oldest] = this.#leaves.keys();
    if (this.#leaves.size > MAX_LEAVES && oldest !== undefined) this.#leaves.delete(oldest);
    return leaf;
  }

  async #readLeaf(reference: LeafReference): Promise<SnapshotEntry[]> {
    const bytes = await this.#store.leaf(reference);
    const where = leafPath(reference.sha256);
    if (!bytes) throw new MirrorError('missing', `${where} is missing from storage.`, { where });
    try {
      return this.#keep(reference.sha256, parseLeaf(bytes, reference, RUNTIME_CRYPTO));
    } catch (error) {
      return blameStorage(error);
    }
  }
}

/** What is wrong with a stored document is never the fault of the client, whom `bad-input` would blame. */
export function blameStorage(error: unknown): never {
  if (!(error instanceof MirrorError) || error.code !== 'bad-input') throw error;
  const { message, where, expected, found } = error;
  throw new MirrorError('mismatch', message, { where, expected, found, cause: error });
}

const sameRoot = (a: SignedRoot, b: SignedRoot): boolean =>
  a === b || (a.signature === b.signature && sameBytes(a.root, b.root));

/** A clock that was put back makes nothing last longer. */
const isFresh = (age: number, lifetime: number): boolean => age >= 0 && age < lifetime;
