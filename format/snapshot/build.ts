import { MirrorError } from '../errors.ts';
import { splitIntoLeaves } from './boundaries.ts';
import { byName, type SnapshotEntry } from './entry.ts';
import { type EncodedLeaf, encodeLeaf } from './leaf.ts';
import { FORMAT, type Generator, type Root } from './root.ts';

/** What a new snapshot is made from. */
export interface SnapshotInput {
  entries: readonly SnapshotEntry[];
  now: Date;
  /** Seconds from `now` to expiry. */
  validFor: number;
  /** Version of the snapshot before this one; 0 for the first. */
  previousVersion: number;
  generator: Generator;
}

/** Builds the leaves and the (unsigned) root of a snapshot. Throws `bad-input` for two entries of one name or for none. */
export function buildSnapshot(input: SnapshotInput): { snapshot: Root; leaves: EncodedLeaf[] } {
  const entries = [...input.entries].sort(byName);
  if (entries.length === 0) throw new MirrorError('bad-input', 'A snapshot lists at least one file.');
  entries.forEach((entry, index) => {
    if (entry.name === entries[index - 1]?.name) {
      throw new MirrorError('bad-input', `Two files of this mirror would be named ${entry.name}.`, {
        where: entry.name,
      });
    }
  });
  const leaves = splitIntoLeaves(entries).map(encodeLeaf);
  const seconds = Math.floor(input.now.getTime() / 1000);
  const snapshot: Root = {
    format: FORMAT,
    version: nextVersion(input.previousVersion, input.now),
    created_at: isoSeconds(seconds),
    expires_at: isoSeconds(seconds + input.validFor),
    generator: input.generator,
    totals: {
      files: leaves.reduce((sum, leaf) => sum + leaf.reference.files, 0),
      bytes: leaves.reduce((sum, leaf) => sum + leaf.reference.bytes, 0),
    },
    leaves: leaves.map((leaf) => leaf.reference),
  };
  return { snapshot, leaves };
}

/** Versions only grow, also for a mirror that is built afresh: the creation time in seconds, or one more than before. */
const nextVersion = (previous: number, now: Date): number =>
  Math.max(previous + 1, Math.floor(now.getTime() / 1000));

/** RFC 3339 in UTC without a fraction, for Unix seconds. */
export const isoSeconds = (seconds: number): string =>
  new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
