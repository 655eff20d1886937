import pMap from 'p-map';
import { MirrorError } from '../../format/errors.ts';
import { blobName } from '../../format/layout.ts';
import type { Reporter } from '../reporter.ts';
import { type Bucket, md5Of, type StoredObject } from './bucket.ts';
import type { FileBody } from './s3-client.ts';

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
  body: Uint8Array | FileBody;
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
  const uploaded = { objects: 0, bytes: 0 };
  let done = 0;
  let bytes = 0;
  const tell = (): void => {
    reporter.progress({
      ...{ label: 'Publishing', done, total: total.objects, bytes, totalBytes: total.bytes },
    });
  };
  const put = async (upload: Upload): Promise<void> => {
    stop?.throwIfAborted();
    let sent = 0;
    // A try that failed is taken back by the next one, which begins at nothing.
    const onSent = (now: number): void => {
      bytes += now - sent;
      sent = now;
      tell();
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

/** How many blobs these are, and of how many bytes. */
export const totalOf = (blobs: readonly MirrorBlob[]): Uploaded => ({
  objects: blobs.length,
  bytes: blobs.reduce((sum, { size }) => sum + size, 0),
});

/** False when it was there already, of an interrupted run. What is there with other bytes is never overwritten. */
async function putBlob(
  bucket: Bucket,
  upload: Upload,
  onSent: (bytes: number) => void,
  stop: AbortSignal | undefined,
): Promise<boolean> {
  const key = blobName(upload.sha256);
  const { body, replaces } = upload;
  const condition = replaces === undefined ? ({ ifAbsent: true } as const) : { ifMatch: replaces };
  const told = body instanceof Uint8Array ? body : { ...body, onSent };
  const etag = await bucket.put(key, told, upload.sha256, condition, stop);
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
