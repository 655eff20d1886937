import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { MirrorError } from '../../format/errors.ts';
import { isoSeconds } from '../../format/iso-seconds.ts';
import { PINS, parseSnapshotName, pinKey, type SnapshotId } from '../../format/layout.ts';
import { parseRoot } from '../../format/snapshot/root.ts';
import { encodePin, expectFuture, isPinned, MAX_PIN, type Pin, parsePin } from '../bucket/pins.ts';
import { findSnapshot } from '../bucket/snapshots.ts';
import { ownFile, ownPlace } from '../directory/paths.ts';
import { readMirrorFile } from '../directory/read.ts';
import { sync, writeFileAtomic } from '../directory/write.ts';
import type { PinSummary } from '../pin.ts';
import { ifWhole, keptNames, keptPath, readKept } from './kept.ts';
import { expectKept, withHistory } from './locked.ts';
import { namedSnapshot } from './named.ts';

/** Returns the pins of a folder that hold. One that cannot be read holds. */
export async function pinsOf(directory: string, now: Date): Promise<Pin[]> {
  const pins: Pin[] = [];
  for (const snapshot of await pinnedIn(directory)) {
    const path = keptPath(pinKey(snapshot));
    const read = readMirrorFile(directory, path, MAX_PIN).then((bytes) => parsePin(bytes, snapshot, path));
    const pin = (await ifWhole(read)) ?? { snapshot };
    if (isPinned(pin, now)) pins.push(pin);
  }
  return pins;
}

/** Returns the snapshots that have a pin in a folder, also one that no longer holds. */
const pinnedIn = async (directory: string): Promise<SnapshotId[]> =>
  (await keptNames(directory, PINS)).flatMap((name) => parseSnapshotName(name) ?? []);

/**
 * Pins a snapshot of a folder, named by its version or its whole name: it is kept, however many come after it. Throws
 * `not-found`, `usage` for a version that two keys have signed or a time that has passed, `mismatch`, `missing` or `locked`.
 */
export async function pinInFolder(
  directory: string,
  name: string,
  until: number | undefined,
  now: Date,
): Promise<PinSummary> {
  expectFuture(until, now);
  return withHistory(directory, now, async () => {
    const id = await namedSnapshot(directory, name);
    await expectKept(directory, id, now);
    const { expires_at } = parseRoot((await readKept(directory, id)).root);
    const place = ownFile(directory, keptPath(pinKey(id)));
    await writeFileAtomic(place, encodePin({ snapshot: id, until }));
    await sync(dirname(place));
    return { ...id, until: until === undefined ? null : isoSeconds(until), expires_at };
  });
}

/**
 * Removes the pin of a snapshot of a folder, and returns whose it was. The next change of the folder, or `prune`, may drop the
 * snapshot. Throws `not-found`, `usage`, `missing` or `locked`.
 */
export const removeFolderPin = (directory: string, name: string, now: Date): Promise<SnapshotId> =>
  withHistory(directory, now, async () => {
    const id = findSnapshot(await pinnedIn(directory), name);
    if (!id) throw new MirrorError('not-found', `Snapshot ${name} is not pinned.`, { found: name });
    const place = ownPlace(directory, keptPath(pinKey(id)));
    await rm(place);
    await sync(dirname(place));
    return id;
  });
