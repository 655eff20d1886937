import { sameBytes } from '../../format/bytes.ts';
import { sha256Hex } from '../../format/digest.ts';
import { MirrorError } from '../../format/errors.ts';
import { POINTER, snapshotKey } from '../../format/layout.ts';
import { encodePointer, MAX_POINTER_SIZE } from '../../format/snapshot/pointer.ts';
import { parseRoot, type SignedRoot } from '../../format/snapshot/root.ts';
import type { Reporter } from '../reporter.ts';
import type { MirrorUrl } from '../verify/mirror-url.ts';
import type { Bucket, PutCondition } from './bucket.ts';
import { expectEdgeVerifies } from './edge.ts';
import type { ConfirmLease } from './lease.ts';
import { listSnapshots } from './snapshots.ts';

/** What going live takes. */
export interface GoLiveOptions {
  bucket: Bucket;
  confirm: ConfirmLease;
  reporter: Reporter;
  /** Address of a Worker that is to verify the snapshot before it goes live. */
  edge: MirrorUrl | undefined;
}

/** What is live, as it was when it was read; `version` is absent where that cannot be told, or nothing is live yet. */
export interface Live {
  etag: string | undefined;
  version: number | undefined;
}

/**
 * Writes a snapshot whose files are all in the bucket, has the edge verify it where there is one, and last of all moves
 * the pointer from what was live to it. Readers see the old snapshot until then and after any failure.
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
 * Removes snapshots newer than the live one: somebody died, or the edge objected, before they went live. So whatever
 * stands between two snapshots in a bucket was live, and the time of the next one is when it ceased to be.
 */
async function removeUnfinished(bucket: Bucket, liveVersion: number): Promise<void> {
  for (const { version } of await listSnapshots(bucket)) {
    if (version > liveVersion) await bucket.delete(snapshotKey(version));
  }
}

/** Snapshots are written once; the same one again is no harm, another of that version is. */
async function putSnapshot(bucket: Bucket, version: number, document: Uint8Array): Promise<void> {
  const key = snapshotKey(version);
  const sha256 = sha256Hex(document);
  if ((await bucket.put(key, document, sha256, { ifAbsent: true })) !== undefined) return;
  const stored = await bucket.get(key, MAX_POINTER_SIZE);
  if (stored && sha256Hex(stored.bytes) === sha256) return;
  throw new MirrorError('refused', `The bucket has another snapshot of version ${version} already.`, {
    where: key,
  });
}

async function movePointer(bucket: Bucket, document: Uint8Array, condition: PutCondition): Promise<void> {
  if ((await bucket.put(POINTER, document, sha256Hex(document), condition)) !== undefined) return;
  // The answer to the first try may have been lost, and the retry met our own pointer.
  const stored = await bucket.get(POINTER, MAX_POINTER_SIZE);
  if (stored && sameBytes(stored.bytes, document)) return;
  throw new MirrorError('locked', 'Somebody else published meanwhile; readers have theirs. Try again.', {
    where: POINTER,
  });
}
