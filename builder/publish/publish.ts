import { sameBytes } from '../../format/bytes.ts';
import { sha256Hex } from '../../format/digest.ts';
import { MirrorError, messageOf } from '../../format/errors.ts';
import { POINTER, ROOT, snapshotKey } from '../../format/layout.ts';
import type { PublicKey } from '../../format/minisign/public-key.ts';
import { encodePointer, MAX_POINTER_SIZE, parsePointer } from '../../format/snapshot/pointer.ts';
import { openRoot, type Root, type SignedRoot } from '../../format/snapshot/root.ts';
import { readSignedRoot } from '../directory/mirror.ts';
import type { Reporter } from '../reporter.ts';
import { verifyDirectory } from '../verify/verify-directory.ts';
import type { Bucket, PutCondition } from './bucket.ts';
import { expectEdgeVerifies } from './edge.ts';
import { withLease } from './lease.ts';
import { type Uploaded, uploadMissing } from './upload.ts';

export interface PublishOptions {
  directory: string;
  bucket: Bucket;
  trusted: readonly PublicKey[];
  clock: () => Date;
  /** Uploads at a time. */
  jobs: number;
  reporter: Reporter;
  /** Upload again what storage lacks or has damaged, also when this snapshot is live already. */
  repair: boolean;
  /** Address of a Worker that is to verify the snapshot before it goes live. */
  edge?: string | undefined;
}

export interface PublishSummary {
  version: number;
  /** Version that was live before; null for the first. */
  previous: number | null;
  uploaded: Uploaded;
  /** False when this snapshot was live already. */
  changed: boolean;
}

/**
 * Publishes a mirror directory: verifies it, uploads what the live snapshot lacks, writes the snapshot, and last of
 * all moves the pointer. Readers see the old snapshot until then and after any failure.
 * Throws `mismatch` for a directory that does not verify, `locked`, `rolled-back` for one that is older than what is
 * live, `too-large`, or `refused` by storage.
 */
export async function publish(options: PublishOptions): Promise<PublishSummary> {
  const { directory, bucket, trusted, clock, reporter, repair } = options;
  await expectVerified(directory, trusted, clock(), reporter);
  const signed = await readSignedRoot(directory);
  const { snapshot } = openRoot(signed, trusted);
  if (!repair && isLive(await readPointer(bucket), signed)) return unchanged(snapshot);
  return withLease(bucket, clock, reporter, async (expectHeld) => {
    const pointer = await readPointer(bucket, repair);
    const alreadyLive = isLive(pointer, signed);
    if (alreadyLive && !repair) return unchanged(snapshot);
    const previous = pointer?.live && liveRoot(pointer.live, trusted, repair);
    if (!alreadyLive && previous && previous.version >= snapshot.version) throw notNewer(snapshot, previous);
    const uploaded = await uploadMissing(options, snapshot, previous);
    if (alreadyLive) return { ...unchanged(snapshot), uploaded };
    const document = encodePointer(signed);
    await putSnapshot(bucket, snapshot.version, document);
    if (options.edge !== undefined) await expectEdgeVerifies(options.edge, snapshot.version, reporter);
    expectHeld();
    await movePointer(bucket, document, pointer ? { ifMatch: pointer.etag } : { ifAbsent: true });
    return { version: snapshot.version, previous: previous?.version ?? null, uploaded, changed: true };
  });
}

/**
 * The live root. One that no trusted key has signed is `refused`, because a Worker that trusts its key will not serve
 * ours; with `repair` it counts for nothing.
 */
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

interface Pointer {
  /** Absent where the object cannot be read and is to be replaced. */
  live: SignedRoot | undefined;
  etag: string;
}

/** The live pointer; one that cannot be read is `bad-input`, unless it is to be repaired. */
async function readPointer(bucket: Bucket, repair = false): Promise<Pointer | undefined> {
  const object = await bucket.get(POINTER, MAX_POINTER_SIZE);
  if (!object) return undefined;
  try {
    return { live: parsePointer(object.bytes, POINTER), etag: object.etag };
  } catch (cause) {
    if (repair) return { live: undefined, etag: object.etag };
    throw new MirrorError('bad-input', `The bucket's pointer is damaged: ${messageOf(cause)} Use --repair.`, {
      where: POINTER,
      cause,
    });
  }
}

function isLive(pointer: Pointer | undefined, { root, signature }: SignedRoot): boolean {
  const live = pointer?.live;
  return live?.signature === signature && sha256Hex(live.root) === sha256Hex(root);
}

const unchanged = ({ version }: Root): PublishSummary => ({
  version,
  previous: version,
  uploaded: { objects: 0, bytes: 0 },
  changed: false,
});

async function expectVerified(
  directory: string,
  trusted: readonly PublicKey[],
  now: Date,
  reporter: Reporter,
): Promise<void> {
  const { ok, failures } = await verifyDirectory(directory, { trusted, now, reporter });
  if (ok) return;
  const list = failures.map((failure) => `${failure.path}: ${failure.message}`);
  throw new MirrorError(
    'mismatch',
    ['This mirror does not verify and is not published:', ...list].join('\n  '),
    {
      where: directory,
    },
  );
}

const notNewer = (snapshot: Root, live: Root): MirrorError =>
  new MirrorError(
    'rolled-back',
    'The bucket has a newer snapshot than this mirror: run create again first.',
    {
      where: ROOT,
      expected: `a version above ${live.version}`,
      found: String(snapshot.version),
    },
  );

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
