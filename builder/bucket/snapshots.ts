import pMap from 'p-map';
import { sha256Hex } from '../../format/digest.ts';
import { MirrorError, messageOf } from '../../format/errors.ts';
import {
  blobName,
  POINTER,
  parseSnapshotName,
  ROOT,
  SNAPSHOTS,
  type SnapshotId,
  signaturePath,
  snapshotKey,
  snapshotName,
} from '../../format/layout.ts';
import { keyIdText } from '../../format/minisign/public-key.ts';
import { parseSignature } from '../../format/minisign/signature.ts';
import type { SnapshotEntry, StoredEntry } from '../../format/snapshot/entry.ts';
import { Leaf } from '../../format/snapshot/leaf.ts';
import { MAX_POINTER_SIZE, parsePointer } from '../../format/snapshot/pointer.ts';
import { parseRoot, type Root, type SignedRoot } from '../../format/snapshot/root.ts';
import type { Bucket } from './bucket.ts';

/** A snapshot that a bucket keeps. */
export interface StoredSnapshot extends SnapshotId {
  /** When it was written, by storage's clock: moments before it went live. */
  written: Date;
}

/**
 * Returns the snapshots of a bucket, the last one that storage received first, and by version where the times are equal
 * (docs/format.md section 10). Takes one request per thousand.
 */
export async function listSnapshots(bucket: Bucket): Promise<StoredSnapshot[]> {
  const found: StoredSnapshot[] = [];
  for await (const { key, modified } of bucket.list(SNAPSHOTS)) {
    const id = parseSnapshotName(key.slice(SNAPSHOTS.length));
    if (id) found.push({ ...id, written: modified });
  }
  return found.sort((a, b) => b.written.getTime() - a.written.getTime() || b.version - a.version);
}

/** Returns true if two ids are of the same snapshot. */
export const isSameSnapshot = (a: SnapshotId, b: SnapshotId): boolean => snapshotName(a) === snapshotName(b);

/**
 * Splits snapshots, newest first, at the live one. Those that storage received after it never went live. If the live one is
 * not among them, all count as earlier.
 */
export function splitAtLive<T extends SnapshotId>(
  stored: readonly T[],
  live: SnapshotId,
): { unfinished: T[]; past: T[] } {
  const at = Math.max(
    0,
    stored.findIndex((id) => isSameSnapshot(id, live)),
  );
  return { unfinished: stored.slice(0, at), past: stored.slice(at) };
}

/** Returns the id of a snapshot as it describes itself. Its signature is not verified. Throws `bad-input`. */
export const snapshotIdOf = ({ root, signature }: SignedRoot): SnapshotId => ({
  version: parseRoot(root).version,
  signer: keyIdText(parseSignature(signature, signaturePath(ROOT)).keyId),
});

/**
 * Reads a kept snapshot without verifying its signature. Throws `not-found`, `bad-input` for a damaged one, or `mismatch` for
 * another one under its name.
 */
export async function readSnapshot(bucket: Bucket, id: SnapshotId): Promise<SignedRoot> {
  const [where, name] = [snapshotKey(id), snapshotName(id)];
  const stored = await bucket.get(where, MAX_POINTER_SIZE);
  if (!stored) {
    const message = `The bucket keeps no snapshot ${name}: see \`snapshots\`.`;
    throw new MirrorError('not-found', message, { where });
  }
  const signed = parsePointer(stored.bytes, where);
  const found = snapshotName(snapshotIdOf(signed));
  if (found === name) return signed;
  throw new MirrorError('mismatch', `${where} is another snapshot.`, { where, expected: name, found });
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
  { sha256, size }: Pick<StoredEntry, 'sha256' | 'size'>,
  path: string,
): Promise<Uint8Array> {
  const stored = await bucket.get(blobName(sha256), size);
  if (!stored) throw new MirrorError('missing', `The bucket has lost ${path}.`, { where: path });
  const found = sha256Hex(stored.bytes);
  if (found === sha256) return stored.bytes;
  const message = `The bucket has other bytes for ${path} than were signed.`;
  throw new MirrorError('mismatch', message, { where: path, expected: sha256, found });
}

/** Opens the stored leaf of a root with this index. Throws `missing`, or `mismatch` and its like for a damaged one. */
export async function openStoredLeaf(bucket: Bucket, root: Root, index: number): Promise<Leaf> {
  const { sha256 = '', size = 0 } = root.leaves[index] ?? {};
  const key = blobName(sha256);
  const stored = await bucket.get(key, size);
  if (stored) return new Leaf(stored.bytes, root, index);
  throw new MirrorError('missing', `${key}, a leaf of a snapshot, is missing from the bucket.`, {
    where: key,
  });
}

/** Reads all entries of a stored snapshot, in order. Throws as {@link openStoredLeaf}. */
export async function readStoredEntries(bucket: Bucket, root: Root, jobs: number): Promise<SnapshotEntry[]> {
  const read = async (_: unknown, index: number): Promise<SnapshotEntry[]> =>
    (await openStoredLeaf(bucket, root, index)).entries();
  return (await pMap(root.leaves, read, { concurrency: jobs })).flat();
}
