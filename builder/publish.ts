import { MirrorError } from '../format/errors.ts';
import { ROOT, ROOT_CHANNEL } from '../format/layout.ts';
import type { PublicKey } from '../format/minisign/public-key.ts';
import { openRoot, type Root, type TrustedRoot } from '../format/snapshot/root.ts';
import { expectUploaded, putBlobs, totalOf, type Uploaded, type UploadOptions } from './bucket/blobs.ts';
import { expectServed, urlOfChannel } from './bucket/edge.ts';
import { type ConfirmLease, type LeaseOptions, withLease } from './bucket/lease.ts';
import { goLive, isLive, previousOf, readTarget, type Target } from './bucket/live.ts';
import { type PrunedBucket, pruneBucket, type Retention } from './bucket/prune.ts';
import { snapshotIdOf } from './bucket/snapshots.ts';
import {
  expectInFolder,
  missingUploads,
  provableUploads,
  type SnapshotUploads,
  uploadsOf,
} from './bucket/upload.ts';
import { expectFresh } from './channel-rules.ts';
import { expectWhole, readSignedRoot } from './directory/mirror.ts';
import type { MirrorUrl } from './verify/mirror-url.ts';
import { verifyDirectory } from './verify/verify-directory.ts';

const EXPIRED =
  'The signatures of this mirror have expired: run sign, which renews them, then publish again.';

export interface PublishOptions extends LeaseOptions, UploadOptions {
  directory: string;
  /** The channel whose readers are switched: by default the one at the root. */
  channel?: string | undefined;
  /** The keys to trust, newest first: what is live by an earlier one is not replaced. */
  trusted: readonly PublicKey[];
  /** Do not verify the directory: the caller has done so. */
  skipVerify: boolean;
  /** Upload again what storage has lost or damaged, even if this snapshot is live already. */
  repair: boolean;
  /** What to say of files that neither the bucket nor the folder has, before their names. */
  neitherHas?: string | undefined;
  /** Change nothing; the summary says what would be uploaded. */
  dryRun: boolean;
  /** What to keep of earlier snapshots; everything if absent. */
  retention?: Retention | undefined;
  /** Address of a Worker that verifies the snapshot before it goes live, and must serve it afterwards. */
  edge?: MirrorUrl | undefined;
}

export interface PublishSummary {
  dry_run: boolean;
  channel: string;
  version: number;
  /** Version that was live in the channel before; null for the first. */
  previous: number | null;
  uploaded: Uploaded;
  /** Files on demand that are not uploaded, so the Worker fetches them; null if that was not counted. */
  on_demand: number | null;
  /** False if this snapshot was live already. */
  changed: boolean;
  /** What was removed of earlier snapshots; null if everything is kept. */
  removed: PrunedBucket | null;
}

/**
 * Publishes a mirror directory: verifies it, uploads what the bucket lacks, writes the snapshot, and moves the pointer
 * of a channel last, and reads it back. Readers see the old snapshot until then, and after any failure before. If the snapshot is live
 * already, that costs one read, and nothing else is checked but that the edge serves it.
 * Throws `mismatch` for a directory that does not verify or a bucket that has other bytes, `expired`, `locked`,
 * `rolled-back` for a mirror that is older than what is live, `too-large`, or `refused`: by storage, or for a bucket that has
 * another mirror.
 */
export async function publish(options: PublishOptions): Promise<PublishSummary> {
  const { directory, channel, trusted, clock, dryRun, edge, reporter } = options;
  await expectWhole(directory);
  const signed = openRoot(await readSignedRoot(directory), trusted);
  expectFresh(signed.snapshot, clock(), EXPIRED, ROOT);
  const summary = await publishRoot(options, signed);
  // Readers may look elsewhere than where this was found live.
  if (edge && !summary.changed && !dryRun) await expectServed(urlOfChannel(edge, channel), signed, reporter);
  return summary;
}

async function publishRoot(options: PublishOptions, signed: TrustedRoot): Promise<PublishSummary> {
  const { directory, clock, repair, dryRun } = options;
  const target = await readTarget(options, signed);
  if (!repair && isLive(target.pointer, signed)) return summaryOf(options, signed);
  previousOf(target, signed, options);
  if (!options.skipVerify) await expectVerified(options, signed);
  const edition = { signed, ...(await uploadsOf(directory, signed.snapshot, clock())) };
  if (dryRun) return carryOut(options, edition, target);
  return withLease(options, async (confirm) =>
    carryOut(options, edition, await readTarget(options, signed), confirm),
  );
}

