import pMap from 'p-map';
import { MirrorError } from '../../format/errors.ts';
import { leafPath } from '../../format/layout.ts';
import { isOffered, isOwnFile, type SnapshotEntry } from '../../format/snapshot/entry.ts';
import type { LeafReference, Root } from '../../format/snapshot/root.ts';
import { MAX_OBJECT } from '../../format/store.ts';
import { digestFile } from '../directory/hash.ts';
import { readLeaf } from '../directory/mirror.ts';
import { inspectFile, ownFile } from '../directory/paths.ts';
import { isPresent } from '../directory/write.ts';
import {
  inspectBlob,
  isAsNamed,
  type Likeness,
  listBlobs,
  type MirrorBlob,
  otherBytes,
  type Upload,
  type UploadOptions,
  WORTH_LISTING,
} from './blobs.ts';
import type { Bucket, StoredObject } from './bucket.ts';
import { reportsSha256 } from './capabilities.ts';
import { openStoredLeaf } from './snapshots.ts';

const DAMAGED: readonly string[] = ['missing', 'mismatch', 'bad-input', 'too-large'];

/** The blobs of a snapshot, and the number of its files on demand that the folder does not have or that are not uploaded. */
export interface SnapshotUploads {
  uploads: Upload[];
  absent: number;
}

/**
 * Returns every blob of a mirror's snapshot, leaves included. Superseded files whose time has come are left out, and so are
 * files on demand that the folder does not have. Throws `too-large`, naming each file that storage does not accept.
 */
export async function uploadsOf(directory: string, snapshot: Root, now: Date): Promise<SnapshotUploads> {
  const uploads = new Map<string, Upload>();
  let absent = 0;
  const add = (blob: MirrorBlob, how: Pick<Upload, 'isOnDemand' | 'needsSha256'> = {}): void => {
    const body = { path: ownFile(directory, blob.path), size: blob.size };
    uploads.set(blob.sha256, { ...blob, body, ...how });
  };
  for (const [index, { sha256, size }] of snapshot.leaves.entries()) {
    const path = leafPath(sha256);
    add({ path, ...(await digestFile(ownFile(directory, path), size)) });
    const own = (await readLeaf(directory, snapshot, index)).filter(isOwnFile);
    for (const entry of own.filter((entry) => isOffered(entry, now))) {
      const blob = await blobOf(directory, entry);
      if (!blob) absent += 1;
      else if (entry.source === undefined) add(blob);
      else {
        const needsSha256 = entry.size === undefined || entry.md5 === undefined;
        add(blob, { isOnDemand: true, needsSha256 });
      }
    }
  }
  const all = [...uploads.values()];
  const tooLarge = all
    .filter(({ size }) => size > MAX_OBJECT)
    .map(({ path, size }) => `${path}: ${size} bytes`);
  if (tooLarge.length === 0) return { uploads: all, absent };
  const message =
    'Storage accepts at most 4.9 GiB in one upload, and these files are larger; nothing was uploaded:';
  throw new MirrorError('too-large', [message, ...tooLarge].join('\n  '), { where: directory });
}

/** Returns the blob of a file; `undefined` for a file on demand that the folder does not have. */
async function blobOf(directory: string, entry: SnapshotEntry): Promise<MirrorBlob | undefined> {
  const { name: path, sha256, size, md5, source } = entry;
  if (source === undefined) return { path, sha256, size, md5 };
  const local = ownFile(directory, path);
  if (!(await isPresent(local))) return undefined;
  if (size !== undefined && md5 !== undefined) return { path, sha256, size, md5 };
  // Storage checks the SHA-256.
  return { path, ...(await digestFile(local, size)), sha256 };
}

const NEITHER_HAS =
  'The bucket lacks these files, and they are not in the folder either; nothing was uploaded:';

/**
 * Throws `missing`, before anything is uploaded, for files that neither the bucket nor the folder has. The `message` comes before
 * their names.
 */
export function expectInFolder(
  directory: string,
  uploads: readonly Upload[],
  message: string = NEITHER_HAS,
): void {
  const lacking = uploads.filter(({ path }) => !inspectFile(directory, path)).map(({ path }) => path);
  if (lacking.length === 0) return;
  throw new MirrorError('missing', [message, ...lacking].join('\n  '), { where: directory });
}

export interface MissingOptions extends UploadOptions {
  directory: string;
  now: Date;
  /** Ask storage about every blob instead of trusting the live snapshot, and replace what is damaged. */
  repair: boolean;
}

