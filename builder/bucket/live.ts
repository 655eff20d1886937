import { sha256Hex } from '../../format/digest.ts';
import { MirrorError, messageOf } from '../../format/errors.ts';
import { channelKey, ROOT, ROOT_CHANNEL, type SnapshotId, snapshotKey } from '../../format/layout.ts';
import { keyIdText, type PublicKey } from '../../format/minisign/public-key.ts';
import { encodeChannel, encodeKept } from '../../format/snapshot/pointer.ts';
import { openRoot, parseRoot, type SignedRoot, type TrustedRoot } from '../../format/snapshot/root.ts';
import { expectNoRollback, withSeen } from '../../format/snapshot/seen.ts';
import { historyAfter } from '../channel-rules.ts';
import type { Reporter } from '../reporter.ts';
import type { MirrorUrl } from '../verify/mirror-url.ts';
import type { Bucket, PutCondition } from './bucket.ts';
import { listChannels, type Pointer, readPointer } from './channels.ts';
import { expectEdgeVerifies, expectServed, urlOfChannel } from './edge.ts';
import type { ConfirmLease } from './lease.ts';
import { listSnapshots, snapshotIdOf } from './snapshots.ts';

/** A channel as it is before it moves. */
export interface Target {
  channel: string;
  /** Absent for a new channel. */
  pointer: Pointer | undefined;
}

/** Which snapshots may replace which. */
export interface Succession {
  /** The keys to trust, newest first. */
  trusted: readonly PublicKey[];
  /** Replace what is there, even if it is damaged, of another mirror, or not signed by a trusted key. */
  repair: boolean;
}

/**
 * Reads a channel that is to move to `signed`. Throws `bad-input` for a damaged pointer, unless `repair`, and `refused` for a new
 * channel, or for a repair, where another channel is of another mirror.
 */
export async function readTarget(
  {
    bucket,
    channel = ROOT_CHANNEL,
    repair,
  }: Pick<Succession, 'repair'> & { bucket: Bucket; channel?: string | undefined },
  signed: TrustedRoot,
): Promise<Target> {
  const pointer = await readPointer(bucket, channel, repair);
  if (!pointer || repair) await expectOneMirror(bucket, channel, signed.snapshot.mirror);
  return { channel, pointer };
}

/** Throws `refused` for a channel besides `channel` that is of another mirror. One that cannot be read says nothing. */
async function expectOneMirror(bucket: Bucket, channel: string, ours: string): Promise<void> {
  const others: { name: string; mirror: string }[] = [];
  for (const name of (await listChannels(bucket)).filter((other) => other !== channel)) {
    const live = (await readPointer(bucket, name, true))?.live;
    const mirror = live && mirrorOf(live);
    if (mirror !== undefined && mirror !== ours) others.push({ name, mirror });
  }
  const [first] = others;
  if (!first) return;
  const names = others.map(({ name }) => name);
  const removals = names.filter((name) => name !== ROOT_CHANNEL).map((name) => `channels --remove ${name}`);
  const replacing = names.includes(ROOT_CHANNEL) ? ['publish --repair without --channel'] : [];
  const message =
    `All channels of a bucket are of one mirror, and this one is not that of ${names.join(', ')}. ` +
    `To replace that mirror, first run ${[...removals, ...replacing].join(', ')}.`;
  throw new MirrorError('refused', message, {
    ...{ where: channelKey(first.name), expected: ours, found: first.mirror },
  });
}

/** Returns the mirror that a root is of; `undefined` if the root is damaged. */
function mirrorOf({ root }: SignedRoot): string | undefined {
  try {
    return parseRoot(root).mirror;
  } catch (error) {
    if (error instanceof MirrorError) return undefined;
    throw error;
  }
}

/** Returns true if this very snapshot is live. */
export function isLive(pointer: Pointer | undefined, { root, signature }: SignedRoot): boolean {
  const live = pointer?.live;
  return live?.signature === signature && sha256Hex(live.root) === sha256Hex(root);
}

/**
 * Returns what is live in a channel before `signed` is: a snapshot that it may replace, or the same. Throws `rolled-back`, with
 * `older` as the message for a version that is too low, for one that readers would not leave for ours: a newer one of the same
 * key, or one of a key that comes earlier in `trusted`. Throws `refused` for one of another mirror, or that no trusted key has
 * signed: a Worker that trusts its key would not serve ours. With `repair`, those two count as absent.
 */
export function previousOf(
  { channel, pointer }: Target,
  signed: SignedRoot,
  { trusted, repair }: Succession,
  older = `${titleOf(channel)} has a newer snapshot than this mirror: run create again first.`,
): TrustedRoot | undefined {
  const live = pointer?.live && trustedRoot(pointer.live, channel, trusted, repair);
  if (!live || isLive(pointer, signed)) return live;
  const ours = openRoot(signed, trusted);
  if (repair && live.snapshot.mirror !== ours.snapshot.mirror) return undefined;
  expectSameMirror(ours, live, channel);
  expectSuccessor(ours, live, trusted, { channel, older });
  return live;
}

