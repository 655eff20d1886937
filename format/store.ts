import type { SnapshotId } from './layout.ts';
import type { OnDemandEntry, SnapshotEntry } from './snapshot/entry.ts';
import type { LeafReference, SignedRoot } from './snapshot/root.ts';
import type { Evidence } from './verify/evidence.ts';

/**
 * Most bytes that are stored in one object: R2 takes less than 5 GiB in one piece, and records no SHA-256 of several
 * (https://developers.cloudflare.com/r2/platform/limits).
 */
export const MAX_OBJECT = Math.floor(4.9 * 1024 ** 3);

/** A part of a file, in bytes. */
export interface ByteRange {
  offset: number;
  length: number;
}

/** What storage recorded of a file: size in bytes, digests in hex. */
export interface StoredRecord {
  size: number;
  sha256?: string | undefined;
  md5?: string | undefined;
}

/** The records of stored files, by the SHA-256 that names them. */
export interface StoredRecords {
  /** Returns the record of a file; `undefined` if it is not known. */
  get(entry: Pick<SnapshotEntry, 'sha256' | 'source'>): StoredRecord | undefined;
  /** True if a file on demand is known to be nowhere. */
  lacks(sha256: string): boolean;
}

/** Bytes that are still to be read, or are in memory already. */
export type FileBody = ReadableStream<Uint8Array<ArrayBuffer>> | Uint8Array<ArrayBuffer>;

/** A file being read. A body that is a stream must be read or cancelled. */
export interface OpenFile {
  record: StoredRecord;
  body: FileBody;
}

/** A root with its signature, and what else storage has about it, which nobody signed. */
export interface PublishedRoot extends SignedRoot {
  /** When it was stored, Unix seconds. */
  published?: number | undefined;
  /** Of a channel: since when it has this snapshot, Unix seconds. */
  moved_at?: number | undefined;
  /** Of a channel: some of the snapshots that were live there before, the last first. They may be gone. */
  history?: readonly SnapshotId[] | undefined;
}

/** Counts the storage operations of one call. */
export interface Usage {
  operations: number;
}

/** What a request asks for: a channel by its name, or a kept snapshot, which need not be live. */
export type Which = { channel: string } | SnapshotId;

/** Where a mirror is kept: an R2 bucket at the edge, a directory under Node. Nothing that it returns is trusted yet. */
export interface MirrorStore {
  /** How old a root may be before it is read again, milliseconds. Ten seconds when absent: a read costs an operation. */
  readonly pointerLifetime?: number;
  /** Returns the root of a channel, by default the one at the root, or of a kept snapshot; `undefined` when there is none. */
  signedRoot(which?: Which): Promise<PublishedRoot | undefined>;
  /**
   * Returns the snapshots that are kept, or those of one version, in the order in which storage received them; `undefined` if they
   * are too many to list. Those of one version take one storage operation.
   */
  snapshots(version?: number): Promise<SnapshotId[] | undefined>;
  /** Returns the names of the channels besides the one at the root, sorted. One storage operation. */
  channels(): Promise<string[]>;
  /** Returns the bytes stored as a leaf; `undefined` when there are none. */
  leaf(reference: LeafReference): Promise<Uint8Array | undefined>;
  /** Returns the record of a file; `undefined` when it is missing. One storage operation, or two for a file on demand. */
  head(entry: SnapshotEntry): Promise<StoredRecord | undefined>;
  /** Opens a file, or a range of it; `undefined` when it is missing. One storage operation, or two for a file on demand. */
  open(entry: SnapshotEntry, range?: ByteRange): Promise<OpenFile | undefined>;
  /**
   * Stores the bytes of a file on demand, `size` of them. Nobody can read them before storage has found that they have the
   * SHA-256 of the entry; after an error nothing is left. Throws `mismatch` for other bytes, `upstream` when storage fails,
   * and any other error when the body does. Absent where storage cannot be written to.
   */
  keep?(entry: OnDemandEntry, size: number, body: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void>;
  /**
   * Lists the records of all files that a publisher stored or a server fetched. Counts each operation in `usage`; returns
   * `undefined` when `maxOperations` are not enough. Absent where storage cannot list.
   */
  records?(maxOperations: number, usage: Usage): Promise<StoredRecords | undefined>;
}

/** Cancels a body that nobody is going to read. */
export async function discard(body: FileBody): Promise<void> {
  if (body instanceof ReadableStream) await body.cancel().catch(() => undefined);
}

/** Returns what the record of a file proves, or its absence. */
export const evidenceOf = (record: StoredRecord | undefined): Evidence =>
  record ? { kind: 'recorded', ...record } : { kind: 'absent' };