/**
 * Returns the blobs that the bucket lacks. Trusts the bucket to have those that the live snapshot names, except files on
 * demand; for those, for files that the folder does not have, without a live snapshot, and with `repair`, relies on a listing instead. Throws
 * `mismatch` naming every object with other bytes, unless they are
 * to be replaced.
 */
export async function missingUploads(
  options: MissingOptions,
  wanted: readonly Upload[],
  live: Root | undefined,
): Promise<Upload[]> {
  const { bucket, directory, repair } = options;
  const named = repair ? new Set<string>() : await blobsOf(options, wanted, live);
  const missing = wanted.filter((upload) => !named.has(upload.sha256));
  const isUncertain = missing.some(({ isOnDemand, path }) => isOnDemand || !inspectFile(directory, path));
  if (live && !repair && !isUncertain && missing.length <= WORTH_LISTING) return missing;
  return compareWithStored(options, missing, await listBlobs(bucket));
}

/**
 * Returns the blobs that a server could prove in this store, and counts the others as absent: it fetches them itself. A dry run in
 * a new bucket cannot know that yet, and takes the store for one that reports SHA-256.
 */
export async function provableUploads(
  bucket: Bucket,
  { uploads, absent }: SnapshotUploads,
): Promise<SnapshotUploads> {
  const isUnprovable = ({ needsSha256 = false }: Upload): boolean => needsSha256;
  if (!uploads.some(isUnprovable) || (await reportsSha256(bucket)) !== false) return { uploads, absent };
  const provable = uploads.filter((upload) => !isUnprovable(upload));
  return { uploads: provable, absent: absent + uploads.length - provable.length };
}

/**
 * Returns what to upload of the blobs that may be in the bucket: those that are not, those of which storage could record a
 * SHA-256 and has none, and, with `repair`, those that have other bytes. Throws `mismatch` naming the latter without.
 */
async function compareWithStored(
  { bucket, repair, jobs }: MissingOptions,
  blobs: readonly Upload[],
  stored: ReadonlyMap<string, StoredObject>,
): Promise<Upload[]> {
  const reports = await reportsSha256(bucket);
  const damaged: Upload[] = [];
  const compare = async (upload: Upload): Promise<Upload | []> => {
    const object = stored.get(upload.sha256);
    if (!object) return upload;
    let likeness: Likeness = isAsNamed(upload, object) ? 'same' : 'other';
    if (likeness === 'same' && reports) {
      likeness = (await inspectBlob(bucket, upload, reports))?.likeness ?? 'other';
    }
    if (likeness === 'same') return [];
    if (likeness === 'other') damaged.push(upload);
    return { ...upload, replaces: object.etag };
  };
  const uploads = (await pMap(blobs, compare, { concurrency: jobs })).flat();
  if (damaged.length > 0 && !repair) throw otherBytes(damaged);
  return uploads;
}

/**
 * Returns the SHA-256 of the blobs that the live snapshot names and that were therefore uploaded: not those of superseded
 * files whose time has come, nor of files on demand. Fetches no leaf that the mirror has too.
 */
async function blobsOf(
  { directory, bucket, jobs, now }: MissingOptions,
  wanted: readonly Upload[],
  live: Root | undefined,
): Promise<Set<string>> {
  const ours = new Set(wanted.map(({ sha256 }) => sha256));
  const blobs = new Set<string>();
  if (!live) return blobs;
  const add = async ({ sha256 }: LeafReference, index: number): Promise<void> => {
    const here = ours.has(sha256);
    const entries = here ? await readLeaf(directory, live, index) : await storedLeaf(bucket, live, index);
    if (entries) blobs.add(sha256);
    for (const entry of entries ?? []) {
      if (entry.source === undefined && isOffered(entry, now)) blobs.add(entry.sha256);
    }
  };
  await pMap(live.leaves, add, { concurrency: jobs });
  return blobs;
}

/** Reads a leaf from the bucket; `undefined` if it is missing or damaged, and so proves nothing. */
async function storedLeaf(bucket: Bucket, live: Root, index: number): Promise<SnapshotEntry[] | undefined> {
  try {
    return (await openStoredLeaf(bucket, live, index)).entries();
  } catch (error) {
    if (error instanceof MirrorError && DAMAGED.includes(error.code)) return undefined;
    throw error;
  }
}
