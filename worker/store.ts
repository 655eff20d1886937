import type { SnapshotEntry } from '../format/snapshot/entry.ts';
import type { LeafReference, SignedRoot } from '../format/snapshot/root.ts';
import type { Evidence } from '../format/verify/evidence.ts';
import type { ByteRange } from './http/range.ts';

/** What storage says of a file that it holds: size in bytes, digests in hex. */
export interface StoredRecord {
  size: number;
  sha256?: string | undefined;
  md5?: string | undefined;
}

/** Bytes on their way, or in memory already. */
export type FileBody = ReadableStream<Uint8Array<ArrayBuffer>> | Uint8Array<ArrayBuffer>;

/** A file being read. A body that is a stream must be read or cancelled. */
export interface OpenFile {
  record: StoredRecord;
  body: FileBody;
}

/** Lets go of a body that nobody reads. */
export async function discard(body: FileBody): Promise<void> {
  if (body instanceof ReadableStream) await body.cancel().catch(() => undefined);
}

/** Evidence for entries without reading their bytes, in their order. */
export type Inspect = (entries: readonly SnapshotEntry[]) => Promise<Evidence[]>;

/** A root and its signature, and since when they stand where they do, Unix seconds, as far as storage tells. */
export interface PublishedRoot extends SignedRoot {
  published?: number;
}

/** Where a mirror is kept: a bucket at the edge, a directory under Node. Nothing it returns is trusted yet. */
export interface MirrorStore {
  /** How old a root may get before it is read again, milliseconds; ten seconds where it costs an operation. */
  readonly pointerLifetime?: number;
  /**
   * The live root and its signature, or those of a version that need not be live; `undefined` when there are none.
   */
  signedRoot(version?: number): Promise<PublishedRoot | undefined>;
  /** Versions of the snapshots that are kept, in any order. A place that keeps none but the live one says none. */
  versions(): Promise<number[]>;
  /** The bytes at a leaf's place; `undefined` when there are none. */
  leaf(reference: LeafReference): Promise<Uint8Array | undefined>;
  /** The record of a file; `undefined` when it is missing. One storage operation. */
  head(entry: SnapshotEntry): Promise<StoredRecord | undefined>;
  /** A file's bytes, all or a range, with its record; `undefined` when it is missing. One storage operation. */
  open(entry: SnapshotEntry, range?: ByteRange): Promise<OpenFile | undefined>;
  /**
   * A view of what storage recorded, for verification. Storage that can list does so once, and asks for each file
   * instead when the list is longer than `maxPages`. `onOperation` is told of each storage operation.
   */
  inspector(onOperation: () => void, maxPages: number): Inspect;
}
