import { isChannelName, parseKeptName, ROOT_CHANNEL, type SnapshotId } from '../format/layout.ts';
import type { Which } from '../format/store.ts';

/** Which snapshot a place serves: that of a channel, or a kept one by its name, or by its version if only one key signed that. */
export type Served = Which | { version: number; signer?: undefined };

/** Where one snapshot of a mirror is served: all that the root has is there too, below a path. */
export interface Place {
  /** Path before all others, such as `/channels/canary`, without a slash at its end; empty at the root. */
  base: string;
  which: Served;
}

/** The channel at the root of a mirror. */
export const ROOT_PLACE: Place = { base: '', which: { channel: ROOT_CHANNEL } };

/** Path of the list of channels. */
export const CHANNEL_LIST = '/channels/';
/** Path of the list of kept snapshots. */
export const KEPT_LIST = '/at/';

/** A registry's clients can have a path only after `/v2`. */
const BELOW = /^(\/v2)?\/(channels|at)\/([^/]+)/;

/**
 * Splits the path of a request into its place and the rest, which begins with a slash. A name that no place can have is part of
 * the rest, at the root; so is `current`, which is the root's name.
 */
export function splitPath(pathname: string): Place & { rest: string } {
  const [start = '', v2 = '', kind, name = ''] = BELOW.exec(pathname) ?? [];
  // Names of images have no capitals.
  const place = kind === 'channels' ? channelPlace(name) : keptPlace(v2 === '' ? name : name.toUpperCase());
  if (start === '' || !place) return { ...ROOT_PLACE, rest: pathname };
  return { ...place, rest: v2 + pathname.slice(start.length) || '/' };
}

/** Returns the place of a kept snapshot. */
export const placeOfKept = ({ version, signer }: SnapshotId): string => `/at/${version}-${signer}`;

/** Returns the place of a channel. */
export const placeOfChannel = (name: string): string => (name === ROOT_CHANNEL ? '' : `/channels/${name}`);

const channelPlace = (name: string): Place | undefined =>
  isChannelName(name) && name !== ROOT_CHANNEL
    ? { base: placeOfChannel(name), which: { channel: name } }
    : undefined;

function keptPlace(name: string): Place | undefined {
  const kept = parseKeptName(name);
  if (!kept) return undefined;
  const { version, signer } = kept;
  return signer === undefined
    ? { base: `${KEPT_LIST}${version}`, which: { version } }
    : { base: placeOfKept({ version, signer }), which: { version, signer } };
}

/** True for the place of a kept snapshot by its name: it never has anything else. */
export const isFixed = (which: Served): boolean => 'signer' in which && which.signer !== undefined;
