import { sha256OfText } from '../digest.ts';

const MEAN = 512;
const MAX = 2048;

/**
 * Splits sorted entries into leaves of about 512. A name begins a leaf if the first two bytes of its SHA-256, read
 * big-endian, are divisible by 512. So adding or removing a name moves only the boundaries next to it. A leaf without such
 * a name ends after 2,048 entries.
 */
export function splitIntoLeaves<T extends { name: string }>(entries: readonly T[]): T[][] {
  const leaves: T[][] = [];
  let leaf: T[] = [];
  for (const entry of entries) {
    if (leaf.length > 0 && (leaf.length === MAX || isBoundary(entry.name))) {
      leaves.push(leaf);
      leaf = [];
    }
    leaf.push(entry);
  }
  if (leaf.length > 0) leaves.push(leaf);
  return leaves;
}

function isBoundary(name: string): boolean {
  const [high = 0, low = 0] = sha256OfText(name);
  return (high * 256 + low) % MEAN === 0;
}