/** A mirror's snapshot, and every blob of it. */
interface Edition extends SnapshotUploads {
  signed: TrustedRoot;
}

/** Uploads and goes live, or without `confirm` only says what that would upload. */
async function carryOut(
  options: PublishOptions,
  { signed, ...edition }: Edition,
  target: Target,
  confirm?: ConfirmLease,
): Promise<PublishSummary> {
  const { directory, bucket, repair, retention, clock } = options;
  const alreadyLive = isLive(target.pointer, signed);
  if (!repair && alreadyLive) return summaryOf(options, signed);
  const before = previousOf(target, signed, options);
  // A stolen key may have signed a list of objects that are not there.
  const live = before && snapshotIdOf(before);
  const proof = live?.signer === snapshotIdOf(signed).signer ? before?.snapshot : undefined;
  const { uploads, absent } = await provableUploads(bucket, edition);
  const missing = await missingUploads({ ...options, now: clock() }, uploads, proof);
  expectInFolder(directory, missing, options.neitherHas);
  const uploaded = confirm ? await putBlobs(options, missing) : totalOf(missing);
  if (confirm) await expectUploaded(options, missing);
  if (alreadyLive) return { ...summaryOf(options, signed), uploaded, on_demand: absent };
  const summary = {
    ...summaryOf(options, signed),
    previous: before?.snapshot.version ?? null,
    uploaded,
    on_demand: absent,
    changed: true,
  };
  if (!confirm) return summary;
  await goLive(signed, target, { ...options, confirm });
  return {
    ...summary,
    removed: retention ? await cleanUp(options, retention, signed.snapshot, confirm) : null,
  };
}

/**
 * Throws, as {@link publish} does, for a snapshot that has expired or that what is live does not make way for. So a caller learns
 * that before it prepares a folder.
 */
export async function expectPublishable(
  options: Pick<PublishOptions, 'bucket' | 'channel' | 'trusted' | 'clock' | 'repair'>,
  signed: TrustedRoot,
): Promise<void> {
  expectFresh(signed.snapshot, options.clock(), EXPIRED, ROOT);
  previousOf(await readTarget(options, signed), signed, options);
}

/** Returns the summary for a snapshot that is live already. */
const summaryOf = (
  { channel = ROOT_CHANNEL, dryRun }: PublishOptions,
  { snapshot: { version } }: TrustedRoot,
): PublishSummary => ({
  ...{ dry_run: dryRun, channel, version, previous: version },
  ...{ uploaded: { objects: 0, bytes: 0 }, on_demand: null, changed: false, removed: null },
});

/** Prunes the bucket. By now the snapshot is live, which the error must say. */
async function cleanUp(
  { bucket, clock, jobs, reporter }: PublishOptions,
  retention: Retention,
  { version }: Root,
  confirm: ConfirmLease,
): Promise<PrunedBucket> {
  try {
    return await pruneBucket({ bucket, now: clock(), jobs, reporter, retention, confirm });
  } catch (cause) {
    if (!(cause instanceof MirrorError)) throw cause;
    const { code, expected, found, where } = cause;
    const message = `Snapshot ${version} is live, but the bucket was not cleaned up: ${cause.message}`;
    throw new MirrorError(code, message, { expected, found, where, cause });
  }
}

/** Verifies the directory, and that it still holds this snapshot: it may have changed since it was read. */
async function expectVerified(
  { directory, trusted, clock, reporter, stop }: PublishOptions,
  signed: TrustedRoot,
): Promise<void> {
  const report = await verifyDirectory(directory, { trusted, now: clock(), reporter, stop });
  const { version, signer } = snapshotIdOf(signed);
  const found = report.snapshot;
  if (report.ok && found?.version === version && found.signed_by === signer) return;
  const list = report.failures.map((failure) => `${failure.path}: ${failure.message}`);
  const message = report.ok
    ? 'This mirror changed while it was verified: publish it again.'
    : ['This mirror does not verify and is not published:', ...list].join('\n  ');
  throw new MirrorError('mismatch', message, { where: directory });
}
