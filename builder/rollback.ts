import { createHash } from 'node:crypto';
import { MirrorError } from '../format/errors.ts';
import { leafPath, MANIFEST, POINTER, snapshotKey } from '../format/layout.ts';
import { parseManifest } from '../format/manifest.ts';
import type { PublicKey } from '../format/minisign/public-key.ts';
import { filePathOf } from '../format/snapshot/entry.ts';
import { openRoot, type Root } from '../format/snapshot/root.ts';
import {
  isAsNamed,
  listBlobs,
  type MirrorBlob,
  putBlobs,
  type Uploaded,
  type UploadOptions,
} from './bucket/blobs.ts';
import type { Bucket } from './bucket/bucket.ts';
import { type ConfirmLease, type LeaseOptions, withLease } from './bucket/lease.ts';
import { goLive } from './bucket/live.ts';
import {
  listSnapshots,
  readPointer,
  readSnapshot,
  readStoredEntries,
  readStoredFile,
} from './bucket/snapshots.ts';
import { digestBytes, type FileDigest } from './directory/hash.ts';
import { snapshotEntries } from './snapshot/entries.ts';
import { type ListedFiles, renewSignatures, type Stage } from './snapshot/renew.ts';
import { type SnapshotSigning, signSnapshot } from './snapshot/sign.ts';
import type { MirrorUrl } from './verify/mirror-url.ts';

/** What rolling back takes. */
export interface RollbackOptions extends LeaseOptions, UploadOptions, SnapshotSigning {
  /** Version whose content is to be live again; the one before the live one when absent. */
  to?: number | undefined;
  /** Keys, besides `key`, that may have signed what is there. */
  trusted: readonly PublicKey[];
  /** Address of a Worker that is to verify the snapshot before it goes live. */
  edge?: MirrorUrl | undefined;
}

/** What is live after rolling back. */
export interface RollbackSummary {
  version: number;
  /** Version whose content this is. */
  content_of: number;
  /** Version that was live before. */
  previous: number;
  expires_at: string;
  uploaded: Uploaded;
}

/**
 * Makes the content of a kept snapshot live again: signed anew, as the newest version, because readers refuse to go back
 * and signatures age. What clients of the present snapshot may still ask for by content stays reachable, as it does when
 * a mirror changes otherwise. Nothing of a package is uploaded; a file that the bucket lost is found before anything
 * changes. Throws `unpublished`, `not-found`, `bad-signature`, `missing`, `mismatch`, `locked` or `refused`.
 */
export function rollback(options: RollbackOptions): Promise<RollbackSummary> {
  return withLease(options, (confirm) => carryOut(options, confirm));
}

async function carryOut(options: RollbackOptions, confirm: ConfirmLease): Promise<RollbackSummary> {
  const { bucket, jobs, key, reporter, edge } = options;
  const trusted = [key.publicKey, ...options.trusted];
  const pointer = await readPointer(bucket);
  if (!pointer?.live) throw nothingLive();
  const live = openRoot(pointer.live, trusted).snapshot;
  const target = await targetOf(options, live, trusted);
  const stage = new BucketStage(bucket);
  for (const { name, path, size, sha256, md5 } of await readStoredEntries(bucket, target, jobs)) {
    if (path === undefined) stage.carry(name, { size, sha256, md5 });
  }
  await renewSignatures(stage, stage, parseManifest(await stage.read(MANIFEST)), options);
  const now = Math.floor(options.now.getTime() / 1000);
  const entries = snapshotEntries(stage.files, await readStoredEntries(bucket, live, jobs), now);
  const { snapshot, leaves, signed } = signSnapshot(options, entries, live.version);
  for (const { bytes, reference } of leaves) stage.add(leafPath(reference.sha256), bytes);
  const blobs = entries.map((entry) => ({ ...entry, path: filePathOf(entry) }));
  const uploaded = await stage.upload(options, blobs);
  await goLive(signed, { etag: pointer.etag, version: live.version }, { bucket, confirm, reporter, edge });
  return {
    ...{ version: snapshot.version, content_of: target.version, previous: live.version },
    ...{ expires_at: snapshot.expires_at, uploaded },
  };
}