/** Throws `refused` unless two snapshots are of one mirror. */
function expectSameMirror(
  { snapshot: ours }: TrustedRoot,
  { snapshot: live }: TrustedRoot,
  channel: string,
): void {
  if (live.mirror === ours.mirror) return;
  const message = `${titleOf(channel)} holds another mirror than this one. To replace it, use --repair.`;
  throw new MirrorError('refused', message, { where: ROOT, expected: ours.mirror, found: live.mirror });
}

/** How a sentence names a channel at its beginning. */
const titleOf = (channel: string): string => (channel === ROOT_CHANNEL ? 'The bucket' : `Channel ${channel}`);

/** How a sentence names what is live in a channel at its beginning. */
const liveTitleOf = (channel: string): string =>
  `What is live in ${channel === ROOT_CHANNEL ? 'the bucket' : `channel ${channel}`}`;

function trustedRoot(
  live: SignedRoot,
  channel: string,
  trusted: readonly PublicKey[],
  repair: boolean,
): TrustedRoot | undefined {
  try {
    return liveRoot(live, channel, trusted);
  } catch (error) {
    if (repair) return undefined;
    throw error;
  }
}

/** Verifies the signature of what is live in a channel. Throws `refused`. */
function liveRoot(live: SignedRoot, channel: string, trusted: readonly PublicKey[]): TrustedRoot {
  try {
    return openRoot(live, trusted);
  } catch (cause) {
    throw new MirrorError(
      'refused',
      `${liveTitleOf(channel)} is not signed with your key: ` +
        `${messageOf(cause)} If the key has changed, add the old public key with --trust, after the new one; ` +
        'to replace what is there, use --repair.',
      { where: channelKey(channel), cause },
    );
  }
}

/** Throws `rolled-back` unless readers of `live` would go on to `ours`, another snapshot of the same mirror. */
function expectSuccessor(
  ours: TrustedRoot,
  live: TrustedRoot,
  trusted: readonly PublicKey[],
  { channel, older }: { channel: string; older: string },
): void {
  const { version } = ours.snapshot;
  const signers = [ours, live].map(({ signer }) => keyIdText(signer.keyId));
  if (signers[0] === signers[1]) {
    if (version > live.snapshot.version) return;
    throw new MirrorError('rolled-back', older, {
      ...{ where: ROOT, expected: `a version above ${live.snapshot.version}`, found: String(version) },
    });
  }
  try {
    expectNoRollback(ours.snapshot, ours.signer, trusted, withSeen({}, live.snapshot, live.signer));
  } catch (cause) {
    throw new MirrorError(
      'rolled-back',
      `${liveTitleOf(channel)} is signed by a key that comes before that of this mirror in --trust, where the ` +
        'newest key comes first: sign this mirror with the newest key, or correct the order.',
      { where: ROOT, expected: `key ${signers[1]}`, found: `key ${signers[0]}`, cause },
    );
  }
}

export interface GoLiveOptions {
  bucket: Bucket;
  confirm: ConfirmLease;
  clock: () => Date;
  reporter: Reporter;
  /** Address of a Worker that verifies the snapshot before it goes live, and must serve it afterwards. */
  edge?: MirrorUrl | undefined;
}

/**
 * Makes a snapshot live in a channel, whose files are all in the bucket: writes it, has the edge verify it if there is one,
 * and moves the pointer last. Readers see the old snapshot until then, and after any failure before. Returns once the edge
 * serves the snapshot, or, without one, once the bucket has its pointer by two independent reads.
 * Throws `locked`, `refused`, or `mismatch` for a snapshot that the edge does not verify or serve.
 */
export async function goLive(
  signed: SignedRoot,
  { channel, pointer }: Target,
  { bucket, confirm, clock, reporter, edge }: GoLiveOptions,
): Promise<void> {
  const id = snapshotIdOf(signed);
  await confirm();
  await putSnapshot(bucket, id, encodeKept(signed));
  if (edge !== undefined) await expectEdgeVerifies(edge, id, reporter, confirm);
  const history = pointer?.live ? historyAfter(pointer.live, await listSnapshots(bucket)) : [];
  const document = encodeChannel({ ...signed, moved_at: Math.floor(clock().getTime() / 1000), history });
  await confirm();
  await movePointer(bucket, channel, document, pointer ? { ifMatch: pointer.etag } : { ifAbsent: true });
  if (edge !== undefined) return expectServed(urlOfChannel(edge, channel), signed, reporter);
  const unknown = 'It is not known which snapshot readers see; publish again.';
  await expectHeld(bucket, channelKey(channel), document, unknown);
}

/** Writes a snapshot once: identical bytes may be rewritten; different bytes are an error. */
async function putSnapshot(bucket: Bucket, id: SnapshotId, document: Uint8Array): Promise<void> {
  const where = snapshotKey(id);
  if ((await bucket.putDocument(where, document, { ifAbsent: true })) === undefined) {
    const message = `The bucket already has another snapshot of version ${id.version} by this key: sign the mirror again first.`;
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

async function movePointer(
  bucket: Bucket,
  channel: string,
  document: Uint8Array,
  condition: PutCondition,
): Promise<void> {
  const where = channelKey(channel);
  if ((await bucket.putDocument(where, document, condition)) !== undefined) return;
  const message = 'Another publisher was faster, and readers see its snapshot. Try again.';
  throw new MirrorError('locked', message, { where });
}
