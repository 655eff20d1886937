import { LRUCache } from 'lru-cache';
import { Leaf } from '../format/snapshot/leaf.ts';
import type { Root } from '../format/snapshot/root.ts';
import type { MirrorStore } from '../format/store.ts';
import type { LeafCache } from './leaf-cache.ts';
import { RUNTIME_CRYPTO } from './runtime-crypto.ts';
import { SharedWork } from './shared-work.ts';
import { storedLeaf } from './storage-check.ts';

/** Leaves kept in one isolate, usually about 150 KB each. */
const MAX_LEAVES = 64;
/** Bytes of all of them: another writer's leaves may be larger. */
const MAX_LEAF_BYTES = 32 * 1024 * 1024;
/** How long a request waits for a read that another request began, milliseconds. */
const PATIENCE = 5_000;

/** The leaves in use, of all snapshots that are served here. Concurrent requests share one read. */
export class Leaves {
  readonly #store: MirrorStore;
  readonly #cache: LeafCache | undefined;
  readonly #known = new LRUCache<string, Leaf>({ max: MAX_LEAVES, maxSize: MAX_LEAF_BYTES });
  readonly #reads: SharedWork<Leaf>;

  constructor(store: MirrorStore, clock: () => Date, cache?: LeafCache) {
    this.#store = store;
    this.#cache = cache;
    this.#reads = new SharedWork(clock, PATIENCE);
  }

  /**
   * Returns one of a snapshot's leaves, if it has that one. Throws `missing`, or `mismatch` and its like for a damaged one. `isOne` is
   * true if the request reads few others: each takes two calls of the cache, of which the platform allows as few as of storage.
   */
  async at(root: Root, at: number, isOne = false): Promise<Leaf | undefined> {
    const reference = root.leaves[at];
    if (!reference) return undefined;
    // Snapshots share a leaf while all that it was checked against is the same.
    const { first, sha256 } = reference;
    const key = [sha256, first, root.leaves[at + 1]?.first ?? '', ...(root.sources ?? [])].join('\t');
    const read = async (): Promise<Leaf> => {
      const cache = isOne ? this.#cache : undefined;
      const cached = await cache?.get(reference);
      const bytes = cached ?? (await storedLeaf(this.#store, reference));
      const leaf = new Leaf(bytes, root, at, RUNTIME_CRYPTO);
      if (!cached) cache?.keep(reference, bytes);
      this.#known.set(key, leaf, { size: bytes.length });
      return leaf;
    };
    return this.#known.get(key) ?? this.#reads.join(key, read);
  }
}
