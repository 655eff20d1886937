import { createHash } from 'node:crypto';
import { MirrorError } from '../format/errors.ts';
import { POINTER, SNAPSHOTS, type SnapshotId, snapshotKey, snapshotName } from '../format/layout.ts';
import type { PublicKey } from '../format/minisign/public-key.ts';
import { isOwnFile, type SnapshotEntry, type StoredEntry } from '../format/snapshot/entry.ts';
import { openRoot, type Root } from '../format/snapshot/root.ts';
import {
  isAsNamed,
  listBlobs,
  putBlobs,
  type Upload,
  type Uploaded,
  type UploadOptions,
} from './bucket/blobs.ts';
import { type Bucket, md5Of } from './bucket/bucket.ts';
import { type ConfirmLease, type LeaseOptions, withLease } from './bucket/lease.ts';
import { goLive } from './bucket/live.ts';
import {
  isSameSnapshot,
  listSnapshots,
  readPointer,
  readSnapshot,
  readStoredEntries,
  readStoredFile,
  snapshotIdOf,
  splitAtLive,
} from './bucket/snapshots.ts';
import type { FileDigest } from './directory/hash.ts';
import { renewSignatures } from './snapshot/renew.ts';
import { type SnapshotSigning, signSnapshot } from './snapshot/sign.ts';
import { Stage, type StageStorage } from './snapshot/stage.ts';
import type { MirrorUrl } from './verify/mirror-url.ts';

/** What rolling back takes. */
export interface RollbackOptions extends LeaseOptions, UploadOptions, SnapshotSigning {
  /**
   * Version of the snapshot whose content becomes live again, or its whole name, `<version>-<key id>`; by default the one
   * before the live one.
   */
  to?: string | undefined;
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
 * Makes the content of a kept snapshot live again. It is signed again, as the next version of the mirror, because readers
 * refuse to go back and signatures age. Files of the present snapshot that clients may still ask for stay available, as with
 * any other change of a mirror. No package is uploaded; a file that the bucket has lost is found before anything changes.
 * Throws `unpublished`, `not-found`, `usage`, `bad-signature`, `missing`, `mismatch`, `locked` or `refused`.
 */
export function rollback(options: RollbackOptions): Promise<RollbackSummary> {
  return withLease(options, (confirm) => carryOut(options, confirm));
}

async function carryOut(options: RollbackOptions, confirm: ConfirmLease): Promise<RollbackSummary> {
  const { bucket, jobs, key, reporter, edge } = options;
  const trusted = [key.publicKey, ...options.trusted];
  const pointer = await readPointer(bucket);
  if (!pointer?.live) throw nothingLive();
  const live = openRoot(pointer.live, trusted);
  const target = await targetOf(options, snapshotIdOf(live), live.snapshot, trusted);
  const entries = await readStoredEntries(bucket, live.snapshot, jobs);
  const storage = new BucketStorage(bucket, await listBlobs(bucket));
  const stage = new Stage(storage);
  const content = (await readStoredEntries(bucket, target, jobs)).filter(isContent);
  storage.expectStored(content);
  for (const entry of content) stage.carry(entry.name, entry);
  await renewSignatures(stage, options);
  const { mirror, version: previous } = live.snapshot;
  const { snapshot, signed } = await signSnapshot(options, stage, { mirror, version: previous, entries });
  const uploaded = await putBlobs(options, storage.documents);
  await goLive(signed, { etag: pointer.etag, id: snapshotIdOf(live) }, { bucket, confirm, reporter, edge });
  return {
    ...{ version: snapshot.version, content_of: target.version, previous },
    ...{ expires_at: snapshot.expires_at, uploaded },
  };
}

/** True for the files that a snapshot has itself, not for those that it keeps for clients of earlier ones. */
const isContent = (entry: SnapshotEntry): boolean => isOwnFile(entry) && entry.until === undefined;

/** Returns the snapshot to go back to. */
async function targetOf(
  { bucket, to }: RollbackOptions,
  liveId: SnapshotId,
  live: Root,
  trusted: readonly PublicKey[],
): Promise<Root> {
  const id = chooseEarlier(await listSnapshots(bucket), liveId, to);
  const { snapshot } = openRoot(await readSnapshot(bucket, id), trusted);
  if (snapshot.mirror === live.mirror) return snapshot;
  throw new MirrorError('refused', `Snapshot ${snapshotName(id)} is of another mirror than the live one.`, {
    ...{ where: snapshotKey(id), expected: live.mirror, found: snapshot.mirror },
  });
}

/** Returns the snapshot before the live one, or the chosen one if it is earlier. `stored` is newest first. */
function chooseEarlier(stored: readonly SnapshotId[], live: SnapshotId, to: string | undefined): SnapshotId {
  const earlier = splitAtLive(stored, live).past.filter((id) => !isSameSnapshot(id, live));
  const isChosen = (id: SnapshotId): boolean => to === String(id.version) || to === snapshotName(id);
  const [chosen, ...others] = to === undefined ? earlier.slice(0, 1) : earlier.filter(isChosen);
  if (chosen && others.length === 0) return chosen;
  if (chosen) {
    const names = [chosen, ...others].map(snapshotName).join(', ');
    throw new MirrorError('usage', `Several keys have signed snapshot ${to}: choose one of ${names}.`);
  }
  if ([live, ...stored].some(isChosen)) {
    const message = `Snapshot ${to} is not older than the live one, ${snapshotName(live)}: there is nothing to roll back.`;
    throw new MirrorError('usage', message);
  }
  const message =
    to === undefined
      ? 'The bucket keeps no snapshot from before the live one.'
      : `The bucket keeps no snapshot ${to}: see \`snapshots\`.`;
  throw new MirrorError('not-found', message, { where: SNAPSHOTS });
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

  /**
   * Throws `missing`, naming each file that the bucket has lost or has other bytes for. Files on demand need not be there.
   */
  expectStored(entries: readonly SnapshotEntry[]): void {
    const lost = entries.filter((entry) => entry.source === undefined && !this.#isStored(entry));
    if (lost.length === 0) return;
    const message =
      'The bucket has lost these files of that snapshot, or has other bytes for them; nothing was changed:';
    const paths = lost.map(({ name }) => name);
    throw new MirrorError('missing', [message, ...paths].join('\n  '), { where: paths[0] });
  }

  async find(_path: string, sha256: string): Promise<FileDigest | undefined> {
    const document = this.#documents.get(sha256);
    if (document) return document;
    const stored = this.#stored.get(sha256);
    return stored && { size: stored.size, sha256, md5: md5Of(stored) };
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

  #isStored(entry: StoredEntry): boolean {
    const object = this.#stored.get(entry.sha256);
    return object !== undefined && isAsNamed(entry, object);
  }
}

const nothingLive = (): MirrorError =>
  new MirrorError('unpublished', 'Nothing has been published to this bucket yet.', { where: POINTER });