async function targetOf(
  { bucket, to }: RollbackOptions,
  live: Root,
  trusted: readonly PublicKey[],
): Promise<Root> {
  if (to !== undefined && to >= live.version) {
    const message = `Snapshot ${to} is not older than the live one, ${live.version}: there is nothing to roll back.`;
    throw new MirrorError('usage', message);
  }
  const earlier = (await listSnapshots(bucket)).find(({ version }) => version < live.version);
  const version = to ?? earlier?.version;
  if (version === undefined) {
    throw new MirrorError('not-found', 'The bucket keeps no snapshot from before the live one.', {
      where: POINTER,
    });
  }
  const { snapshot } = openRoot(await readSnapshot(bucket, version), trusted);
  if (snapshot.version === version) return snapshot;
  throw new MirrorError('mismatch', `${snapshotKey(version)} is the snapshot of another version.`, {
    where: snapshotKey(version),
    expected: String(version),
    found: String(snapshot.version),
  });
}

/** The files of a snapshot to come, in a bucket: those that are there, and documents that wait to be uploaded. */
class BucketStage implements Stage, ListedFiles {
  readonly #bucket: Bucket;
  readonly #documents = new Map<string, { path: string; bytes: Uint8Array; digest: FileDigest }>();
  readonly files = new Map<string, FileDigest>();

  constructor(bucket: Bucket) {
    this.#bucket = bucket;
  }

  /** Adds a file that is in the bucket. */
  carry(path: string, digest: FileDigest): void {
    this.files.set(path, digest);
  }

  /** Adds a document that is no file of its own: a leaf. */
  add(path: string, bytes: Uint8Array): FileDigest {
    const digest = digestBytes(bytes);
    this.#documents.set(digest.sha256, { path, bytes, digest });
    return digest;
  }

  async put(path: string, bytes: Uint8Array): Promise<FileDigest> {
    const digest = this.add(path, bytes);
    this.files.set(path, digest);
    return digest;
  }

  async read(path: string): Promise<Uint8Array> {
    const listed = this.files.get(path);
    if (listed) return readStoredFile(this.#bucket, listed, path);
    throw new MirrorError('missing', `That snapshot lists no ${path}.`, { where: path });
  }

  async prehash(path: string): Promise<Uint8Array> {
    return createHash('blake2b512')
      .update(await this.read(path))
      .digest();
  }

  /** Uploads the documents that the bucket lacks, once it is seen to have all other blobs. Throws `missing`. */
  async upload(options: UploadOptions, blobs: readonly MirrorBlob[]): Promise<Uploaded> {
    const stored = await listBlobs(this.#bucket);
    const isStored = (blob: MirrorBlob): boolean => {
      const object = stored.get(blob.sha256);
      return object !== undefined && isAsNamed(blob, object);
    };
    const gone = blobs.filter((blob) => !this.#documents.has(blob.sha256) && !isStored(blob));
    if (gone.length > 0) throw lost([...new Set(gone.map(({ path }) => path))]);
    const documents = [...this.#documents.values()].map(({ path, bytes, digest }) => ({
      ...{ path, ...digest, body: bytes },
    }));
    return putBlobs(
      options,
      documents.filter((document) => !isStored(document)),
    );
  }
}

const nothingLive = (): MirrorError =>
  new MirrorError('unpublished', 'Nothing has been published to this bucket yet.', { where: POINTER });

const lost = (paths: readonly string[]): MirrorError => {
  const message =
    'The bucket has lost these files of that snapshot, or has other bytes for them; nothing was changed:';
  return new MirrorError('missing', [message, ...paths].join('\n  '), { where: paths[0] });
};
