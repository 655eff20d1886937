import { hasCode, MirrorError } from '../format/errors.ts';
import { GRACE_PERIOD } from '../format/grace-period.ts';
import { channelKey, ROOT_CHANNEL, type SnapshotId } from '../format/layout.ts';
import type { ChannelPointer } from '../format/snapshot/pointer.ts';
import type { SignedRoot } from '../format/snapshot/root.ts';
import type { Bucket } from './bucket/bucket.ts';
import { listChannels, noChannel, readPointer } from './bucket/channels.ts';
import { type LeaseOptions, withLease } from './bucket/lease.ts';
import { type Pin, putPin, readPin } from './bucket/pins.ts';
import { snapshotIdOf } from './bucket/snapshots.ts';
import { type ChannelDescription, describeChannel, type UnreadableChannel } from './channel-rules.ts';

/** Describes every channel of a bucket, the one at the root first. Throws `refused` or `unreachable`. */
export async function describeChannels(
  bucket: Bucket,
  now: Date,
): Promise<(ChannelDescription | UnreadableChannel)[]> {
  const described: (ChannelDescription | UnreadableChannel)[] = [];
  let current: ChannelPointer | undefined;
  for (const name of await listChannels(bucket)) {
    try {
      const live = (await readPointer(bucket, name))?.live;
      if (!live) continue;
      described.push(describeChannel(name, live, name === ROOT_CHANNEL ? live : current, now));
      if (name === ROOT_CHANNEL) current = live;
    } catch (error) {
      if (!hasCode(error, 'bad-input', 'too-large')) throw error;
      described.push({ name, reason: error.message });
    }
  }
  return described;
}

/**
 * Removes a channel. What it has is pinned until the grace period ends, because servers and clients still ask for it; returns that
 * pin, or `undefined` if there is a longer one, or nothing that can be read to pin. Throws `usage` for the channel at the root,
 * `not-found`, `bad-input` for a damaged pin of that snapshot, or `locked`.
 */
export async function removeChannel(options: LeaseOptions, name: string): Promise<Pin | undefined> {
  if (name === ROOT_CHANNEL) {
    throw new MirrorError('usage', `${name} is the channel at the root of the mirror, and is not removed.`);
  }
  const { bucket, clock } = options;
  return withLease(options, async (confirm) => {
    const pointer = await readPointer(bucket, name, true);
    if (!pointer) throw noChannel(name);
    const snapshot = pointer.live && idOf(pointer.live);
    const until = Math.floor(clock().getTime() / 1000) + GRACE_PERIOD;
    await confirm();
    const pin = snapshot && (await keepUntil(bucket, { snapshot, until }));
    await bucket.delete(channelKey(name));
    return pin;
  });
}

/** Returns the id of a snapshot; `undefined` for one that is damaged. */
function idOf(signed: SignedRoot): SnapshotId | undefined {
  try {
    return snapshotIdOf(signed);
  } catch (error) {
    if (error instanceof MirrorError) return undefined;
    throw error;
  }
}

/** Writes a pin and returns it, unless there is one that ends no sooner. */
async function keepUntil(bucket: Bucket, pin: Pin & { until: number }): Promise<Pin | undefined> {
  const before = await readPin(bucket, pin.snapshot);
  if (before && (before.until === undefined || before.until >= pin.until)) return undefined;
  await putPin(bucket, pin);
  return pin;
}
