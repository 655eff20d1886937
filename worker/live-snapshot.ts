import { sameBytes } from '../format/bytes.ts';
import { MirrorError } from '../format/errors.ts';
import { ROOT, ROOT_CHANNEL, type SnapshotId, snapshotName } from '../format/layout.ts';
import { keyIdText, type PublicKey } from '../format/minisign/public-key.ts';
import { isOffered, type SnapshotEntry } from '../format/snapshot/entry.ts';
import type { Leaf } from '../format/snapshot/leaf.ts';
import { leafIndex } from '../format/snapshot/lookup.ts';
import { openRoot, parseRoot, type Root, type SignedRoot } from '../format/snapshot/root.ts';
import { expectNamed, expectNoRollback, type SeenVersions, withSeen } from '../format/snapshot/seen.ts';
import type { MirrorStore, PublishedRoot, Which } from '../format/store.ts';
import { Leaves } from './leaves.ts';
import { CHANNEL_LIST, KEPT_LIST, placeOfKept, ROOT_PLACE, type Served } from './place.ts';
import { RUNTIME_CRYPTO, sha256Of } from './runtime-crypto.ts';
import type { Settings } from './settings.ts';
import { SharedWork } from './shared-work.ts';
import { blameStorage } from './storage-check.ts';

/** How old the pointer may be in one isolate, milliseconds, unless the store says otherwise. */
const POINTER_LIFETIME = 10_000;
/** How long after a failure the pointer is not read again, milliseconds. */
const FAILURE_LIFETIME = 1_000;
/** In place of a signer, where nothing is verified. */
const UNSIGNED = 'unsigned';
/** How long a request waits for a read that another request began, milliseconds. */
const PATIENCE = 5_000;

/** The snapshot that one request is answered from, from beginning to end. */
export interface LiveSnapshot {
  signed: PublishedRoot;
  snapshot: Root;
  /** SHA-256 of the root, hex. */
  sha256: string;
  /** The key that signed it; `undefined` only where unverified snapshots are allowed. */
  signer: PublicKey | undefined;
  /** Returns the entry of a name that is offered now. Throws `missing` or `mismatch` when its leaf is not as signed. */
  find(name: string): Promise<SnapshotEntry | undefined>;
  /** Returns the first entry at or after a name that is offered now. Throws as `find`. */
  from(name: string): Promise<SnapshotEntry | undefined>;
  /** Returns the leaf with this index, if there is one. Throws as `find`. */
  leaf(index: number): Promise<Leaf | undefined>;
  /** When it was published here, or else first seen, Unix seconds: no client can have received it before. */
  published: number;
}

/** The highest versions served of each channel, by mirror and signer. Only channels that were served take room in it. */
export type SeenByChannel = Map<string, Readonly<Record<string, SeenVersions>>>;

/** Which snapshot of a store is served, and what it shares with the others. */
export interface LiveOptions {
  /** The channel at the root if absent. */
  which?: Served;
  leaves?: Leaves;
  seen?: SeenByChannel;
  /** Returns the id of the only mirror to serve, if it is known. */
  mirror?: () => string | undefined;
}

/**
 * The snapshot that is served in one place: the live one of a channel, or a kept one. It is verified once and looked up again
 * every ten seconds.
 */
export class LiveSnapshots {
  readonly #store: MirrorStore;
  readonly #settings: Settings;
  readonly #clock: () => Date;
  /** Which snapshot that is. */
  readonly which: Served;
  readonly #leaves: Leaves;
  readonly #mirror: () => string | undefined;
  readonly #pointerReads: SharedWork<LiveSnapshot>;
  #live: { snapshot: LiveSnapshot; readAt: number; turn: number } | undefined;
  /** Number of the last read that began. */
  #turn = 0;
  #failure: { error: unknown; failedAt: number } | undefined;
  readonly #seen: SeenByChannel;

  constructor(store: MirrorStore, settings: Settings, clock: () => Date, options: LiveOptions = {}) {
    this.#store = store;
    this.#settings = settings;
    this.#clock = clock;
    this.which = options.which ?? ROOT_PLACE.which;
    this.#leaves = options.leaves ?? new Leaves(store, clock);
    this.#mirror = options.mirror ?? (() => settings.mirror);
    this.#seen = options.seen ?? new Map();
    this.#pointerReads = new SharedWork(clock, PATIENCE);
  }

  /** The id of the mirror that was served here last, if any was. */
  get mirror(): string | undefined {
    return this.#live?.snapshot.snapshot.mirror;
  }

