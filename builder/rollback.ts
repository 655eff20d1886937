import { MirrorError } from '../format/errors.ts';
import { parseIndexManifest } from '../format/index-manifest.ts';
import {
  INDEX_MANIFEST,
  POINTER,
  ROOT_CHANNEL,
  SNAPSHOTS,
  type SnapshotId,
  snapshotKey,
  snapshotName,
} from '../format/layout.ts';
import { keyIdText, type PublicKey } from '../format/minisign/public-key.ts';
import type { SnapshotEntry } from '../format/snapshot/entry.ts';
import type { ChannelPointer } from '../format/snapshot/pointer.ts';
import type { Root } from '../format/snapshot/root.ts';
import { expectUploaded, listBlobs, putBlobs, type Uploaded, type UploadOptions } from './bucket/blobs.ts';
import { noChannel, readChannels, readPointer } from './bucket/channels.ts';
import { type ConfirmLease, type LeaseOptions, withLease } from './bucket/lease.ts';
import { isContent, packagesOf } from './bucket/listed.ts';
import { goLive } from './bucket/live.ts';
import { stageRolledBack } from './bucket/rolled-back.ts';
import {
  findSnapshot,
  isSameSnapshot,
  listSnapshots,
  notKept,
  readSnapshot,
  readStoredEntries,
  snapshotIdOf,
} from './bucket/snapshots.ts';
import { BucketStorage } from './bucket/staging.ts';
import { type Change, changesBetween } from './plan/changes.ts';
import { type Renewal, renewSignatures } from './snapshot/renew.ts';
import { signSnapshot } from './snapshot/sign.ts';
import { openOwnRoot } from './snapshot/signed-mirror.ts';
import { Stage } from './snapshot/stage.ts';
import type { MirrorUrl } from './verify/mirror-url.ts';
import { expectNotWithdrawn, withdrawnIn } from './withdraw/in-bucket.ts';

/** What rolling back takes. */
export interface RollbackOptions extends LeaseOptions, UploadOptions, Renewal {
  /** The channel whose readers are switched: by default the one at the root. */
  channel?: string | undefined;
  /**
   * Version of the snapshot whose content becomes live again, or its whole name, `<version>-<key id>`; by default the one
   * that was live in the channel before.
   */
  to?: string | undefined;
  /** Keys, besides `key`, that may have signed the snapshots in the bucket. */
  trusted: readonly PublicKey[];
  /** Address of a Worker that verifies the snapshot before it goes live, and must serve it afterwards. */
  edge?: MirrorUrl | undefined;
}

