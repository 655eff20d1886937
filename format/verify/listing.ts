import { MirrorError } from '../errors.ts';
import { PORTABLE, type RuntimeCrypto } from '../runtime-crypto.ts';
import type { SnapshotEntry } from '../snapshot/entry.ts';
import { Leaf } from '../snapshot/leaf.ts';
import { leafIndex } from '../snapshot/lookup.ts';
import type { LeafReference, Root } from '../snapshot/root.ts';
import type { DocumentSource } from './source.ts';

const KEPT_LEAVES = 8;

/** The entries of a snapshot, read leaf by leaf. Each leaf is checked against the root before it is used. */
export class Listing {
  readonly root: Root;
  readonly #source: DocumentSource;
  readonly #keepAll: boolean;
  readonly #crypto: RuntimeCrypto;
  readonly #opened = new Map<string, Promise<Leaf>>();
  readonly #entries = new Map<string, SnapshotEntry[]>();

  /** `keepAll` keeps every leaf in memory, for callers that need each of them twice. */
  constructor(source: DocumentSource, root: Root, keepAll: boolean, crypto: RuntimeCrypto = PORTABLE) {
    this.#source = source;
    this.root = root;
    this.#keepAll = keepAll;
    this.#crypto = crypto;
  }

  /** Returns the entries of a leaf (docs/format.md section 9, step 4). Throws `missing`, `mismatch` or `bad-input`. */
  async leaf(reference: LeafReference): Promise<SnapshotEntry[]> {
    const { sha256 } = reference;
    const entries = this.#entries.get(sha256) ?? (await this.open(reference)).entries();
    if (this.#keepAll) this.#entries.set(sha256, entries);
    return entries;
  }

  /** Opens a leaf: its bytes are those of the root. Throws as {@link leaf}, but not for what its lines are. */
  open(reference: LeafReference): Promise<Leaf> {
    const { sha256 } = reference;
    const known = this.#opened.get(sha256);
    if (known) return known;
    const opened = this.#read(reference);
    // The documents are in the first few leaves. The walk needs each of the others only once.
    if (this.#opened.size < KEPT_LEAVES) this.#opened.set(sha256, opened);
    return opened;
  }

  async #read(reference: LeafReference): Promise<Leaf> {
    const bytes = await this.#source.leaf(reference);
    return new Leaf(bytes, this.root, this.root.leaves.indexOf(reference), this.#crypto);
  }

  /** Returns the leaves that can hold `name` and the names after it. */
  leavesFrom(name: string): readonly LeafReference[] {
    return this.root.leaves.slice(Math.max(leafIndex(this.root, name), 0));
  }

  /** Returns the entry with this name, or `undefined` if the snapshot has none. Throws as {@link leaf}, but for other lines of its leaf. */
  async find(name: string): Promise<SnapshotEntry | undefined> {
    const reference = this.root.leaves[leafIndex(this.root, name)];
    return reference && (await this.open(reference)).find(name);
  }

  /** Returns the entry with this name. Throws `missing`, or as {@link leaf}. */
  async entry(name: string): Promise<SnapshotEntry> {
    const entry = await this.find(name);
    if (entry) return entry;
    throw new MirrorError('missing', `The snapshot does not list ${name}.`, { where: name });
  }

  /** Returns a document whole, if its bytes are the listed ones (step 5). Throws `missing`, `mismatch` or `too-large`. */
  async read(path: string, limit: number): Promise<Uint8Array> {
    const entry = await this.entry(path);
    const bytes = await this.#source.read(entry, Math.min(limit, entry.size ?? limit));
    const found = this.#crypto.sha256Hex(bytes);
    if (found === entry.sha256) return bytes;
    const details = { where: path, expected: entry.sha256, found };
    throw new MirrorError('mismatch', `${path} does not match the snapshot.`, details);
  }

  /** Returns all entries, or `undefined` if a leaf cannot be read: files that it lists would seem unlisted. */
  async all(): Promise<SnapshotEntry[] | undefined> {
    const leaves = await Promise.allSettled(this.root.leaves.map((reference) => this.leaf(reference)));
    const read = leaves.flatMap((leaf) => (leaf.status === 'fulfilled' ? [leaf.value] : []));
    return read.length === leaves.length ? read.flat() : undefined;
  }
}
