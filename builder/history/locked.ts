import { MirrorError } from '../../format/errors.ts';
import { type SnapshotId, snapshotName } from '../../format/layout.ts';
import { snapshotIdOf } from '../bucket/snapshots.ts';
import { withLock } from '../directory/lock.ts';
import { expectMirror, readSignedRoot } from '../directory/mirror.ts';
import { rollForward } from '../snapshot/journal.ts';
import { keepLive } from './keep.ts';
import { readKept } from './kept.ts';

/** Runs work that changes what a folder keeps, alone, once an interrupted commit is finished. Throws `missing` or `locked`. */
export async function withHistory<T>(directory: string, now: Date, work: () => Promise<T>): Promise<T> {
  await expectMirror(directory);
  return withLock(directory, now, async () => {
    await rollForward(directory);
    return work();
  });
}

/**
 * Sees to it that a snapshot of a folder is kept, also if it is the live one. Throws `mismatch` if that lacks a file, and
 * `missing` for one that is not here.
 */
export async function expectKept(directory: string, id: SnapshotId, now: Date): Promise<void> {
  const name = snapshotName(id);
  if (snapshotName(snapshotIdOf(await readSignedRoot(directory))) !== name) {
    await readKept(directory, id);
    return;
  }
  if (await keepLive(directory, now)) return;
  const message = `Snapshot ${name} lacks files, so it cannot be kept: verify says which.`;
  throw new MirrorError('mismatch', message, { where: directory });
}
