/** Far longer than any version; the rest of a longer text does not count. */
const MAX_LENGTH = 200;
/** Words that come before the version they belong to: `1.0-rc1` before `1.0`. */
const BEFORE = ['dev', 'snapshot', 'alpha', 'a', 'beta', 'b', 'pre', 'rc'];

/**
 * Compares two versions as Homebrew orders them: number by number, a missing one as 0, letters after nothing (`1.1.1` before
 * `1.1.1w`), and words such as `rc` before nothing. Returns a negative number, 0, or a positive one.
 */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [partsOf(a), partsOf(b)];
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const order = compareParts(left[index], right[index]);
    if (order !== 0) return order;
  }
  return 0;
}

const partsOf = (version: string): string[] =>
  version
    .slice(0, MAX_LENGTH)
    .toLowerCase()
    .match(/\d+|[a-z]+/g) ?? [];

/** A part of a version is a number, a word, or not there. */
function compareParts(a: string | undefined, b: string | undefined): number {
  const [rankA, rankB] = [rankOf(a), rankOf(b)];
  if (rankA !== rankB) return rankA - rankB;
  if (rankA === NOTHING) return 0;
  if (rankA === NUMBER) return compareNumbers(a ?? '0', b ?? '0');
  const [wordA = '', wordB = ''] = [a, b];
  if (rankA === EARLIER) return BEFORE.indexOf(wordA) - BEFORE.indexOf(wordB);
  return wordA < wordB ? -1 : Number(wordA > wordB);
}

const [EARLIER, NOTHING, LETTERS, NUMBER] = [0, 1, 2, 3];

/** Zero counts as nothing, so that 1.0 is 1.0.0. */
function rankOf(part: string | undefined): number {
  if (part === undefined || /^0+$/.test(part)) return NOTHING;
  if (/^\d/.test(part)) return NUMBER;
  return BEFORE.includes(part) ? EARLIER : LETTERS;
}

/** Compares numbers of any length. */
function compareNumbers(a: string, b: string): number {
  const [left, right] = [a.replace(/^0+/, ''), b.replace(/^0+/, '')];
  if (left.length !== right.length) return left.length - right.length;
  return left < right ? -1 : Number(left > right);
}
