import { describe, expect, it } from 'vitest';
import { splitIntoLeaves } from '../../format/snapshot/boundaries.ts';

const NAMES = Array.from({ length: 20_000 }, (_, index) => ({
  name: `bottles/package${index}-1.${index % 7}.arm64_sonoma.bottle.tar.gz`,
})).sort((a, b) => (a.name < b.name ? -1 : 1));
const leavesOf = (entries: readonly { name: string }[]): string[] =>
  splitIntoLeaves(entries).map((leaf) => leaf.map((entry) => entry.name).join('\n'));
const LEAVES = leavesOf(NAMES);

/** How many leaves of a new snapshot the old one does not have. */
function changed(entries: readonly { name: string }[]): number {
  const known = new Set(LEAVES);
  return leavesOf(entries).filter((leaf) => !known.has(leaf)).length;
}

describe('the boundaries of leaves', () => {
  it('when 20,000 names are split, none is lost and the order stays', () => {
    expect(splitIntoLeaves(NAMES).flat()).toEqual(NAMES);
  });

  it('when 20,000 names are split, leaves have about 512 names and at most 2,048', () => {
    const sizes = splitIntoLeaves(NAMES).map((leaf) => leaf.length);
    const mean = NAMES.length / sizes.length;
    expect(mean).toBeGreaterThan(350);
    expect(mean).toBeLessThan(750);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(2048);
    expect(Math.min(...sizes)).toBeGreaterThan(0);
  });

  it('when one name is removed, one or two leaves change, three at most', () => {
    for (let at = 0; at < NAMES.length; at += 4999) {
      const count = changed(NAMES.toSpliced(at, 1));
      expect(count, `without ${NAMES[at]?.name}`).toBeLessThanOrEqual(3);
      expect(count).toBeGreaterThan(0);
    }
  });

  it('when names that begin leaves are removed, at most three leaves change for each', () => {
    for (const leaf of splitIntoLeaves(NAMES).slice(0, 4)) {
      const at = NAMES.findIndex((entry) => entry.name === leaf[0]?.name);
      expect(changed(NAMES.toSpliced(at, 1))).toBeLessThanOrEqual(3);
    }
  });

  it('when one name is added, one or two leaves change, three at most', () => {
    for (let at = 1; at < NAMES.length; at += 4999) {
      const name = `${NAMES[at]?.name}~`;
      const count = changed(NAMES.toSpliced(at + 1, 0, { name }));
      expect(count, `with ${name}`).toBeLessThanOrEqual(3);
      expect(count).toBeGreaterThan(0);
    }
  });

  it('when the only change is in the content of files, no boundary moves', () => {
    const renewed = NAMES.map((entry, index) => ({ ...entry, size: index }));
    expect(leavesOf(renewed)).toEqual(LEAVES);
  });

  it('when no name begins a leaf for long, a leaf ends at 2,048', () => {
    const quiet = NAMES.filter(({ name }) => splitIntoLeaves([{ name: '' }, { name }]).length === 1);
    expect(
      splitIntoLeaves(quiet)
        .map((leaf) => leaf.length)
        .slice(0, 3),
    ).toEqual([2048, 2048, 2048]);
  });

  it('when there are no names, there are no leaves', () => {
    expect(splitIntoLeaves([])).toEqual([]);
  });
});
