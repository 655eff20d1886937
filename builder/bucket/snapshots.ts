import pMap from 'p-map';
import { sha256Hex } from '../../format/digest.ts';
import { MirrorError, messageOf } from '../../format/errors.ts';
import { blobName, POINTER, SNAPSHOTS, snapshotKey } from '../../format/layout.ts';
import type { SnapshotEntry } from '../../format/snapshot/entry.ts';
import { parseLeaf } from '../../format/snapshot/leaf.ts';
import { MAX_POINTER_SIZE, parsePointer } from '../../format/snapshot/pointer.ts';
import type { LeafReference, Root, SignedRoot } from '../../format/snapshot/root.ts';
import type { Bucket } from './bucket.ts';

/** A snapshot that a bucket keeps. */
export interface StoredSnapshot {
  version: number;
  /** When it was written, by storage's clock: moments before it went live. */
  written: Date;
}

/** Returns the snapshots of a bucket, newest version first. Takes one request per thousand. */
export async function listSnapshots(bucket: Bucket): Promise<StoredSnapshot[]> {
  const found: StoredSnapshot[] = [];
  for await (const { key, modified } of bucket.list(SNAPSHOTS)) {
    const version = Number(key.slice(SNAPSHOTS.length));
    if (Number.isSafeInteger(version)) found.push({ version, written: modified });
  }
  return found.sort((a, b) => b.version - a.version);
}

/** Reads a kept snapshot without checking its signature. Throws `not-found`, or `bad-input` for a damaged one. */
export async function readSnapshot(bucket: Bucket, version: number): Promise<SignedRoot> {
  const key = snapshotKey(version);
  const stored = await bucket.get(key, MAX_POINTER_SIZE);
  if (stored) return parsePointer(stored.bytes, key);
  throw new MirrorError('not-found', `The bucket keeps no snapshot ${version}: see \`snapshots\`.`, {
    where: key,
  });
}

/** The pointer to the live snapshot. */
export interface Pointer {
  /** Absent if the object is damaged and is to be replaced. */
  live: SignedRoot | undefined;
  etag: string;
}

/** Reads the live pointer; `undefined` before the first publish. Throws `bad-input` for a damaged one, unless `repair`. */
export async function readPointer(bucket: Bucket, repair = false): Promise<Pointer | undefined> {
  const object = await bucket.get(POINTER, MAX_POINTER_SIZE);
  if (!object) return undefined;
  try {
    return { live: parsePointer(object.bytes, POINTER), etag: object.etag };
  } catch (cause) {
    if (repair) return { live: undefined, etag: object.etag };
    const message = `The bucket's pointer is damaged: ${messageOf(cause)} Use publish --repair.`;
    throw new MirrorError('bad-input', message, { where: POINTER, cause });
  }
}

/** Reads a whole file of a snapshot and compares it with its entry. Throws `missing` or `mismatch`, naming its path. */
export async function readStoredFile(
  bucket: Bucket,
  { sha256, size }: Pick<SnapshotEntry, 'sha256' | 'size'>,
  path: string,
): Promise<Uint8Array> {
  const stored = await bucket.get(blobName(sha256), size);
  if (!stored) throw new MirrorError('missing', `The bucket has lost ${path}.`, { where: path });
  const found = sha256Hex(stored.bytes);
  if (found === sha256) return stored.bytes;
  const message = `The bucket has other bytes for ${path} than were signed.`;
  throw new MirrorError('mismatch', message, { where: path, expected: sha256, found });
}

/** Reads the entries of a stored leaf. Throws `missing`, or `mismatch` and its like for a damaged one. */
export async function readStoredLeaf(bucket: Bucket, reference: LeafReference): Promise<SnapshotEntry[]> {
  const key = blobName(reference.sha256);
  const stored = await bucket.get(key, reference.size);
  if (stored) return parseLeaf(stored.bytes, reference);
  throw new MirrorError('missing', `${key}, a leaf of a snapshot, is missing from the bucket.`, {
    where: key,
  });
}

/** Reads all entries of a stored snapshot, in order. Throws as {@link readStoredLeaf}. */
export async function readStoredEntries(
  bucket: Bucket,
  { leaves }: Root,
  jobs: number,
): Promise<SnapshotEntry[]> {
  const read = await pMap(leaves, (leaf) => readStoredLeaf(bucket, leaf), { concurrency: jobs });
  return read.flat();
}
