import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sameBytes } from '../../format/bytes.ts';
import { hasCode, MirrorError } from '../../format/errors.ts';
import { blobName, POINTER } from '../../format/layout.ts';
import type { SignedRoot } from '../../format/snapshot/root.ts';
import type { SnapshotSource } from '../../format/verify/source.ts';
import type { Bucket } from '../bucket/bucket.ts';
import { readPointer } from '../bucket/channels.ts';
import { findSnapshot, listSnapshots, notKept, readSnapshot, readStoredFile } from '../bucket/snapshots.ts';
import { expectWhole } from '../directory/mirror.ts';
import { HttpSource } from '../verify/http-source.ts';
import type { MirrorUrl } from '../verify/mirror-url.ts';
import { DirectorySource } from '../verify/verify-directory.ts';

/** How often a mirror is read again that is published while it is read. */
const ATTEMPTS = 3;

/** A mirror as it is signed somewhere. */
export type SignedPlace =
  | { kind: 'folder'; directory: string }
  | { kind: 'url'; mirror: MirrorUrl }
  /** A snapshot of a bucket: `current` for the live one, else a version, or a name as `snapshots` prints it. */
  | { kind: 'kept'; bucket: Bucket; name: string };

/** Reads what a source has. Called again where a mirror at a URL was published while it was read. */
type Read<T> = (place: string, source: SnapshotSource) => Promise<T>;

/**
 * Returns what `read` makes of the mirror at a place, whose root is read once. Throws `missing`, `unpublished`, `not-found`,
 * `usage` for a version that several keys have signed, or what `read` throws.
 */
export async function readPlace<T>(place: SignedPlace, read: Read<T>): Promise<T> {
  if (place.kind === 'url') return readServed(place.mirror, read);
  if (place.kind === 'folder') {
    await expectWhole(place.directory);
    return read(place.directory, new DirectorySource(place.directory));
  }
  const { bucket, name } = place;
  const signed = name === POINTER ? await liveRoot(bucket) : await keptRoot(bucket, name);
  return read(name, new BucketSource(bucket, signed));
}

async function readServed<T>(mirror: MirrorUrl, read: Read<T>): Promise<T> {
  const scratch = await mkdtemp(join(tmpdir(), 'stout-mirror-'));
  try {
    const source = new HttpSource(mirror, undefined, 1, scratch);
    for (let attempt = 1; ; attempt++) {
      const first = await source.signedRoot();
      const signedRoot = () => Promise.resolve(first);
      try {
        return await read(mirror.base, { leaf: source.leaf, read: source.read, signedRoot });
      } catch (error) {
        if (attempt === ATTEMPTS || !hasCode(error, 'mismatch', 'missing', 'bad-signature')) throw error;
        // Its documents may be those of the next snapshot, or its signature.
        const now = await source.signedRoot();
        if (sameBytes(now.root, first.root) && now.signature === first.signature) throw error;
      }
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function liveRoot(bucket: Bucket): Promise<SignedRoot> {
  const live = (await readPointer(bucket))?.live;
  if (live) return live;
  throw new MirrorError('unpublished', 'Nothing has been published to this bucket yet.', { where: POINTER });
}

async function keptRoot(bucket: Bucket, name: string): Promise<SignedRoot> {
  const stored = await listSnapshots(bucket);
  const id = findSnapshot(stored, name);
  if (id) return readSnapshot(bucket, id);
  throw notKept(name, name);
}

/** Reads the documents of a snapshot from a bucket. */
class BucketSource implements SnapshotSource {
  readonly #bucket: Bucket;
  readonly #signed: SignedRoot;

  constructor(bucket: Bucket, signed: SignedRoot) {
    this.#bucket = bucket;
    this.#signed = signed;
  }

  signedRoot = async (): Promise<SignedRoot> => this.#signed;

  async leaf({ sha256, size }: { sha256: string; size: number }): Promise<Uint8Array> {
    const where = blobName(sha256);
    const stored = await this.#bucket.get(where, size);
    if (stored) return stored.bytes;
    throw new MirrorError('missing', `The bucket has lost ${where}.`, { where });
  }

  read: SnapshotSource['read'] = ({ name, sha256, size }, limit) =>
    readStoredFile(this.#bucket, { sha256, size: Math.min(size ?? limit, limit) }, name);
}
