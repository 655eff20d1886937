import { MirrorError } from '../errors.ts';
import { splitIntoLeaves } from './boundaries.ts';
import { byName, type SnapshotEntry } from './entry.ts';
import { type EncodedLeaf, encodeLeaf, totalsOf } from './leaf.ts';
import { FORMAT, type Generator, type Root } from './root.ts';

/** What a new snapshot is made from. */
export interface SnapshotInput {
  entries: readonly SnapshotEntry[];
  now: Date;
  /** Seconds from `now` to expiry. */
  validFor: number;
  /** Version of the previous snapshot; 0 for the first. */
  previousVersion: number;
  generator: Generator;
}

/** Builds the leaves and the unsigned root of a snapshot. Throws `bad-input` if a name occurs twice, or without entries. */
export function buildSnapshot(input: SnapshotInput): { snapshot: Root; leaves: EncodedLeaf[] } {
  const entries = [...input.entries].sort(byName);
  if (entries.length === 0) throw new MirrorError('bad-input', 'A snapshot lists at least one file.');
  const twice = entries.find(({ name }, index) => name === entries[index - 1]?.name)?.name;
  if (twice !== undefined) {
    throw new MirrorError('bad-input', `Two files of this mirror would be named ${twice}.`, { where: twice });
  }
  const leaves = splitIntoLeaves(entries).map(encodeLeaf);
  const seconds = Math.floor(input.now.getTime() / 1000);
  const snapshot: Root = {
    format: FORMAT,
    // Versions must grow even if a mirror is rebuilt from nothing, so they follow the clock.
    version: Math.max(input.previousVersion + 1, seconds),
    created_at: isoSeconds(seconds),
    expires_at: isoSeconds(seconds + input.validFor),
    generator: input.generator,
    totals: totalsOf(entries),
    leaves: leaves.map((leaf) => leaf.reference),
  };
  return { snapshot, leaves };
}

/** Returns Unix seconds as RFC 3339 in UTC without a fraction. */
export const isoSeconds = (seconds: number): string =>
  new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
