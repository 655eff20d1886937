import pMap from 'p-map';
import { MirrorError } from '../../format/errors.ts';
import { blobName } from '../../format/layout.ts';
import type { Reporter } from '../reporter.ts';
import { type Bucket, md5Of, type StoredObject } from './bucket.ts';
import type { FileBody } from './s3-client.ts';

/** Bytes that a bucket stores under their SHA-256. */
export interface MirrorBlob {
  /** A path in the mirror that has these bytes, for messages. */
  path: string;
  sha256: string;
  md5: string;
  /** Bytes. */
  size: number;
}

/** A blob to upload. */
export interface Upload extends MirrorBlob {
  body: Uint8Array | FileBody;
  /** Entity tag of the damaged object to replace. */
  replaces?: string;
  /** True for a file on demand, which a bucket may have or not, whatever its snapshots name. */
  isOnDemand?: boolean;
}

/** What was uploaded. */
export interface Uploaded {
  objects: number;
  bytes: number;
}

export interface UploadOptions {
  bucket: Bucket;
  /** Uploads at a time. */
  jobs: number;
  reporter: Reporter;
  /** Ends the work, running uploads included. */
  stop?: AbortSignal | undefined;
}

/** Returns every blob in a bucket, by SHA-256. Takes one request per thousand. */
export async function listBlobs(bucket: Bucket): Promise<ReadonlyMap<string, StoredObject>> {
  const stored = new Map<string, StoredObject>();
  const prefix = blobName('');
  for await (const { key, size, etag } of bucket.list(prefix))
    stored.set(key.slice(prefix.length), { size, etag });
  return stored;
}

/** Returns true if an object has the size and MD5 of a blob. */
export const isAsNamed = (blob: Pick<MirrorBlob, 'size' | 'md5'>, stored: StoredObject): boolean =>
  stored.size === blob.size && md5Of(stored) === blob.md5;

/** Uploads blobs; storage checks the SHA-256 of each. Throws `mismatch` if an object with other bytes has the name of one. */
export async function putBlobs(
  { bucket, jobs, reporter, stop }: UploadOptions,
  uploads: readonly Upload[],
): Promise<Uploaded> {
  const total = totalOf(uploads);
  const uploaded = { objects: 0, bytes: 0 };
  let done = 0;
  let bytes = 0;
  const put = async (upload: Upload): Promise<void> => {
    stop?.throwIfAborted();
    let sent = 0;
    // A retry begins at 0, and so takes back what the failed try had sent.
    const onSent = (now: number): void => {
      bytes += now - sent;
      sent = now;
      const progress = { label: 'Publishing', done, total: total.objects, bytes, totalBytes: total.bytes };
      reporter.progress(progress);
    };
    if (await putBlob(bucket, upload, onSent, stop)) {
      uploaded.objects += 1;
      uploaded.bytes += upload.size;
    }
    done += 1;
    onSent(upload.size);
  };
  await pMap(uploads, put, { concurrency: jobs });
  return uploaded;
}

/** Returns the number of blobs, and their bytes together. */
export const totalOf = (blobs: readonly MirrorBlob[]): Uploaded => ({
  objects: blobs.length,
  bytes: blobs.reduce((sum, { size }) => sum + size, 0),
});

/** Returns false if the bucket had the blob already, from an interrupted run. Never overwrites other bytes. */
async function putBlob(
  bucket: Bucket,
  upload: Upload,
  onSent: (bytes: number) => void,
  stop: AbortSignal | undefined,
): Promise<boolean> {
  const key = blobName(upload.sha256);
  const { body, replaces } = upload;
  const condition = replaces === undefined ? ({ ifAbsent: true } as const) : { ifMatch: replaces };
  const counted = body instanceof Uint8Array ? body : { ...body, onSent };
  const etag = await bucket.put(key, counted, upload.sha256, condition, stop);
  if (etag !== undefined) return true;
  const stored = await bucket.head(key);
  if (stored && isAsNamed(upload, stored)) return false;
  throw otherBytes([upload]);
}

/** Returns the error for objects whose bytes do not match their names. */
export function otherBytes(blobs: readonly MirrorBlob[]): MirrorError {
  const message =
    'The bucket has objects whose bytes do not match their names; they were not changed. ' +
    'Find out why: storage was damaged, somebody wrote to it, or they were uploaded in parts. ' +
    'Then replace them with publish --repair:';
  const list = blobs.map(({ path, sha256 }) => `${blobName(sha256)} (${path})`);
  return new MirrorError('mismatch', [message, ...list].join('\n  '), { where: list[0] });
}
