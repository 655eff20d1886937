import { createHash } from 'node:crypto';
import { MirrorError } from '../format/errors.ts';
import { parseIndexManifest } from '../format/index-manifest.ts';
import {
  INDEX_MANIFEST,
  MANIFEST,
  PACKAGE_LIST,
  POINTER,
  SNAPSHOTS,
  type SnapshotId,
  snapshotKey,
  snapshotName,
} from '../format/layout.ts';
import { parseManifest, withdrawnKey } from '../format/manifest.ts';
import type { PublicKey } from '../format/minisign/public-key.ts';
import { parsePackageList } from '../format/package-list.ts';
import { isOwnFile, type SnapshotEntry, type StoredEntry } from '../format/snapshot/entry.ts';
import type { Root } from '../format/snapshot/root.ts';
import {
  expectUploaded,
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
import { type Change, changesBetween, packagesIn } from './plan/changes.ts';
import { type Renewal, renewSignatures } from './snapshot/renew.ts';
import { signSnapshot } from './snapshot/sign.ts';
import { openOwnRoot } from './snapshot/signed-mirror.ts';
import { Stage, type StageStorage } from './snapshot/stage.ts';
import type { MirrorUrl } from './verify/mirror-url.ts';
import { isOfVersion } from './withdraw/files.ts';

/** What rolling back takes. */
export interface RollbackOptions extends LeaseOptions, UploadOptions, Renewal {
  /**
   * Version of the snapshot whose content becomes live again, or its whole name, `<version>-<key id>`; by default the one
   * before the live one.
   */
  to?: string | undefined;
  /** Keys, besides `key`, that may have signed the snapshots in the bucket. */
  trusted: readonly PublicKey[];
  /** Address of a Worker that verifies the snapshot before it goes live, and must serve it afterwards. */
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

/** What rolling back would do. */
export interface RollbackPreview extends Pick<RollbackSummary, 'content_of' | 'previous'> {
  dry_run: true;
  /** When the snapshot was signed whose content becomes live again. */
  created_at: string;
  changes: Change[];
}

/**
 * Returns what {@link rollback} would do, after the same checks. Takes no lease, writes nothing, and asks no edge. It signs
 * nothing: `trusted` has every key that may have signed the snapshots. Throws as {@link rollback} does, but for `locked`.
 */
export async function previewRollback(options: PlanOptions): Promise<RollbackPreview> {
  const { bucket } = options;
  const { live, target, entries, content } = await planRollback(options);
  const [before = [], after = []] = await Promise.all(
    [entries.filter(isContent), content].map(async (files) => {
      const { packages } = parsePackageList(await readListed(bucket, files, PACKAGE_LIST));
      return packagesIn(packages, parseManifest(await readListed(bucket, files, MANIFEST)));
    }),
  );
  return {
    ...{ dry_run: true, content_of: target.version, previous: live.snapshot.version },
    ...{ created_at: target.created_at, changes: changesBetween(before, after) },
  };
}

/** What planning takes; `trusted` has every key that may have signed the snapshots. */
type PlanOptions = Pick<RollbackOptions, 'bucket' | 'jobs' | 'trusted' | 'to'>;

/** Reads what a rollback is about, and checks that nothing is in its way. */
async function planRollback(options: PlanOptions) {
  const { bucket, jobs, trusted } = options;
  const pointer = await readPointer(bucket);
  if (!pointer?.live) throw nothingLive();
  const live = openOwnRoot(pointer.live, trusted, 'What is live in the bucket');
  const target = await targetOf(options, snapshotIdOf(live), live.snapshot);
  const entries = await readStoredEntries(bucket, live.snapshot, jobs);
  const storage = new BucketStorage(bucket, await listBlobs(bucket));
  const content = (await readStoredEntries(bucket, target, jobs)).filter(isContent);
  const { withdrawn = [] } = parseManifest(
    await readListed(bucket, entries.filter(isContent), MANIFEST),
  ).request;
  if (withdrawn.length > 0) await expectNotWithdrawn(bucket, withdrawn, content, target);
  storage.expectStored(content);
  return { pointer, live, target, entries, content, storage, withdrawn };
}

async function carryOut(options: RollbackOptions, confirm: ConfirmLease): Promise<RollbackSummary> {
  const { bucket, reporter, edge, key } = options;
  const trusted = [key.publicKey, ...options.trusted];
  const { pointer, live, target, entries, content, storage, withdrawn } = await planRollback({
    ...options,
    trusted,
  });
  const stage = new Stage(storage);
  for (const entry of content) stage.carry(entry.name, entry);
  const present = { indexVersion: await liveIndexVersion(storage, entries), withdrawn };
  const validFor = await renewSignatures(stage, options, present);
  const { mirror, version: previous } = live.snapshot;
  const { snapshot, signed } = await signSnapshot({ ...options, validFor }, stage, {
    mirror,
    version: previous,
    entries,
    sources: [...(live.snapshot.sources ?? []), ...(target.sources ?? [])],
  });
  const uploaded = await putBlobs(options, storage.documents);
  await expectUploaded(options, storage.documents);
  await goLive(signed, { etag: pointer.etag, id: snapshotIdOf(live) }, { bucket, confirm, reporter, edge });
  return {
    ...{ version: snapshot.version, content_of: target.version, previous },
    ...{ expires_at: snapshot.expires_at, uploaded },
  };
}

/** Throws `refused` for a snapshot that lists a version that was withdrawn after it, or only has a file of one. */
async function expectNotWithdrawn(
  bucket: Bucket,
  withdrawn: readonly string[],
  content: readonly SnapshotEntry[],
  { version }: Root,
): Promise<void> {
  const { packages } = parsePackageList(await readListed(bucket, content, PACKAGE_LIST));
  const listed = new Set(packages.map(withdrawnKey));
  const isThere = (key: string): boolean =>
    listed.has(key) || content.some(({ name }) => isOfVersion(name, key));
  const bad = withdrawn.filter(isThere);
  if (bad.length === 0) return;
  const names = bad.map((key) => key.slice(key.indexOf(' ') + 1)).join(', ');
  const message = `Snapshot ${version} has ${names}, which was withdrawn: choose an earlier one with --to.`;
  throw new MirrorError('refused', message, { found: names });
}

/** Reads a document of a snapshot from a bucket. */
function readListed(bucket: Bucket, entries: readonly SnapshotEntry[], path: string): Promise<Uint8Array> {
  const { sha256 = '', size = 0 } = entries.find(({ name }) => name === path) ?? {};
  return readStoredFile(bucket, { sha256, size }, path);
}

/** Returns the version of the live index; `undefined` if the bucket has lost it. */
async function liveIndexVersion(
  storage: BucketStorage,
  live: readonly SnapshotEntry[],
): Promise<string | undefined> {
  const { sha256 = '' } =
    live.find(({ name, until }) => name === INDEX_MANIFEST && until === undefined) ?? {};
  const stored = await storage.find(INDEX_MANIFEST, sha256);
  return stored && parseIndexManifest(await storage.read(INDEX_MANIFEST, stored)).version;
}

/** Returns true for the files that a snapshot has itself, not for those that it keeps for clients of earlier ones. */
const isContent = (entry: SnapshotEntry): boolean => isOwnFile(entry) && entry.until === undefined;

/** Returns the snapshot to go back to. */
async function targetOf({ bucket, to, trusted }: PlanOptions, liveId: SnapshotId, live: Root): Promise<Root> {
  const id = chooseEarlier(await listSnapshots(bucket), liveId, to);
  const { snapshot } = openOwnRoot(await readSnapshot(bucket, id), trusted, `Snapshot ${snapshotName(id)}`);
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
