import { openAsBlob } from 'node:fs';
import pMap from 'p-map';
import { MirrorError } from '../../format/errors.ts';
import { blobName, leafPath } from '../../format/layout.ts';
import { filePathOf, type SnapshotEntry } from '../../format/snapshot/entry.ts';
import { parseLeaf } from '../../format/snapshot/leaf.ts';
import type { LeafReference, Root } from '../../format/snapshot/root.ts';
import { digestFile } from '../directory/hash.ts';
import { readLeaf } from '../directory/mirror.ts';
import { localPath } from '../directory/paths.ts';
import type { Reporter } from '../reporter.ts';
import type { Bucket } from './bucket.ts';

/** One listing tells of a thousand objects, so beyond this many missing ones it is worth asking. */
const WORTH_LISTING = 50;
/** Storage takes single uploads up to 5 GiB. */
const MAX_UPLOAD = 4.9 * 1024 ** 3;
const DAMAGED: readonly string[] = ['mismatch', 'bad-input', 'too-large'];

export interface UploadOptions {
  directory: string;
  bucket: Bucket;
  /** Uploads at a time. */
  jobs: number;
  reporter: Reporter;
  /** Ask storage about every blob instead of trusting the live snapshot. */
  repair: boolean;
}

/** What was uploaded. */
export interface Uploaded {
  objects: number;
  bytes: number;
}

/** A file to upload under its SHA-256. */
interface Upload {
  path: string;
  sha256: string;
  md5: string;
  size: number;
}

/**
 * Uploads what the bucket lacks of a snapshot, files and leaves, each checked by storage against its SHA-256. The blobs
 * that the live snapshot names are taken to be there; with `repair`, what storage lists and says of them counts instead.
 * Throws `too-large`, or `refused` by storage.
 */
export async function uploadMissing(
  { directory, bucket, jobs, reporter, repair }: UploadOptions,
  snapshot: Root,
  live: Root | undefined,
): Promise<Uploaded> {
  const wanted = await uploadsOf(directory, snapshot);
  const named = repair ? new Set<string>() : await blobsOf(directory, bucket, snapshot, live);
  let missing = wanted.filter((upload) => !named.has(upload.sha256));
  if (repair || missing.length > WORTH_LISTING) missing = await notListed(bucket, missing);
  const totalBytes = missing.reduce((sum, upload) => sum + upload.size, 0);
  let bytes = 0;
  let done = 0;
  await pMap(
    missing,
    async (upload) => {
      await putFile(bucket, directory, upload);
      bytes += upload.size;
      done += 1;
      reporter.progress({ label: 'Publishing', done, total: missing.length, bytes, totalBytes });
    },
    { concurrency: jobs },
  );
  return { objects: missing.length, bytes };
}

/** Every blob of a snapshot and where its bytes are, leaves included. */
async function uploadsOf(directory: string, snapshot: Root): Promise<Upload[]> {
  const uploads = new Map<string, Upload>();
  for (const reference of snapshot.leaves) {
    const path = leafPath(reference.sha256);
    const { sha256, md5, size } = await digestFile(localPath(directory, path));
    uploads.set(sha256, { path, sha256, md5, size });
    for (const entry of await readLeaf(directory, reference)) {
      const { sha256, md5, size } = entry;
      uploads.set(sha256, { path: filePathOf(entry), sha256, md5, size });
    }
  }
  return [...uploads.values()];
}

/** SHA-256 of the blobs that the live snapshot names; leaves that both have need not be fetched. */
async function blobsOf(
  directory: string,
  bucket: Bucket,
  snapshot: Root,
  live: Root | undefined,
): Promise<Set<string>> {
  const ours = new Set(snapshot.leaves.map((leaf) => leaf.sha256));
  const blobs = new Set<string>();
  for (const reference of live?.leaves ?? []) {
    const { sha256 } = reference;
    const entries = ours.has(sha256)
      ? await readLeaf(directory, reference)
      : await storedLeaf(bucket, reference);
    if (entries) blobs.add(sha256);
    for (const entry of entries ?? []) blobs.add(entry.sha256);
  }
  return blobs;
}

/** A leaf from the bucket; `undefined` when it is missing or damaged, and so vouches for nothing. */
async function storedLeaf(bucket: Bucket, reference: LeafReference): Promise<SnapshotEntry[] | undefined> {
  try {
    const stored = await bucket.get(blobName(reference.sha256), reference.size);
    return stored && parseLeaf(stored.bytes, reference);
  } catch (error) {
    if (error instanceof MirrorError && DAMAGED.includes(error.code)) return undefined;
    throw error;
  }
}

/** Those that storage does not list with the right size and MD5. */
async function notListed(bucket: Bucket, uploads: readonly Upload[]): Promise<Upload[]> {
  const missing = new Map(uploads.map((upload) => [blobName(upload.sha256), upload]));
  for await (const { key, size, md5 } of bucket.list(blobName(''))) {
    const upload = missing.get(key);
    if (upload?.size === size && upload.md5 === md5) missing.delete(key);
  }
  return [...missing.values()];
}

async function putFile(bucket: Bucket, directory: string, { path, sha256, size }: Upload): Promise<void> {
  if (size > MAX_UPLOAD) {
    throw new MirrorError('too-large', `${path} is larger than storage takes in one upload (4.9 GiB).`, {
      where: path,
      found: `${size} bytes`,
    });
  }
  await bucket.put(blobName(sha256), await openAsBlob(localPath(directory, path)), sha256);
}