/** What is live after rolling back. */
export interface RollbackSummary {
  channel: string;
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
export interface RollbackPreview extends Pick<RollbackSummary, 'channel' | 'content_of' | 'previous'> {
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
  const { channel, live, target, entries, content } = await planRollback(options);
  const [before, after] = [
    await packagesOf(bucket, entries.filter(isContent)),
    await packagesOf(bucket, content),
  ];
  return {
    ...{ dry_run: true, channel, content_of: target.version, previous: live.snapshot.version },
    ...{ created_at: target.created_at, changes: changesBetween(before, after) },
  };
}

/** What planning takes; `trusted` has every key that may have signed the snapshots. */
type PlanOptions = Pick<RollbackOptions, 'bucket' | 'channel' | 'jobs' | 'trusted' | 'to'>;

/** Reads what a rollback is about, and checks that nothing is in its way. */
async function planRollback(options: PlanOptions) {
  const { bucket, channel = ROOT_CHANNEL, jobs, trusted } = options;
  const pointer = await readPointer(bucket, channel);
  if (!pointer?.live) throw nothingLive(channel);
  const title = channel === ROOT_CHANNEL ? 'the bucket' : `channel ${channel}`;
  const live = openOwnRoot(pointer.live, trusted, `What is live in ${title}`);
  const stored = await listSnapshots(bucket);
  const target = await targetOf(options, stored, pointer.live, live.snapshot);
  const entries = await readStoredEntries(bucket, live.snapshot, jobs);
  const storage = new BucketStorage(bucket, await listBlobs(bucket));
  const content = (await readStoredEntries(bucket, target, jobs)).filter(isContent);
  const withdrawn = await withdrawnIn(bucket, live.snapshot.mirror, await readChannels(bucket, jobs));
  await expectNotWithdrawn(bucket, withdrawn, content, target);
  storage.expectStored(content);
  return { channel, pointer, stored, live, target, entries, content, storage, withdrawn };
}

async function carryOut(options: RollbackOptions, confirm: ConfirmLease): Promise<RollbackSummary> {
  const trusted = [options.key.publicKey, ...options.trusted];
  const { channel, pointer, stored, live, target, entries, content, storage, withdrawn } = await planRollback(
    {
      ...options,
      trusted,
    },
  );
  const stage = new Stage(storage);
  for (const entry of content) stage.carry(entry.name, entry);
  const { mirror, version: previous } = live.snapshot;
  const version = freeVersion(previous, stored, options);
  await stageRolledBack(stage, options, { version, entries, content });
  const present = { indexVersion: await liveIndexVersion(storage, entries), withdrawn };
  const validFor = await renewSignatures(stage, options, present);
  const { snapshot, signed } = await signSnapshot({ ...options, validFor }, stage, {
    ...{ mirror, version, entries },
    sources: [...(live.snapshot.sources ?? []), ...(target.sources ?? [])],
  });
  const uploaded = await putBlobs(options, storage.documents);
  await expectUploaded(options, storage.documents);
  await goLive(signed, { channel, pointer }, { ...options, confirm });
  return {
    ...{ channel, version: snapshot.version, content_of: target.version, previous },
    ...{ expires_at: snapshot.expires_at, uploaded },
  };
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

/** Returns the snapshot to go back to. */
async function targetOf(
  { bucket, to, trusted }: PlanOptions,
  stored: readonly SnapshotId[],
  pointer: ChannelPointer,
  live: Root,
): Promise<Root> {
  const id = chooseEarlier(stored, pointer, to);
  const { snapshot } = openOwnRoot(await readSnapshot(bucket, id), trusted, `Snapshot ${snapshotName(id)}`);
  if (snapshot.mirror === live.mirror) return snapshot;
  throw new MirrorError('refused', `Snapshot ${snapshotName(id)} is of another mirror than the live one.`, {
    ...{ where: snapshotKey(id), expected: live.mirror, found: snapshot.mirror },
  });
}

/** Returns the snapshot that was live in the channel before, of those that are kept, or the chosen one. */
function chooseEarlier(
  stored: readonly SnapshotId[],
  pointer: ChannelPointer,
  to: string | undefined,
): SnapshotId {
  const live = snapshotIdOf(pointer);
  const chosen =
    to === undefined
      ? pointer.history
          .map(({ snapshot }) => snapshot)
          .find((id) => stored.some((one) => isSameSnapshot(one, id)))
      : findSnapshot([live, ...stored.filter((id) => !isSameSnapshot(id, live))], to);
  if (!chosen) {
    if (to !== undefined) throw notKept(to);
    const message =
      'The bucket keeps no snapshot that was live here before this one: choose one of `snapshots` with --to.';
    throw new MirrorError('not-found', message, { where: SNAPSHOTS });
  }
  if (!isSameSnapshot(chosen, live)) return chosen;
  const message = `Snapshot ${to} is the live one, ${snapshotName(live)}: there is nothing to roll back.`;
  throw new MirrorError('usage', message);
}

/** Returns a version whose successor at this time no stored snapshot of this key has: another channel's may be as new. */
function freeVersion(version: number, stored: readonly SnapshotId[], { key, now }: RollbackOptions): number {
  const signer = keyIdText(key.publicKey.keyId);
  const taken = new Set(stored.filter((id) => id.signer === signer).map((id) => id.version));
  const seconds = Math.floor(now.getTime() / 1000);
  let before = version;
  while (taken.has(Math.max(before + 1, seconds))) before = Math.max(before + 1, seconds);
  return before;
}

const nothingLive = (channel: string): MirrorError =>
  channel === ROOT_CHANNEL
    ? new MirrorError('unpublished', 'Nothing has been published to this bucket yet.', { where: POINTER })
    : noChannel(channel);
