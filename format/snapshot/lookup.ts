import type { SnapshotEntry } from './entry.ts';
import type { LeafReference, Root } from './root.ts';

/** Returns the only leaf that can hold `name`, or `undefined` if it sorts before the first. */
export function findLeaf(root: Root, name: string): LeafReference | undefined {
  return root.leaves[leafIndex(root, name)];
}

/** Returns the index of the only leaf that can hold `name`, or -1 if it sorts before the first. */
export const leafIndex = (root: Root, name: string): number =>
  lastAtMost(root.leaves, (leaf) => leaf.first, name);

/** Returns the entry named `name` in a leaf's sorted entries. */
export function findEntry(entries: readonly SnapshotEntry[], name: string): SnapshotEntry | undefined {
  const entry = entries[lastAtMost(entries, (candidate) => candidate.name, name)];
  return entry?.name === name ? entry : undefined;
}

/** Returns the first entry at or after `name` in a leaf's sorted entries. */
export const firstEntryFrom = (
  entries: readonly SnapshotEntry[],
  name: string,
): SnapshotEntry | undefined => {
  const at = lastAtMost(entries, (candidate) => candidate.name, name);
  return entries[at]?.name === name ? entries[at] : entries[at + 1];
};

/** Returns the index of the last item whose key is at most `name`, or -1 (binary search). */
function lastAtMost<T>(items: readonly T[], key: (item: T) => string, name: string): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const item = items[middle];
    if (item !== undefined && key(item) <= name) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
