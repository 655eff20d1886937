import { MirrorError } from '../format/errors.ts';
import { isoSeconds } from '../format/iso-seconds.ts';
import { parseSnapshotName, pinKey, type SnapshotId, snapshotName } from '../format/layout.ts';
import { parseRoot } from '../format/snapshot/root.ts';
import { type LeaseOptions, withLease } from './bucket/lease.ts';
import { expectFuture, putPin, readPins } from './bucket/pins.ts';
import { findSnapshot, listSnapshots, notKept, readSnapshot } from './bucket/snapshots.ts';

/** A snapshot that is pinned. */
export interface PinSummary extends SnapshotId {
  /** Until when it is kept; null for as long as the pin is there. */
  until: string | null;
  /** When its signature expires: servers may refuse it from then on. */
  expires_at: string;
}

/**
 * Keeps a snapshot, named by its version or its whole name, from being removed: until `until`, Unix seconds, or until the pin is
 * removed. Replaces an earlier pin. Throws `not-found` for a snapshot that is not in the bucket, `usage` for a version that
 * several keys have signed or a time that has passed, and `locked`.
 */
export async function pinSnapshot(
  options: LeaseOptions,
  name: string,
  until: number | undefined,
): Promise<PinSummary> {
  const { bucket, clock } = options;
  expectFuture(until, clock());
  return withLease(options, async (confirm) => {
    const found = findSnapshot(await listSnapshots(bucket), name);
    if (!found) throw notKept(name);
    const { version, signer } = found;
    const { expires_at } = parseRoot((await readSnapshot(bucket, found)).root);
    await confirm();
    await putPin(bucket, { snapshot: found, until });
    return { version, signer, until: until === undefined ? null : isoSeconds(until), expires_at };
  });
}

/** Removes the pin of a snapshot, and returns whose it was. Throws `not-found` if it is not pinned, `usage` and `locked`. */
export function removePin(options: LeaseOptions, name: string): Promise<SnapshotId> {
  const { bucket } = options;
  return withLease(options, async (confirm) => {
    // A damaged pin, or one whose snapshot is gone, can be removed by its whole name.
    const found =
      parseSnapshotName(name) ??
      findSnapshot(
        (await readPins(bucket)).map(({ snapshot }) => snapshot),
        name,
      );
    if (!found || !(await bucket.head(pinKey(found)))) {
      throw new MirrorError('not-found', `Snapshot ${found ? snapshotName(found) : name} is not pinned.`);
    }
    await confirm();
    await bucket.delete(pinKey(found));
    return found;
  });
}
