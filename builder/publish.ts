import { MirrorError } from '../format/errors.ts';
import { ROOT } from '../format/layout.ts';
import type { PublicKey } from '../format/minisign/public-key.ts';
import { isExpired, openRoot, type Root, type SignedRoot } from '../format/snapshot/root.ts';
import { putBlobs, totalOf, type Upload, type Uploaded, type UploadOptions } from './bucket/blobs.ts';
import { type Collected, collect } from './bucket/collect.ts';
import { goLive } from './bucket/go-live.ts';
import { type ConfirmLease, type LeaseOptions, withLease } from './bucket/lease.ts';
import { isLive, previousOf } from './bucket/previous.ts';
import type { Retention } from './bucket/retention.ts';
import { type Pointer, readPointer } from './bucket/snapshots.ts';
import { missingUploads, uploadsOf } from './bucket/upload.ts';
import { expectWhole, readSignedRoot } from './directory/mirror.ts';
import type { MirrorUrl } from './verify/mirror-url.ts';
import { verifyDirectory } from './verify/verify-directory.ts';

export interface PublishOptions extends LeaseOptions, UploadOptions {
  directory: string;
  trusted: readonly PublicKey[];
  /** Leave it to somebody else to have verified the directory. */
  skipVerify: boolean;
  /** Upload again what storage lacks or has damaged, also when this snapshot is live already. */
  repair: boolean;
  /** Change nothing, and tell what would be uploaded. */
  dryRun: boolean;
  /** What to keep of earlier snapshots; everything when absent. */
  retention?: Retention | undefined;
  /** Address of a Worker that is to verify the snapshot before it goes live. */
  edge?: MirrorUrl | undefined;
}

export interface PublishSummary {
  dry_run: boolean;
  version: number;
  /** Version that was live before; null for the first. */
  previous: number | null;
  uploaded: Uploaded;
  /** False when this snapshot was live already. */
  changed: boolean;
  /** What was removed of earlier snapshots; null when everything is kept. */
  removed: Collected | null;
}

/**
 * Publishes a mirror directory: verifies it, uploads what the live snapshot lacks, writes the snapshot, and last of
 * all moves the pointer. Readers see the old snapshot until then and after any failure. One that is live already costs
 * one read, and nothing else is looked at.
 * Throws `mismatch` for a directory that does not verify or a bucket that has other bytes, `expired`, `locked`,
 * `rolled-back` for a mirror that is older than what is live, `too-large`, or `refused` by storage.
 */
export async function publish(options: PublishOptions): Promise<PublishSummary> {
  const { directory, bucket, trusted, clock, repair, dryRun } = options;
  await expectWhole(directory);
  const signed = await readSignedRoot(directory);
  const { snapshot } = openRoot(signed, trusted);
  expectFresh(snapshot, clock());
  const pointer = await readPointer(bucket, repair);
  if (!repair && isLive(pointer, signed)) return unchanged(snapshot, dryRun);
  previousOf(pointer, signed, options);
  if (!options.skipVerify) await expectVerified(options, snapshot);
  const wanted = await uploadsOf(directory, snapshot);
  if (dryRun) return preview(options, { signed, snapshot, wanted }, pointer);
  return withLease(options, (confirm) => carryOut(options, { signed, snapshot, wanted }, confirm));
}

/** A mirror's snapshot, and every blob that it names. */
interface Edition {
  signed: SignedRoot;
  snapshot: Root;
  wanted: Upload[];
}

async function carryOut(
  options: PublishOptions,
  edition: Edition,
  confirm: ConfirmLease,
): Promise<PublishSummary> {
  const { bucket, repair, retention, edge, reporter } = options;
  const { signed, snapshot } = edition;
  const pointer = await readPointer(bucket, repair);
  if (!repair && isLive(pointer, signed)) return unchanged(snapshot, false);
  const { alreadyLive, previous, missing } = await compare(options, edition, pointer);
  const uploaded = await putBlobs(options, missing);
  if (alreadyLive) return { ...unchanged(snapshot, false), uploaded };
  const live = { etag: pointer?.etag, version: previous?.version };
  await goLive(signed, live, { bucket, confirm, reporter, edge });
  const removed = retention ? await cleanUp(options, retention, snapshot, confirm) : null;
  return { ...published(snapshot, previous, uploaded), removed };
}

/** What the same without `dryRun` would do, as far as that is to be seen from outside. */
async function preview(
  options: PublishOptions,
  edition: Edition,
  pointer: Pointer | undefined,
): Promise<PublishSummary> {
  const { alreadyLive, previous, missing } = await compare(options, edition, pointer);
  const uploaded = totalOf(missing);
  if (alreadyLive) return { ...unchanged(edition.snapshot, true), uploaded };
  return { ...published(edition.snapshot, previous, uploaded), dry_run: true };
}

/** Holds a mirror against what is live and what the bucket has. */
async function compare(
  options: PublishOptions,
  edition: Edition,
  pointer: Pointer | undefined,
): Promise<{ alreadyLive: boolean; previous: Root | undefined; missing: Upload[] }> {
  const previous = previousOf(pointer, edition.signed, options);
  const missing = await missingUploads(options, edition.wanted, previous);
  return { alreadyLive: isLive(pointer, edition.signed), previous, missing };
}

/** The snapshot is live by now, and a failure must not sound as if it were not. */
async function cleanUp(
  { bucket, clock, jobs, reporter }: PublishOptions,
  retention: Retention,
  { version }: Root,
  confirm: ConfirmLease,
): Promise<Collected> {
  try {
    return await collect({ bucket, now: clock(), jobs, reporter, retention, confirm });
  } catch (cause) {
    if (!(cause instanceof MirrorError)) throw cause;
    const { code, expected, found, where } = cause;
    const message = `Snapshot ${version} is live, but the bucket was not cleaned up: ${cause.message}`;
    throw new MirrorError(code, message, { expected, found, where, cause });
  }
}

const unchanged = ({ version }: Root, dryRun: boolean): PublishSummary => ({
  ...{ dry_run: dryRun, version, previous: version },
  ...{ uploaded: { objects: 0, bytes: 0 }, changed: false, removed: null },
});

const published = ({ version }: Root, previous: Root | undefined, uploaded: Uploaded): PublishSummary => ({
  ...{ dry_run: false, version, previous: previous?.version ?? null },
  ...{ uploaded, changed: true, removed: null },
});

/** What has expired is not worth publishing, and what is live and has expired is not up to date. */
function expectFresh(snapshot: Root, now: Date): void {
  if (!isExpired(snapshot, now)) return;
  const message =
    'The signatures of this mirror have expired: run create, update or sign, then publish again.';
  throw new MirrorError('expired', message, {
    where: ROOT,
    expected: `a time before ${snapshot.expires_at}`,
    found: now.toISOString(),
  });
}

/** The snapshot that is published must be the very one that was verified: the directory may change meanwhile. */
async function expectVerified(
  { directory, trusted, clock, reporter }: PublishOptions,
  { version }: Root,
): Promise<void> {
  const report = await verifyDirectory(directory, { trusted, now: clock(), reporter });
  if (report.ok && report.snapshot?.version === version) return;
  const list = report.failures.map((failure) => `${failure.path}: ${failure.message}`);
  const message = report.ok
    ? 'This mirror was changed while it was verified: publish it again.'
    : ['This mirror does not verify and is not published:', ...list].join('\n  ');
  throw new MirrorError('mismatch', message, { where: directory });
}
