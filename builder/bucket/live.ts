import { sha256Hex } from '../../format/digest.ts';
import { MirrorError, messageOf } from '../../format/errors.ts';
import { POINTER, ROOT, snapshotKey } from '../../format/layout.ts';
import type { PublicKey } from '../../format/minisign/public-key.ts';
import { encodePointer } from '../../format/snapshot/pointer.ts';
import { openRoot, parseRoot, type Root, type SignedRoot } from '../../format/snapshot/root.ts';
import type { Reporter } from '../reporter.ts';
import type { MirrorUrl } from '../verify/mirror-url.ts';
import type { Bucket, PutCondition } from './bucket.ts';
import { expectEdgeVerifies } from './edge.ts';
import type { ConfirmLease } from './lease.ts';
import { listSnapshots, type Pointer } from './snapshots.ts';

/** Returns true if this very snapshot is live. */
export function isLive(pointer: Pointer | undefined, { root, signature }: SignedRoot): boolean {
  const live = pointer?.live;
  return live?.signature === signature && sha256Hex(live.root) === sha256Hex(root);
}

/**
 * Returns what is live before `signed` is published: an older snapshot, or the same. Throws `rolled-back` for a newer
 * one, and `refused` for one that no trusted key has signed: a Worker that trusts its key would not serve ours. With
 * `repair`, such a one counts as absent.
 */
export function previousOf(
  pointer: Pointer | undefined,
  signed: SignedRoot,
  options: { trusted: readonly PublicKey[]; repair: boolean },
): Root | undefined {
  const previous = pointer?.live && liveRoot(pointer.live, options.trusted, options.repair);
  const { version } = parseRoot(signed.root);
  if (!previous || previous.version < version || isLive(pointer, signed)) return previous;
  throw new MirrorError(
    'rolled-back',
    'The bucket has a newer snapshot than this mirror: run create again first.',
    { where: ROOT, expected: `a version above ${previous.version}`, found: String(version) },
  );
}

function liveRoot(live: SignedRoot, trusted: readonly PublicKey[], repair: boolean): Root | undefined {
  try {
    return openRoot(live, trusted).snapshot;
  } catch (cause) {
    if (repair) return undefined;
    throw new MirrorError(
      'refused',
      `What is live in the bucket is not signed with your key: ${messageOf(cause)} ` +
        'If the key has changed, add the old public key with --trust; to replace what is there, use --repair.',
      { where: POINTER, cause },
    );
  }
}

export interface GoLiveOptions {
  bucket: Bucket;
  confirm: ConfirmLease;
  reporter: Reporter;
  /** Address of a Worker that verifies the snapshot before it goes live. */
  edge: MirrorUrl | undefined;
}

/** The live snapshot as it was read. `version` is absent if it could not be read. */
export interface Live {
  etag: string | undefined;
  version: number | undefined;
}

/**
 * Makes a snapshot live, whose files are all in the bucket: writes it, has the edge verify it if there is one, and
 * moves the pointer last. Readers see the old snapshot until then, and after any failure.
 * Throws `locked`, `refused`, or `mismatch` for a snapshot that the edge does not verify.
 */
export async function goLive(
  signed: SignedRoot,
  live: Live,
  { bucket, confirm, reporter, edge }: GoLiveOptions,
): Promise<void> {
  const { version } = parseRoot(signed.root);
  const document = encodePointer(signed);
  if (live.version !== undefined) await removeUnfinished(bucket, live.version);
  await confirm();
  await putSnapshot(bucket, version, document);
  if (edge !== undefined) await expectEdgeVerifies(edge, version, reporter, confirm);
  await confirm();
  await movePointer(bucket, document, live.etag === undefined ? { ifAbsent: true } : { ifMatch: live.etag });
}

/**
 * Removes snapshots newer than the live one: their publisher was killed, or the edge refused them, before they went live.
 * So each snapshot in the bucket was live until the next one was written.
 */
async function removeUnfinished(bucket: Bucket, liveVersion: number): Promise<void> {
  for (const { version } of await listSnapshots(bucket)) {
    if (version > liveVersion) await bucket.delete(snapshotKey(version));
  }
}

/** Writes a snapshot once: identical bytes may be rewritten; different bytes are an error. */
async function putSnapshot(bucket: Bucket, version: number, document: Uint8Array): Promise<void> {
  const where = snapshotKey(version);
  if ((await bucket.putDocument(where, document, { ifAbsent: true })) !== undefined) return;
  throw new MirrorError('refused', `The bucket already has another snapshot of version ${version}.`, {
    where,
  });
}

async function movePointer(bucket: Bucket, document: Uint8Array, condition: PutCondition): Promise<void> {
  if ((await bucket.putDocument(POINTER, document, condition)) !== undefined) return;
  const message = 'Another publisher was faster, and readers see its snapshot. Try again.';
  throw new MirrorError('locked', message, { where: POINTER });
}
