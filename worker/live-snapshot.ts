import { LRUCache } from 'lru-cache';
import { sameBytes } from '../format/bytes.ts';
import { MirrorError } from '../format/errors.ts';
import { ROOT } from '../format/layout.ts';
import type { PublicKey } from '../format/minisign/public-key.ts';
import { isOffered, type SnapshotEntry } from '../format/snapshot/entry.ts';
import { Leaf } from '../format/snapshot/leaf.ts';
import { leafIndex } from '../format/snapshot/lookup.ts';
import { openRoot, parseRoot, type Root, type SignedRoot } from '../format/snapshot/root.ts';
import { expectNoRollback, type SeenVersions, withSeen } from '../format/snapshot/seen.ts';
import type { MirrorStore, PublishedRoot } from '../format/store.ts';
import { RUNTIME_CRYPTO, sha256Of } from './runtime-crypto.ts';
import type { Settings } from './settings.ts';
import { SharedWork } from './shared-work.ts';
import { blameStorage, storedLeaf } from './storage-check.ts';

/** How old the pointer may be in one isolate, milliseconds, unless the store says otherwise. */
const POINTER_LIFETIME = 10_000;
/** How long after a failure the pointer is not read again, milliseconds. */
const FAILURE_LIFETIME = 1_000;
/** Leaves kept in one isolate, usually about 150 KB each. */
const MAX_LEAVES = 64;
/** Bytes of all of them: another writer's leaves may be larger. */
const MAX_LEAF_BYTES = 32 * 1024 * 1024;
/** In place of a signer, where nothing is verified. */
const UNSIGNED = 'unsigned';
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
  /** Returns the entry of a name that is offered now. Throws `missing` or `mismatch` when its leaf is not as signed. */
  find(name: string): Promise<SnapshotEntry | undefined>;
  /** Returns the first entry at or after a name that is offered now. Throws as `find`. */
  from(name: string): Promise<SnapshotEntry | undefined>;
  /** Yields all entries at and after a name that are offered now, and reads each leaf when it comes to it. Throws as `find`. */
  entries(name: string): AsyncGenerator<SnapshotEntry, undefined>;
  /** When it was published here, or else first seen, Unix seconds: no client can have received it before. */
  published: number;
}

/** The live snapshot of a store. It is verified once and looked up again every ten seconds; leaves in use are kept. */
export class LiveSnapshots {
  readonly #store: MirrorStore;
  readonly #settings: Settings;
  readonly #clock: () => Date;
  readonly #leaves = new LRUCache<string, Leaf>({ max: MAX_LEAVES, maxSize: MAX_LEAF_BYTES });
  readonly #leafReads: SharedWork<Leaf>;
  readonly #pointerReads: SharedWork<LiveSnapshot>;
  #live: { snapshot: LiveSnapshot; readAt: number; turn: number } | undefined;
  /** Number of the last read that began. */
  #turn = 0;
  #failure: { error: unknown; failedAt: number } | undefined;
  #seen: Readonly<Record<string, SeenVersions>> = {};

  constructor(store: MirrorStore, settings: Settings, clock: () => Date) {
    this.#store = store;
    this.#settings = settings;
    this.#clock = clock;
    this.#leafReads = new SharedWork(clock, PATIENCE);
    this.#pointerReads = new SharedWork(clock, PATIENCE);
  }

  /** The highest version served here, by mirror and signer. */
  get seen(): Readonly<Record<string, SeenVersions>> {
    return this.#seen;
  }

  /**
   * Returns the snapshot to answer from. Throws `refused` when no key is configured, and `unpublished`,
   * `bad-signature`, `mismatch`, `other-mirror` or `rolled-back` when the published snapshot may not be served.
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
    this.#accept(snapshot);
    this.#live = { snapshot, readAt, turn };
    return snapshot;
  }

  /** Remembers a snapshot as served. Throws `other-mirror` or `rolled-back` for one that may not be. */
  #accept({ snapshot, signer }: LiveSnapshot): void {
    const { mirror } = snapshot;
    const seen = this.#seen[mirror] ?? {};
    expectMirror(snapshot, this.#settings.mirror);
    if (signer) {
      // The order of keys holds for whatever was served here: a replaced key cannot return under another mirror's id.
      const signers = Object.values(this.#seen).flatMap(Object.keys);
      const unversioned = Object.fromEntries(signers.map((id) => [id, 0]));
      expectNoRollback(snapshot, signer, this.#settings.trusted, { ...unversioned, ...seen });
      this.#seen = { ...this.#seen, [mirror]: withSeen(seen, snapshot, signer) };
    } else {
      expectNoOlder(snapshot, seen[UNSIGNED] ?? 0);
      this.#seen = { ...this.#seen, [mirror]: { [UNSIGNED]: snapshot.version } };
    }
  }

  #open(signed: PublishedRoot, readAt: number): LiveSnapshot {
    const { trusted } = this.#settings;
    const { snapshot, sha256, signer } =
      trusted.length > 0
        ? openRoot(signed, trusted, RUNTIME_CRYPTO)
        : { snapshot: parseRoot(signed.root), sha256: sha256Of(signed.root), signer: undefined };
    const { published = Math.floor(readAt / 1000) } = signed;
    return {
      ...{ signed, snapshot, sha256, signer, published },
      find: (name) => this.#find(snapshot, name).catch(blameStorage),
      from: async (name) => (await this.#entries(snapshot, name).next()).value,
      entries: (name) => this.#entries(snapshot, name),
    };
  }

  async #find(root: Root, name: string): Promise<SnapshotEntry | undefined> {
    const entry = (await this.#leafAt(root, leafIndex(root, name)))?.find(name);
    return entry && isOffered(entry, this.#clock()) ? entry : undefined;
  }

  async *#entries(root: Root, name: string): AsyncGenerator<SnapshotEntry, undefined> {
    try {
      for (let at = Math.max(leafIndex(root, name), 0); at < root.leaves.length; at++) {
        const leaf = await this.#leafAt(root, at);
        for (const entry of leaf?.from(name) ?? []) if (isOffered(entry, this.#clock())) yield entry;
      }
      return undefined;
    } catch (error) {
      return blameStorage(error);
    }
  }

  /** Returns one of a snapshot's leaves, if it has that one. Concurrent requests share one read. */
  async #leafAt(root: Root, at: number): Promise<Leaf | undefined> {
    const reference = root.leaves[at];
    if (!reference) return undefined;
    // Snapshots share a leaf while all that it was checked against is the same.
    const { first, sha256 } = reference;
    const key = [sha256, first, root.leaves[at + 1]?.first ?? '', ...(root.sources ?? [])].join('\t');
    const read = async (): Promise<Leaf> => {
      const bytes = await storedLeaf(this.#store, reference);
      const leaf = new Leaf(bytes, root, at, RUNTIME_CRYPTO);
      this.#leaves.set(key, leaf, { size: bytes.length });
      return leaf;
    };
    return this.#leaves.get(key) ?? this.#leafReads.join(key, read);
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

/** Throws `other-mirror` unless this is the one mirror to serve. */
function expectMirror({ mirror }: Root, expected: string | undefined): void {
  if (expected === undefined || mirror === expected) return;
  throw new MirrorError('other-mirror', 'The published snapshot is of another mirror than MIRROR_ID names.', {
    where: ROOT,
    expected,
    found: mirror,
  });
}

function expectNoOlder({ version }: Root, highest: number): void {
  if (version >= highest) return;
  throw new MirrorError('rolled-back', 'The published snapshot is older than one that was served before.', {
    where: ROOT,
    expected: `version ${highest} or newer`,
    found: String(version),
  });
}