  /** The highest version served here, by mirror and signer. */
  get seen(): Readonly<Record<string, SeenVersions>> {
    return ('channel' in this.which && this.#seen.get(this.which.channel)) || {};
  }

  /**
   * Returns the snapshot to answer from. Throws `refused` when no key is configured, `not-found` for a channel or a kept snapshot
   * that is not there, and `unpublished`, `bad-signature`, `mismatch`, `other-mirror` or `rolled-back` when the published snapshot
   * may not be served.
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
    expectTrust(this.#settings);
    const readAt = this.#clock().getTime();
    this.#turn += 1;
    const turn = this.#turn;
    const which = await this.stored();
    const signed = await this.#store.signedRoot(which);
    if (!signed) throw absent(which);
    // A later read has overtaken this one: it is more recent.
    if (this.#live && this.#live.turn > turn) return this.#live.snapshot;
    const before = this.#live?.snapshot;
    const snapshot = before && sameRoot(before.signed, signed) ? before : this.#open(signed, readAt);
    expectMirror(snapshot.snapshot, this.#mirror());
    // A kept snapshot that is requested by its version is neither a rollback nor remembered.
    if ('channel' in which) this.#accept(snapshot, which.channel);
    else expectNamed(snapshot.snapshot, snapshot.signer, which);
    this.#live = { snapshot, readAt, turn };
    return snapshot;
  }

  /**
   * Returns which snapshot of the store that is. Throws `not-found` for a kept snapshot by a key that is not trusted, or a version
   * that none or several of the trusted keys signed.
   */
  async stored(): Promise<Which> {
    const { which } = this;
    if ('channel' in which) return which;
    if (which.signer !== undefined) {
      if (isTrusted(which, this.#settings)) return which;
      throw notServed(KEPT_LIST, `This server does not trust ${which.signer}, the key of this snapshot.`);
    }
    const kept = await this.#store.snapshots(which.version);
    const found = (kept ?? []).filter((id) => isTrusted(id, this.#settings));
    const [only] = found;
    if (only && found.length === 1) return only;
    if (!only) throw notServed(KEPT_LIST, `This mirror keeps no snapshot ${which.version}.`);
    const names = found.map(placeOfKept).join(' or ');
    throw notServed(KEPT_LIST, `Several keys have signed a snapshot ${which.version}.`, names);
  }

  /** Remembers the snapshot of a channel as served. Throws `rolled-back` for one that may not be. */
  #accept({ snapshot, signer }: LiveSnapshot, channel: string): void {
    const { mirror } = snapshot;
    const all = this.#seen.get(channel) ?? {};
    const seen = all[mirror] ?? {};
    if (signer) {
      // The order of keys holds for whatever was served here: a replaced key cannot return under another mirror's id.
      const signers = Object.values(all).flatMap(Object.keys);
      const unversioned = Object.fromEntries(signers.map((id) => [id, 0]));
      expectNoRollback(snapshot, signer, this.#settings.trusted, { ...unversioned, ...seen });
      this.#seen.set(channel, { ...all, [mirror]: withSeen(seen, snapshot, signer) });
    } else {
      expectNoOlder(snapshot, seen[UNSIGNED] ?? 0);
      this.#seen.set(channel, { ...all, [mirror]: { [UNSIGNED]: snapshot.version } });
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
      leaf: (index) => this.#leaves.at(snapshot, index).catch(blameStorage),
    };
  }

  async #find(root: Root, name: string): Promise<SnapshotEntry | undefined> {
    const entry = (await this.#leaves.at(root, leafIndex(root, name), true))?.find(name);
    return entry && isOffered(entry, this.#clock()) ? entry : undefined;
  }

  async *#entries(root: Root, name: string): AsyncGenerator<SnapshotEntry, undefined> {
    try {
      for (let at = Math.max(leafIndex(root, name), 0); at < root.leaves.length; at++) {
        const leaf = await this.#leaves.at(root, at);
        for (const entry of leaf?.from(name) ?? []) if (isOffered(entry, this.#clock())) yield entry;
      }
      return undefined;
    } catch (error) {
      return blameStorage(error);
    }
  }
}

const sameRoot = (a: SignedRoot, b: SignedRoot): boolean =>
  a === b || (a.signature === b.signature && sameBytes(a.root, b.root));

/** A negative age is not fresh: setting the clock back prolongs nothing. */
const isFresh = (age: number, lifetime: number): boolean => age >= 0 && age < lifetime;

/** Throws `refused` if nothing may be served, because there is no key to verify it with. */
export function expectTrust({ trusted, allowUnverified }: Settings): void {
  if (trusted.length > 0 || allowUnverified) return;
  throw new MirrorError(
    'refused',
    'This server has no key to trust: set TRUSTED_KEYS to the public key of the mirror.',
  );
}

/** Returns whether a kept snapshot may be served, by the key that it is said to be signed with. */
export const isTrusted = ({ signer }: SnapshotId, { trusted }: Settings): boolean =>
  trusted.length === 0 || trusted.some(({ keyId }) => keyIdText(keyId) === signer);

/** Returns the error for a snapshot that is not in the store. */
function absent(which: Which): MirrorError {
  if (!('channel' in which))
    return notServed(KEPT_LIST, `This mirror does not keep snapshot ${snapshotName(which)}.`);
  return which.channel === ROOT_CHANNEL
    ? new MirrorError('unpublished', 'Nothing has been published here yet.', { where: ROOT })
    : notServed(CHANNEL_LIST, `This mirror has no channel ${which.channel}.`);
}

/** Returns the error for a channel or a kept snapshot that is not served. `where` is the list of those that are. */
export const notServed = (
  where: typeof CHANNEL_LIST | typeof KEPT_LIST,
  message: string,
  expected?: string,
): MirrorError => new MirrorError('not-found', message, { where, expected });

/** Throws `other-mirror` unless this is the one mirror to serve. */
function expectMirror({ mirror }: Root, expected: string | undefined): void {
  if (expected === undefined || mirror === expected) return;
  throw new MirrorError(
    'other-mirror',
    'The published snapshot is of another mirror than the one that is served here.',
    {
      where: ROOT,
      expected,
      found: mirror,
    },
  );
}

function expectNoOlder({ version }: Root, highest: number): void {
  if (version >= highest) return;
  throw new MirrorError('rolled-back', 'The published snapshot is older than one that was served before.', {
    where: ROOT,
    expected: `version ${highest} or newer`,
    found: String(version),
  });
}
