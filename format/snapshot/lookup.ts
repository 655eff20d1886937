import type { Root } from './root.ts';

/** Returns the index of the only leaf that can hold `name`, or -1 if it sorts before the first (binary search). */
export function leafIndex({ leaves }: Pick<Root, 'leaves'>, name: string): number {
  let low = 0;
  let high = leaves.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const leaf = leaves[middle];
    if (leaf !== undefined && leaf.first <= name) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Returns the text that sorts next after a name. */
export const justAfter = (name: string): string => `${name}\0`;
