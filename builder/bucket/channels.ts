import pMap from 'p-map';
import { MirrorError, messageOf } from '../../format/errors.ts';
import { CHANNELS, channelKey, isChannelName, ROOT_CHANNEL } from '../../format/layout.ts';
import { type ChannelPointer, MAX_POINTER_SIZE, parseChannel } from '../../format/snapshot/pointer.ts';
import type { Bucket } from './bucket.ts';

/** The pointer of a channel as it is stored. */
export interface Pointer {
  /** Absent if the object is damaged and is to be replaced. */
  live: ChannelPointer | undefined;
  etag: string;
}

/** A channel of a bucket. */
export interface Channel {
  name: string;
  live: ChannelPointer;
}

/**
 * Reads the pointer of a channel; `undefined` if there is none. Throws `bad-input` for a damaged one, unless `repair`.
 */
export async function readPointer(
  bucket: Bucket,
  channel: string = ROOT_CHANNEL,
  repair = false,
): Promise<Pointer | undefined> {
  const key = channelKey(channel);
  const object = await bucket.get(key, MAX_POINTER_SIZE);
  if (!object) return undefined;
  const { etag, bytes } = object;
  try {
    return { live: parseChannel(bytes, key), etag };
  } catch (cause) {
    if (repair) return { live: undefined, etag };
    const [what, command] =
      channel === ROOT_CHANNEL
        ? ["The bucket's pointer", 'publish --repair']
        : [
            `The pointer of channel ${channel}`,
            `publish --channel ${channel} --repair, or channels --remove ${channel}`,
          ];
    const message = `${what} is damaged: ${messageOf(cause)} Use ${command}.`;
    throw new MirrorError('bad-input', message, { where: key, cause });
  }
}

/** Returns the names of the channels that a bucket may have: the one at the root, and then those that are there. */
export async function listChannels(bucket: Bucket): Promise<string[]> {
  const names: string[] = [ROOT_CHANNEL];
  for await (const { key } of bucket.list(CHANNELS)) {
    const name = key.slice(CHANNELS.length);
    // Nobody can ask for anything else that is there.
    if (isChannelName(name) && name !== ROOT_CHANNEL) names.push(name);
  }
  return names;
}

/** Reads all channels of a bucket, the one at the root first. Throws `bad-input` for a damaged pointer. */
export async function readChannels(bucket: Bucket, jobs: number): Promise<Channel[]> {
  const read = async (name: string): Promise<Channel[]> => {
    const live = (await readPointer(bucket, name))?.live;
    return live ? [{ name, live }] : [];
  };
  return (await pMap(await listChannels(bucket), read, { concurrency: jobs })).flat();
}

/** Returns the error for a channel that is not there. */
export const noChannel = (name: string): MirrorError =>
  new MirrorError('not-found', `The bucket has no channel ${name}: see \`channels\`.`, {
    where: channelKey(name),
  });
