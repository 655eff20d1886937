import type { SnapshotEntry } from '../snapshot/entry.ts';
import type { LeafReference, SignedRoot } from '../snapshot/root.ts';
import type { Evidence } from './evidence.ts';
import type { Depth } from './report.ts';

/** Reads the documents of a snapshot. */
export interface DocumentSource {
  /** The bytes at a leaf's place, whatever they are. Throws `missing`. */
  leaf(reference: LeafReference): Promise<Uint8Array>;
  /** A small file whole, whatever it holds. Throws `missing`, or `too-large` beyond `limit` bytes. */
  read(entry: SnapshotEntry, limit: number): Promise<Uint8Array>;
}

/** Reads a snapshot from its root on. */
export interface SnapshotSource extends DocumentSource {
  /** The root that is to be verified. Throws `missing`. */
  signedRoot(): Promise<SignedRoot>;
}

/** What the verification walk reads: a directory, a bucket, or a mirror at a URL. */
export interface VerifySource extends SnapshotSource {
  /** Evidence for each entry, in their order. `deep` evidence is always of kind `bytes`. */
  inspect(entries: readonly SnapshotEntry[], depth: Depth): Promise<Evidence[]>;
  /** BLAKE2b-512 of a file's bytes, where the runtime can compute it fast enough for a database. */
  prehash?(entry: SnapshotEntry): Promise<Uint8Array>;
}
