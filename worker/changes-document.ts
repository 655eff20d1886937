import { type ChangesWanted, parseChangesPart, type SnapshotChanges } from '../format/changes.ts';
import { CHANGES } from '../format/layout.ts';
import type { Services } from './context.ts';
import type { LiveSnapshot } from './live-snapshot.ts';
import { ReadOnce } from './read-once.ts';
import { blameStorage, readStored } from './storage-check.ts';

const documents = new ReadOnce<Uint8Array>();

/** Returns what changed up to a snapshot, as far as it is wanted. Throws `missing` or `mismatch`. */
export async function changesOf(
  { store, clock }: Pick<Services, 'store' | 'clock'>,
  live: LiveSnapshot,
  wanted: ChangesWanted,
): Promise<SnapshotChanges[]> {
  const reading = documents.get(live, clock, async () => {
    const entry = await live.find(CHANGES);
    return entry ? readStored(store, entry) : new Uint8Array();
  });
  return reading.then((bytes) => parseChangesPart(bytes, wanted)).catch(blameStorage);
}
