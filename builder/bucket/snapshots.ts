import pMap from 'p-map';
import { sha256Hex } from '../../format/digest.ts';
import { MirrorError } from '../../format/errors.ts';
import {
  blobName,
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
import { MAX_POINTER_SIZE, parseKept } from '../../format/snapshot/pointer.ts';
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
 * Returns the stored snapshot that a version or a whole name means, `<version>-<key id>`; `undefined` if none does. Throws
 * `usage` for a version that several keys have signed.
 */
export function findSnapshot<T extends SnapshotId>(stored: readonly T[], name: string): T | undefined {
  const [found, ...others] = stored.filter((id) => name === String(id.version) || name === snapshotName(id));
  if (!found || others.length === 0) return found;
  const names = [found, ...others].map(snapshotName).join(', ');
  throw new MirrorError('usage', `Several keys have signed snapshot ${name}: choose one of ${names}.`);
}

/** Returns the error for a snapshot that is not in the bucket. */
export const notKept = (name: string, where = SNAPSHOTS): MirrorError =>
  new MirrorError('not-found', `The bucket keeps no snapshot ${name}: see \`snapshots\`.`, { where });

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
  if (!stored) throw notKept(name, where);
  const signed = parseKept(stored.bytes, where);
  const found = snapshotName(snapshotIdOf(signed));
  if (found === name) return signed;
  throw new MirrorError('mismatch', `${where} is another snapshot.`, { where, expected: name, found });
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

/** Reads a document that a snapshot lists. Throws `missing` if it lists none, and as {@link readStoredFile}. */
export async function readListed(
  bucket: Bucket,
  entries: readonly SnapshotEntry[],
  path: string,
): Promise<Uint8Array> {
  const { sha256, size } = entries.find(({ name }) => name === path) ?? {};
  if (sha256 !== undefined && size !== undefined) return readStoredFile(bucket, { sha256, size }, path);
  throw new MirrorError('missing', `The snapshot does not list ${path}.`, { where: path });
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
