import { sha256Hex } from '../../format/digest.ts';
import { MirrorError, messageOf } from '../../format/errors.ts';
import { POINTER, ROOT, type SnapshotId, snapshotKey } from '../../format/layout.ts';
import { keyIdText, type PublicKey } from '../../format/minisign/public-key.ts';
import { encodePointer } from '../../format/snapshot/pointer.ts';
import { openRoot, type SignedRoot, type TrustedRoot } from '../../format/snapshot/root.ts';
import { expectNoRollback, withSeen } from '../../format/snapshot/seen.ts';
import type { Reporter } from '../reporter.ts';
import type { MirrorUrl } from '../verify/mirror-url.ts';
import type { Bucket, PutCondition } from './bucket.ts';
import { expectEdgeVerifies, expectServed } from './edge.ts';
import type { ConfirmLease } from './lease.ts';
import { listSnapshots, type Pointer, snapshotIdOf, splitAtLive } from './snapshots.ts';

/** Returns true if this very snapshot is live. */
export function isLive(pointer: Pointer | undefined, { root, signature }: SignedRoot): boolean {
  const live = pointer?.live;
  return live?.signature === signature && sha256Hex(live.root) === sha256Hex(root);
}

/**
 * Returns what is live before `signed` is published: a snapshot that it may replace, or the same. Throws `rolled-back` for
 * one that readers would not leave for ours: a newer one of the same key, or one of a key that comes earlier in `trusted`.
 * Throws `refused` for one of another mirror, or that no trusted key has signed: a Worker that trusts its key would not
 * serve ours. With `repair`, those two count as absent.
 */
export function previousOf(
  pointer: Pointer | undefined,
  signed: SignedRoot,
  { trusted, repair }: { trusted: readonly PublicKey[]; repair: boolean },
): TrustedRoot | undefined {
  const live = pointer?.live && liveRoot(pointer.live, trusted, repair);
  if (!live || isLive(pointer, signed)) return live;
  const ours = openRoot(signed, trusted);
  if (live.snapshot.mirror === ours.snapshot.mirror) {
    expectSuccessor(ours, live, trusted);
    return live;
  }
  if (repair) return undefined;
  throw new MirrorError(
    'refused',
    'The bucket holds another mirror than this one. To replace it, use --repair.',
    { where: POINTER, expected: ours.snapshot.mirror, found: live.snapshot.mirror },
  );
}

function liveRoot(live: SignedRoot, trusted: readonly PublicKey[], repair: boolean): TrustedRoot | undefined {
  try {
    return openRoot(live, trusted);
  } catch (cause) {
    if (repair) return undefined;
    throw new MirrorError(
      'refused',
      `What is live in the bucket is not signed with your key: ${messageOf(cause)} ` +
        'If the key has changed, add the old public key with --trust, after the new one; ' +
        'to replace what is there, use --repair.',
      { where: POINTER, cause },
    );
  }
}

/** Throws `rolled-back` unless readers of `live` would go on to `ours`, another snapshot of the same mirror. */
function expectSuccessor(ours: TrustedRoot, live: TrustedRoot, trusted: readonly PublicKey[]): void {
  const { version } = ours.snapshot;
  const signers = [ours, live].map(({ signer }) => keyIdText(signer.keyId));
  if (signers[0] === signers[1]) {
    if (version > live.snapshot.version) return;
    throw new MirrorError(
      'rolled-back',
      'The bucket has a newer snapshot than this mirror: run create again first.',
      { where: ROOT, expected: `a version above ${live.snapshot.version}`, found: String(version) },
    );
  }
  try {
    expectNoRollback(ours.snapshot, ours.signer, trusted, withSeen({}, live.snapshot, live.signer));
  } catch (cause) {
    throw new MirrorError(
      'rolled-back',
      'What is live in the bucket is signed by a key that comes before that of this mirror in --trust, where the ' +
        'newest key comes first: sign this mirror with the newest key, or correct the order.',
      { where: ROOT, expected: `key ${signers[1]}`, found: `key ${signers[0]}`, cause },
    );
  }
}

export interface GoLiveOptions {
  bucket: Bucket;
  confirm: ConfirmLease;
  reporter: Reporter;
  /** Address of a Worker that verifies the snapshot before it goes live, and must serve it afterwards. */
  edge: MirrorUrl | undefined;
}

/** The live snapshot as it was read. `id` is absent if it could not be read. */
export interface Live {
  etag: string | undefined;
  id: SnapshotId | undefined;
}

/**
 * Makes a snapshot live, whose files are all in the bucket: writes it, has the edge verify it if there is one, and
 * moves the pointer last. Readers see the old snapshot until then, and after any failure before. Returns once the edge
 * serves the snapshot, or, without one, once the bucket has its pointer by two independent reads.
 * Throws `locked`, `refused`, or `mismatch` for a snapshot that the edge does not verify or serve.
 */
export async function goLive(
  signed: SignedRoot,
  live: Live,
  { bucket, confirm, reporter, edge }: GoLiveOptions,
): Promise<void> {
  const id = snapshotIdOf(signed);
  const document = encodePointer(signed);
  if (live.id !== undefined) await removeUnfinished(bucket, live.id);
  await confirm();
  await putSnapshot(bucket, id, document);
  if (edge !== undefined) await expectEdgeVerifies(edge, id, reporter, confirm);
  await confirm();
  await movePointer(bucket, document, live.etag === undefined ? { ifAbsent: true } : { ifMatch: live.etag });
  if (edge !== undefined) return expectServed(edge, signed, reporter);
  await expectHeld(bucket, POINTER, document, 'It is not known which snapshot readers see; publish again.');
}

/**
 * Removes snapshots that were written after the live one: their publisher was killed, or the edge refused them, before they
 * went live. So each snapshot in the bucket was live until the next one was written.
 */
async function removeUnfinished(bucket: Bucket, live: SnapshotId): Promise<void> {
  const { unfinished } = splitAtLive(await listSnapshots(bucket), live);
  for (const id of unfinished) await bucket.delete(snapshotKey(id));
}

/** Writes a snapshot once: identical bytes may be rewritten; different bytes are an error. */
async function putSnapshot(bucket: Bucket, id: SnapshotId, document: Uint8Array): Promise<void> {
  const where = snapshotKey(id);
  if ((await bucket.putDocument(where, document, { ifAbsent: true })) === undefined) {
    const message = `The bucket already has another snapshot of version ${id.version} by this key.`;
    throw new MirrorError('refused', message, { where });
  }
  await expectHeld(bucket, where, document, 'Readers see the snapshot before.');
}

/** Throws `refused` unless the bucket has what it has just accepted. */
async function expectHeld(bucket: Bucket, key: string, bytes: Uint8Array, effect: string): Promise<void> {
  if (await bucket.holds(key, bytes)) return;
  const message = `Storage accepted ${key}, but does not return and list what was written. ${effect}`;
  throw new MirrorError('refused', message, { where: key });
}

async function movePointer(bucket: Bucket, document: Uint8Array, condition: PutCondition): Promise<void> {
  if ((await bucket.putDocument(POINTER, document, condition)) !== undefined) return;
  const message = 'Another publisher was faster, and readers see its snapshot. Try again.';
  throw new MirrorError('locked', message, { where: POINTER });
}
