import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { MirrorError } from '../../format/errors.ts';
import { blobName, fetchedKey, MANIFEST, POINTER } from '../../format/layout.ts';
import { parseManifest } from '../../format/manifest.ts';
import type { PublicKey } from '../../format/minisign/public-key.ts';
import { MAX_OBJECT } from '../../format/store.ts';
import { isAsNamed } from '../bucket/blobs.ts';
import type { Bucket } from '../bucket/bucket.ts';
import { reportsSha256 } from '../bucket/capabilities.ts';
import { readPointer } from '../bucket/channels.ts';
import { readStoredEntries, readStoredFile } from '../bucket/snapshots.ts';
import type { FileDigest } from '../directory/hash.ts';
import { withLock } from '../directory/lock.ts';
import { incomingDirectory } from '../directory/paths.ts';
import { openOwnRoot } from '../snapshot/signed-mirror.ts';
import { type DemandedFile, type FillOptions, type FillPlace, type FillSummary, fill } from './fill.ts';

export interface FillBucketOptions extends FillOptions {
  bucket: Bucket;
  /** Name of the bucket, for messages. */
  title: string;
  trusted: readonly PublicKey[];
  /** Folder of this user's caches: downloads wait there until they are uploaded. */
  cache: string;
}

/**
 * Fetches the files on demand that a bucket lacks, as {@link fill}, and uploads each to where a server would put it. Throws
 * `unpublished` for a bucket without a mirror, `refused` for a store that records no SHA-256, and `locked` too.
 */
export async function fillBucket(options: FillBucketOptions): Promise<FillSummary> {
  const { bucket, title, trusted, cache, now } = options;
  const { live } = (await readPointer(bucket)) ?? {};
  if (!live) throw new MirrorError('unpublished', `Nothing is published in ${title}.`, { where: POINTER });
  const { snapshot: root } = openOwnRoot(live, trusted, title);
  if (!(await reportsSha256(bucket))) throw unproven(title);
  const entries = await readStoredEntries(bucket, root, options.jobs);
  const manifest = await readLiveManifest(bucket, entries);
  const folder = join(cache, 'fill', createHash('sha256').update(root.mirror).digest('hex').slice(0, 32));
  return withLock(folder, now, async () => {
    const stored = await storedSizes(bucket);
    // The server reads what is stored, whatever it is: one of another length would be refused, so it counts as lacking.
    const sizeOf = async ({ sha256, size: listed }: DemandedFile) => {
      const size = stored.get(sha256);
      return listed === undefined || size === listed ? size : undefined;
    };
    const keep = (file: DemandedFile, digest: FileDigest) => upload(bucket, folder, file, digest);
    return fill({ root, entries, manifest, folder, maxFileSize: MAX_OBJECT, sizeOf, keep }, options);
  });
}

async function readLiveManifest(bucket: Bucket, entries: FillPlace['entries']) {
  const entry = entries.find(({ name }) => name === MANIFEST);
  if (entry?.size === undefined) {
    throw new MirrorError('bad-input', `The snapshot does not list ${MANIFEST}.`, { where: MANIFEST });
  }
  const { sha256, size } = entry;
  return parseManifest(await readStoredFile(bucket, { sha256, size }, MANIFEST));
}

/** Returns the sizes of all objects that have a file's bytes, by SHA-256; of two, that of the one which the server reads. */
async function storedSizes(bucket: Bucket): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  for (const prefix of [blobName(''), fetchedKey('')]) {
    for await (const { key, size } of bucket.list(prefix)) sizes.set(key.slice(prefix.length), size);
  }
  return sizes;
}

async function upload(
  bucket: Bucket,
  folder: string,
  { sha256 }: DemandedFile,
  digest: FileDigest,
): Promise<void> {
  const local = join(incomingDirectory(folder), sha256);
  try {
    const key = fetchedKey(sha256);
    const put = await bucket.put(key, { path: local, size: digest.size }, sha256, { ifAbsent: true });
    // A server may have fetched it by now.
    const stored = put === undefined ? await bucket.head(key) : undefined;
    if (stored && !isAsNamed(digest, stored)) {
      throw new MirrorError('mismatch', `The bucket has other bytes at ${key}: delete that object.`, {
        where: key,
        expected: `${digest.size} bytes, MD5 ${digest.md5}`,
        found: `${stored.size} bytes, ${stored.etag}`,
      });
    }
  } finally {
    await rm(local, { force: true });
  }
}

const unproven = (title: string): MirrorError =>
  new MirrorError(
    'refused',
    `The store of ${title} reports no SHA-256 of what it has, and without that no server can prove a file on demand. ` +
      'Nothing was uploaded.',
    { where: title },
  );
