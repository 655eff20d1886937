import pMap from 'p-map';
import { MirrorError } from '../../format/errors.ts';
import { leafPath } from '../../format/layout.ts';
import { filePathOf, type SnapshotEntry } from '../../format/snapshot/entry.ts';
import type { LeafReference, Root } from '../../format/snapshot/root.ts';
import { digestFile } from '../directory/hash.ts';
import { readLeaf } from '../directory/mirror.ts';
import { localPath } from '../directory/paths.ts';
import { isAsNamed, listBlobs, otherBytes, type Upload, type UploadOptions } from './blobs.ts';
import type { Bucket } from './bucket.ts';
import { readStoredLeaf } from './snapshots.ts';

/** With more missing blobs than this, a listing (a request per thousand objects) is cheaper than trying each. */
const WORTH_LISTING = 50;
/** Storage accepts single uploads of up to 5 GiB, and records no checksum of multipart uploads. */
const MAX_UPLOAD = 4.9 * 1024 ** 3;
const DAMAGED: readonly string[] = ['missing', 'mismatch', 'bad-input', 'too-large'];

/** Returns every blob of a mirror's snapshot, leaves included. Throws `too-large`, naming each file that storage does not accept. */
export async function uploadsOf(directory: string, snapshot: Root): Promise<Upload[]> {
  const uploads = new Map<string, Upload>();
  const add = (path: string, { sha256, md5, size }: Pick<Upload, 'sha256' | 'md5' | 'size'>): void => {
    uploads.set(sha256, { path, sha256, md5, size, body: { path: localPath(directory, path), size } });
  };
  for (const reference of snapshot.leaves) {
    const path = leafPath(reference.sha256);
    add(path, await digestFile(localPath(directory, path)));
    for (const entry of await readLeaf(directory, reference)) add(filePathOf(entry), entry);
  }
  const all = [...uploads.values()];
  const tooLarge = all
    .filter(({ size }) => size > MAX_UPLOAD)
    .map(({ path, size }) => `${path}: ${size} bytes`);
  if (tooLarge.length === 0) return all;
  const message =
    'Storage accepts at most 4.9 GiB in one upload, and these files are larger; nothing was uploaded:';
  throw new MirrorError('too-large', [message, ...tooLarge].join('\n  '), { where: directory });
}

export interface MissingOptions extends UploadOptions {
  directory: string;
  /** Ask storage about every blob instead of trusting the live snapshot, and replace what is damaged. */
  repair: boolean;
}

/**
 * Returns the blobs that the bucket lacks. Trusts the bucket to have those that the live snapshot names; with `repair`,
 * relies on a listing instead. Throws `mismatch` naming every object with other bytes, unless they are to be replaced.
 */
export async function missingUploads(
  options: MissingOptions,
  wanted: readonly Upload[],
  live: Root | undefined,
): Promise<Upload[]> {
  const { bucket, repair } = options;
  const named = repair ? new Set<string>() : await blobsOf(options, wanted, live);
  const missing = wanted.filter((upload) => !named.has(upload.sha256));
  if (!repair && missing.length <= WORTH_LISTING) return missing;
  const stored = await listBlobs(bucket);
  const uploads = missing.flatMap((upload): Upload | [] => {
    const object = stored.get(upload.sha256);
    if (!object) return upload;
    return isAsNamed(upload, object) ? [] : { ...upload, replaces: object.etag };
  });
  const damaged = uploads.filter(({ replaces }) => replaces !== undefined);
  if (damaged.length > 0 && !repair) throw otherBytes(damaged);
  return uploads;
}

/** Returns the SHA-256 of the blobs that the live snapshot names. Fetches no leaf that the mirror has too. */
async function blobsOf(
  { directory, bucket, jobs }: MissingOptions,
  wanted: readonly Upload[],
  live: Root | undefined,
): Promise<Set<string>> {
  const ours = new Set(wanted.map(({ sha256 }) => sha256));
  const blobs = new Set<string>();
  const add = async (reference: LeafReference): Promise<void> => {
    const here = ours.has(reference.sha256);
    const entries = here ? await readLeaf(directory, reference) : await storedLeaf(bucket, reference);
    if (entries) blobs.add(reference.sha256);
    for (const entry of entries ?? []) blobs.add(entry.sha256);
  };
  await pMap(live?.leaves ?? [], add, { concurrency: jobs });
  return blobs;
}

/** Reads a leaf from the bucket; `undefined` if it is missing or damaged, and so proves nothing. */
async function storedLeaf(bucket: Bucket, reference: LeafReference): Promise<SnapshotEntry[] | undefined> {
  try {
    return await readStoredLeaf(bucket, reference);
  } catch (error) {
    if (error instanceof MirrorError && DAMAGED.includes(error.code)) return undefined;
    throw error;
  }
}
