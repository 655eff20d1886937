import pMap from 'p-map';
import { MirrorError } from '../../format/errors.ts';
import { blobName } from '../../format/layout.ts';
import type { Reporter } from '../reporter.ts';
import { type Bucket, md5Of, type StoredObject } from './bucket.ts';

/** Bytes that a bucket keeps under their SHA-256. */
export interface MirrorBlob {
  /** A path in the mirror that has them, for people. */
  path: string;
  sha256: string;
  md5: string;
  /** Bytes. */
  size: number;
}

/** A blob to upload. */
export interface Upload extends MirrorBlob {
  body(): Promise<Blob | Uint8Array>;
  /** Entity tag of the damaged object that it replaces. */
  replaces?: string;
}

/** What was uploaded. */
export interface Uploaded {
  objects: number;
  bytes: number;
}

/** What uploading takes. */
export interface UploadOptions {
  bucket: Bucket;
  /** Uploads at a time. */
  jobs: number;
  reporter: Reporter;
  /** Ends the work between two uploads, and those that are under way. */
  stop?: AbortSignal | undefined;
}

/** Every blob that a bucket lists, by SHA-256. One request a thousand. */
export async function listBlobs(bucket: Bucket): Promise<ReadonlyMap<string, StoredObject>> {
  const stored = new Map<string, StoredObject>();
  const prefix = blobName('');
  for await (const { key, size, etag } of bucket.list(prefix))
    stored.set(key.slice(prefix.length), { size, etag });
  return stored;
}

/** True when what storage says of an object is true of a blob. */
export const isAsNamed = (blob: MirrorBlob, stored: StoredObject): boolean =>
  stored.size === blob.size && md5Of(stored) === blob.md5;

/** Uploads blobs, each checked by storage against its SHA-256. Throws `mismatch` for one that is there with other bytes. */
export async function putBlobs(
  { bucket, jobs, reporter, stop }: UploadOptions,
  uploads: readonly Upload[],
): Promise<Uploaded> {
  const total = totalOf(uploads);
  const done = { objects: 0, bytes: 0 };
  const uploaded = { objects: 0, bytes: 0 };
  const count = (sum: Uploaded, { size }: Upload): void => {
    sum.objects += 1;
    sum.bytes += size;
  };
  const put = async (upload: Upload): Promise<void> => {
    stop?.throwIfAborted();
    if (await putBlob(bucket, upload, stop)) count(uploaded, upload);
    count(done, upload);
    reporter.progress({
      ...{ label: 'Publishing', done: done.objects, total: total.objects },
      ...{ bytes: done.bytes, totalBytes: total.bytes },
    });
  };
  await pMap(uploads, put, { concurrency: jobs });
  return uploaded;
}

/** How many blobs these are, and of how many bytes. */
export const totalOf = (blobs: readonly MirrorBlob[]): Uploaded => ({
  objects: blobs.length,
  bytes: blobs.reduce((sum, { size }) => sum + size, 0),
});

/** False when it was there already, of an interrupted run. What is there with other bytes is never overwritten. */
async function putBlob(bucket: Bucket, upload: Upload, stop: AbortSignal | undefined): Promise<boolean> {
  const key = blobName(upload.sha256);
  const { replaces } = upload;
  const condition = replaces === undefined ? ({ ifAbsent: true } as const) : { ifMatch: replaces };
  const etag = await bucket.put(key, await upload.body(), upload.sha256, condition, stop);
  if (etag !== undefined) return true;
  const stored = await bucket.head(key);
  if (stored && isAsNamed(upload, stored)) return false;
  throw otherBytes([upload]);
}

/** The error for objects that do not have the bytes of their names. */
export function otherBytes(blobs: readonly MirrorBlob[]): MirrorError {
  const message =
    'The bucket has objects that do not have the bytes of their names; they are left as they are. ' +
    'Look into it: storage was damaged, somebody wrote to it, or they were uploaded in parts. ' +
    'Then have publish --repair replace them:';
  const list = blobs.map(({ path, sha256 }) => `${blobName(sha256)} (${path})`);
  return new MirrorError('mismatch', [message, ...list].join('\n  '), { where: list[0] });
}
