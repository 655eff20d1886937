import { openAsBlob } from 'node:fs';
import pMap from 'p-map';
import { MirrorError } from '../../format/errors.ts';
import { blobName, leafPath } from '../../format/layout.ts';
import { filePathOf } from '../../format/snapshot/entry.ts';
import { parseLeaf } from '../../format/snapshot/leaf.ts';
import type { Root } from '../../format/snapshot/root.ts';
import { readLeaf } from '../directory/mirror.ts';
import { localPath } from '../directory/paths.ts';
import type { Reporter } from '../reporter.ts';
import type { Bucket } from './bucket.ts';

/** One listing tells of a thousand objects, so beyond this many missing ones it is worth asking. */
const WORTH_LISTING = 200;
/** Storage takes single uploads up to 5 GiB. */
const MAX_UPLOAD = 4.9 * 1024 ** 3;

export interface UploadOptions {
  directory: string;
  bucket: Bucket;
  /** Uploads at a time. */
  jobs: number;
  reporter: Reporter;
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
  size: number;
}

/**
 * Uploads what the live snapshot lacks, files and leaves, each checked by storage against its SHA-256.
 * Throws `too-large`, or `refused` by storage.
 */
export async function uploadMissing(
  { directory, bucket, jobs, reporter }: UploadOptions,
  snapshot: Root,
  previous: Root | undefined,
): Promise<Uploaded> {
  const wanted = await uploadsOf(directory, snapshot);
  const present = await presentBlobs(directory, bucket, snapshot, previous);
  let missing = wanted.filter((upload) => !present.has(upload.sha256));
  if (missing.length > WORTH_LISTING) {
    for await (const { key } of bucket.list(blobName(''))) present.add(key.slice(blobName('').length));
    missing = missing.filter((upload) => !present.has(upload.sha256));
  }
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
    const { sha256, size } = reference;
    uploads.set(sha256, { path: leafPath(sha256), sha256, size });
    for (const entry of await readLeaf(directory, reference)) {
      uploads.set(entry.sha256, { path: filePathOf(entry), sha256: entry.sha256, size: entry.size });
    }
  }
  return [...uploads.values()];
}

/** SHA-256 of the blobs that the live snapshot names; leaves that both have need not be fetched. */
async function presentBlobs(
  directory: string,
  bucket: Bucket,
  snapshot: Root,
  previous: Root | undefined,
): Promise<Set<string>> {
  const ours = new Set(snapshot.leaves.map((leaf) => leaf.sha256));
  const present = new Set<string>();
  for (const reference of previous?.leaves ?? []) {
    const { sha256, size } = reference;
    present.add(sha256);
    const stored = ours.has(sha256) ? undefined : await bucket.get(blobName(sha256), size);
    if (!ours.has(sha256) && !stored) continue;
    const entries = stored ? parseLeaf(stored.bytes, reference) : await readLeaf(directory, reference);
    for (const entry of entries) present.add(entry.sha256);
  }
  return present;
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
