import { MirrorError } from '../format/errors.ts';
import { isoSeconds } from '../format/iso-seconds.ts';
import { type SnapshotId, snapshotName } from '../format/layout.ts';
import type { ChannelPointer, Move } from '../format/snapshot/pointer.ts';
import { isExpired, parseRoot, type Root, type SignedRoot } from '../format/snapshot/root.ts';
import { isSameSnapshot, snapshotIdOf } from './bucket/snapshots.ts';

// What holds for the channels of a bucket and of a folder alike.

/** Most snapshots that a channel remembers to have had before: with the live one as many as `--keep` takes. */
const MAX_HISTORY = 999;

/** A channel, as its snapshot describes itself. Its signature is not checked. */
export interface ChannelDescription {
  name: string;
  version: number;
  /** The id of the key that signed it, as text. */
  signer: string;
  created_at: string;
  /** When the channel moved to this snapshot. */
  moved_at: string;
  expires_at: string;
  expired: boolean;
  /**
   * How its snapshot compares with that of `current`: by version, which each key counts for itself; null if nothing can be
   * compared.
   */
  against_current: 'same' | 'behind' | 'ahead' | 'another-key' | 'another-mirror' | null;
}

/** A channel that cannot be read, and why. */
export interface UnreadableChannel {
  name: string;
  reason: string;
}

/** Returns what a channel has and had, the live snapshot first. Throws `bad-input` for a root that cannot be read. */
export const movesOf = (live: ChannelPointer): Move[] => [
  { snapshot: snapshotIdOf(live), moved_at: live.moved_at },
  ...live.history,
];

/** Returns the history of a channel that leaves `live`: what it had of the kept snapshots, the last first. */
export function historyAfter(live: ChannelPointer, kept: readonly SnapshotId[]): Move[] {
  const names = new Set(kept.map(snapshotName));
  return movesOf(live)
    .filter(({ snapshot }) => names.has(snapshotName(snapshot)))
    .slice(0, MAX_HISTORY);
}

/** Describes a channel. `current` is what the one at the root has, if it can be read. Throws `bad-input`. */
export function describeChannel(
  name: string,
  live: ChannelPointer,
  current: SignedRoot | undefined,
  now: Date,
): ChannelDescription {
  const root = parseRoot(live.root);
  const { created_at, expires_at } = root;
  return {
    ...{ name, ...snapshotIdOf(live), created_at, moved_at: isoSeconds(live.moved_at), expires_at },
    ...{ expired: isExpired(root, now), against_current: current ? compare(live, current) : null },
  };
}

function compare(ours: SignedRoot, current: SignedRoot): ChannelDescription['against_current'] {
  if (parseRoot(ours.root).mirror !== parseRoot(current.root).mirror) return 'another-mirror';
  const [id, theirs] = [snapshotIdOf(ours), snapshotIdOf(current)];
  if (isSameSnapshot(id, theirs)) return 'same';
  if (id.signer !== theirs.signer) return 'another-key';
  return id.version < theirs.version ? 'behind' : 'ahead';
}

/** Throws `expired`, with this message, for a snapshot that has expired. */
export function expectFresh(snapshot: Root, now: Date, message: string, where: string): void {
  if (!isExpired(snapshot, now)) return;
  throw new MirrorError('expired', message, {
    ...{ where, expected: `a time before ${snapshot.expires_at}`, found: now.toISOString() },
  });
}

/**
 * Returns from when on a snapshot may be promoted that a channel has since `movedAt` and must have for `after` seconds; `undefined`
 * if that time has come.
 */
export function notBefore(movedAt: number, after: number, now: Date): string | undefined {
  const due = movedAt + after;
  return after === 0 || now.getTime() >= due * 1000 ? undefined : isoSeconds(due);
}
