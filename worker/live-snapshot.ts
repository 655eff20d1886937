import { LRUCache } from 'lru-cache';
import { sameBytes } from '../format/bytes.ts';
import { MirrorError } from '../format/errors.ts';
import { ROOT } from '../format/layout.ts';
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
import { blameStorage, storedLeaf } from './storage-check.ts';

/** How old the pointer may be in one isolate, milliseconds, unless the store says otherwise. */
const POINTER_LIFETIME = 10_000;
/** How long after a failure the pointer is not read again, milliseconds. */
const FAILURE_LIFETIME = 1_000;
/** Parsed leaves kept in one isolate, about 300 KB each. */
const MAX_LEAVES = 64;
/** How long a request waits for a read that another request began, milliseconds. */
const PATIENCE = 5_000;

/** The snapshot that one request is answered from, from beginning to end. */
export interface LiveSnapshot {
  signed: SignedRoot;
  snapshot: Root;
  /** SHA-256 of the root, hex. */
  sha256: string;
  /** The key that signed it; `undefined` only where unverified snapshots are allowed. */
  signer: PublicKey | undefined;
  /** Returns the entry of a name. Throws `missing` or `mismatch` when its leaf is not as signed. */
  find(name: string): Promise<SnapshotEntry | undefined>;
  /** Returns the first entry at or after a name. Throws as `find`. */
  from(name: string): Promise<SnapshotEntry | undefined>;
  /** When it was published here, or else first seen, Unix seconds: no client can have received it before. */
  published: number;
}

/** The live snapshot of a store. It is verified once and looked up again every ten seconds; leaves in use are kept. */
export class LiveSnapshots {
  readonly #store: MirrorStore;
  readonly #settings: Settings;
  readonly #clock: () => Date;
  readonly #leaves = new LRUCache<string, SnapshotEntry[]>({ max: MAX_LEAVES });
  readonly #leafReads: SharedWork<SnapshotEntry[]>;
  readonly #pointerReads: SharedWork<LiveSnapshot>;
  #live: { snapshot: LiveSnapshot; readAt: number; turn: number } | undefined;
  /** Number of the last read that began. */
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
   * Returns the snapshot to answer from. Throws `refused` when no key is configured, and `unpublished`,
   * `bad-signature`, `mismatch` or `rolled-back` when the published snapshot may not be served.
   */
  async current(): Promise<LiveSnapshot> {
    const now = this.#clock().getTime();
    const { pointerLifetime = POINTER_LIFETIME } = this.#store;
    if (this.#live && isFresh(now - this.#live.readAt, pointerLifetime)) return this.#live.snapshot;
    // A mirror that cannot be served need not cost a read and a signature check for each request.
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
    if (this.#settings.trusted.length === 0 && !this.#settings.allowUnverified) throw untrusting();
    const readAt = this.#clock().getTime();
    this.#turn += 1;
    const turn = this.#turn;
    const signed = await this.#store.signedRoot();
    if (!signed) throw unpublished();
    // A later read has overtaken this one: it is more recent.
    if (this.#live && this.#live.turn > turn) return this.#live.snapshot;
    const before = this.#live?.snapshot;
    const snapshot = before && sameRoot(before.signed, signed) ? before : this.#open(signed, readAt);
    if (before) expectNoOlder(snapshot.snapshot, before.snapshot);
    this.#live = { snapshot, readAt, turn };
    return snapshot;
  }

  #open(signed: PublishedRoot, readAt: number): LiveSnapshot {
    const { trusted } = this.#settings;
    const { snapshot, sha256, signer } =
      trusted.length > 0
        ? openRoot(signed, trusted, RUNTIME_CRYPTO)
        : { snapshot: parseRoot(signed.root), sha256: sha256Of(signed.root), signer: undefined };
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

  /** Returns the entries of one of a snapshot's leaves; none where it has no such leaf. */
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

  /** Leaves are content-addressed, so all snapshots share them. Concurrent requests share one read. */
  async #leaf(reference: LeafReference): Promise<SnapshotEntry[]> {
    const { sha256 } = reference;
    return this.#leaves.get(sha256) ?? this.#leafReads.join(sha256, () => this.#readLeaf(reference));
  }

  async #readLeaf(reference: LeafReference): Promise<SnapshotEntry[]> {
    const bytes = await storedLeaf(this.#store, reference);
    try {
      const entries = parseLeaf(bytes, reference, RUNTIME_CRYPTO);
      this.#leaves.set(reference.sha256, entries);
      return entries;
    } catch (error) {
      return blameStorage(error);
    }
  }
}

const sameRoot = (a: SignedRoot, b: SignedRoot): boolean =>
  a === b || (a.signature === b.signature && sameBytes(a.root, b.root));

/** A negative age is not fresh: setting the clock back prolongs nothing. */
const isFresh = (age: number, lifetime: number): boolean => age >= 0 && age < lifetime;

const untrusting = (): MirrorError =>
  new MirrorError(
    'refused',
    'This server has no key to trust: set TRUSTED_KEYS to the public key of the mirror.',
  );

const unpublished = (): MirrorError =>
  new MirrorError('unpublished', 'Nothing has been published here yet.', { where: ROOT });

function expectNoOlder({ version }: Root, before: Root): void {
  if (version >= before.version) return;
  throw new MirrorError('rolled-back', 'The published snapshot is older than one that was served before.', {
    where: ROOT,
    expected: `version ${before.version} or newer`,
    found: String(version),
  });
}
