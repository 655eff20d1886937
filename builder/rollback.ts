import { createHash } from 'node:crypto';
import { MirrorError } from '../format/errors.ts';
import { POINTER, snapshotKey } from '../format/layout.ts';
import type { PublicKey } from '../format/minisign/public-key.ts';
import type { SnapshotEntry } from '../format/snapshot/entry.ts';
import { openRoot, type Root } from '../format/snapshot/root.ts';
import {
  isAsNamed,
  listBlobs,
  type MirrorBlob,
  putBlobs,
  type Upload,
  type Uploaded,
  type UploadOptions,
} from './bucket/blobs.ts';
import { type Bucket, md5Of } from './bucket/bucket.ts';
import { type ConfirmLease, type LeaseOptions, withLease } from './bucket/lease.ts';
import { goLive } from './bucket/live.ts';
import {
  listSnapshots,
  readPointer,
  readSnapshot,
  readStoredEntries,
  readStoredFile,
} from './bucket/snapshots.ts';
import type { FileDigest } from './directory/hash.ts';
import { renewSignatures } from './snapshot/renew.ts';
import { type SnapshotSigning, signSnapshot } from './snapshot/sign.ts';
import { Stage, type StageStorage } from './snapshot/stage.ts';
import type { MirrorUrl } from './verify/mirror-url.ts';

/** What rolling back takes. */
export interface RollbackOptions extends LeaseOptions, UploadOptions, SnapshotSigning {
  /** Version whose content becomes live again; by default the one before the live one. */
  to?: number | undefined;
  /** Keys, besides `key`, that may have signed the snapshots in the bucket. */
  trusted: readonly PublicKey[];
  /** Address of a Worker that verifies the snapshot before it goes live. */
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
 * Makes the content of a kept snapshot live again. It is signed again, as the newest version, because readers refuse to go
 * back and signatures age. Files of the present snapshot that clients may still ask for by content stay available, as with
 * any other change of a mirror. No package is uploaded; a file that the bucket has lost is found before anything changes. Throws `unpublished`, `not-found`, `bad-signature`, `missing`, `mismatch`, `locked` or `refused`.
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
  const storage = new BucketStorage(bucket, await listBlobs(bucket));
  const stage = new Stage(storage);
  const content = (await readStoredEntries(bucket, target, jobs)).filter(({ path }) => path === undefined);
  storage.expectStored(content);
  for (const entry of content) stage.carry(entry.name, entry);
  await renewSignatures(stage, options);
  const previous = { version: live.version, entries: await readStoredEntries(bucket, live, jobs) };
  const { snapshot, signed } = await signSnapshot(options, stage, previous);
  const uploaded = await putBlobs(options, storage.documents);
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

/** The files of a bucket; new documents wait in memory. */
class BucketStorage implements StageStorage {
  readonly #bucket: Bucket;
  readonly #stored: Awaited<ReturnType<typeof listBlobs>>;
  readonly #documents = new Map<string, Upload>();

  constructor(bucket: Bucket, stored: Awaited<ReturnType<typeof listBlobs>>) {
    this.#bucket = bucket;
    this.#stored = stored;
  }

  /** The documents to upload. */
  get documents(): Upload[] {
    return [...this.#documents.values()];
  }

  /** Throws `missing`, naming each file that the bucket has lost or has other bytes for. */
  expectStored(entries: readonly SnapshotEntry[]): void {
    const lost = entries.filter((entry) => !this.#isStored({ ...entry, path: entry.name }));
    if (lost.length === 0) return;
    const message =
      'The bucket has lost these files of that snapshot, or has other bytes for them; nothing was changed:';
    const paths = lost.map(({ name }) => name);
    throw new MirrorError('missing', [message, ...paths].join('\n  '), { where: paths[0] });
  }

  async find(path: string, sha256: string): Promise<FileDigest | undefined> {
    const document = this.#documents.get(sha256);
    if (document) return document;
    const stored = this.#stored.get(sha256);
    const found = stored && { size: stored.size, sha256, md5: md5Of(stored) };
    return found && this.#isStored({ path, ...found }) ? found : undefined;
  }

  async save(path: string, body: Uint8Array, digest: FileDigest): Promise<void> {
    this.#documents.set(digest.sha256, { path, body, ...digest });
  }

  read = (path: string, digest: FileDigest): Promise<Uint8Array> =>
    readStoredFile(this.#bucket, digest, path);

  async prehash(path: string, digest: FileDigest): Promise<Uint8Array> {
    return createHash('blake2b512')
      .update(await this.read(path, digest))
      .digest();
  }

  #isStored(blob: MirrorBlob): boolean {
    const object = this.#stored.get(blob.sha256);
    return object !== undefined && isAsNamed(blob, object);
  }
}

const nothingLive = (): MirrorError =>
  new MirrorError('unpublished', 'Nothing has been published to this bucket yet.', { where: POINTER });
