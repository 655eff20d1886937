import pMap from 'p-map';
import { MirrorError } from '../../format/errors.ts';
import { blobName } from '../../format/layout.ts';
import type { Reporter } from '../reporter.ts';
import { type Bucket, md5Of, type PutCondition, type StoredObject } from './bucket.ts';
import { reportsSha256 } from './capabilities.ts';
import type { FileBody } from './s3-client.ts';

/** With more blobs than this, a listing (a request per thousand objects) is cheaper than a request for each. */
export const WORTH_LISTING = 50;

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
  /** True if only a recorded SHA-256 proves it, because the list has no MD5 or no size of it. */
  needsSha256?: boolean;
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

/** Returns true if an object has the size and MD5 of a blob. That proves little: MD5 can be forged. */
export const isAsNamed = (blob: Pick<MirrorBlob, 'size' | 'md5'>, stored: StoredObject): boolean =>
  stored.size === blob.size && md5Of(stored) === blob.md5;

/**
 * What storage's record says of an object under the name of a blob: that it is the blob, that it has its size and MD5 but no
 * SHA-256 on record, or that it is something else.
 */
export type Likeness = 'same' | 'unproven' | 'other';

/**
 * Asks storage about the object under a blob's name; `undefined` if there is none. If storage does not report SHA-256
 * (`reports` is false), size and MD5 must do.
 */
export async function inspectBlob(
  bucket: Bucket,
  blob: MirrorBlob,
  reports: boolean | undefined,
): Promise<{ likeness: Likeness; etag: string } | undefined> {
  const stored = await bucket.head(blobName(blob.sha256), { checksum: reports });
  if (!stored) return undefined;
  const { etag, sha256 } = stored;
  if (!isAsNamed(blob, stored) || (sha256 ?? blob.sha256) !== blob.sha256) return { likeness: 'other', etag };
  return { likeness: reports && sha256 === undefined ? 'unproven' : 'same', etag };
}

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
  const { body, sha256, replaces } = upload;
  const counted = body instanceof Uint8Array ? body : { ...body, onSent };
  const put = (condition: PutCondition) => bucket.put(blobName(sha256), counted, sha256, condition, stop);
  if ((await put(replaces === undefined ? { ifAbsent: true } : { ifMatch: replaces })) !== undefined)
    return true;
  const stored = await inspectBlob(bucket, upload, await reportsSha256(bucket));
  if (stored?.likeness === 'same') return false;
  if (stored?.likeness === 'unproven' && (await put({ ifMatch: stored.etag })) !== undefined) return true;
  throw otherBytes([upload]);
}

/**
 * Throws `refused` unless storage has what was uploaded. Asks about each object, or with many for a list: the answer to an
 * upload is only what storage promised.
 */
export async function expectUploaded(
  { bucket, jobs }: Pick<UploadOptions, 'bucket' | 'jobs'>,
  uploads: readonly Upload[],
): Promise<void> {
  const listed = uploads.length > WORTH_LISTING ? await listBlobs(bucket) : undefined;
  const isThere = async (upload: Upload): Promise<boolean> => {
    const stored = listed ? listed.get(upload.sha256) : await bucket.head(blobName(upload.sha256));
    return stored !== undefined && isAsNamed(upload, stored);
  };
  const there = await pMap(uploads, isThere, { concurrency: jobs });
  const lost = uploads.filter((_upload, index) => !there[index]);
  if (lost.length === 0) return;
  const message = 'Storage accepted these objects, but does not have them. Readers see what they saw before:';
  const list = lost.map(({ path, sha256 }) => `${blobName(sha256)} (${path})`);
  throw new MirrorError('refused', [message, ...list].join('\n  '), { where: list[0] });
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
