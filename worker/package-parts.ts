import { MirrorError } from '../format/errors.ts';
import type { ListedPackage } from '../format/package-list.ts';
import { packagesAt } from '../pages/results.ts';
import { type Found, find, foldText, lineAt, MAX_QUERY, type SearchText } from '../pages/search.ts';
import { blamingStorage } from './storage-check.ts';

/** Packages in one part of the API's list. */
const MOST = 1000;

const MOST_NEAR = 3;

const LIMIT = /^\d{1,4}$/;

/** A part of what a query finds. */
export interface PackagePart {
  /** How many match in all. */
  count: number;
  packages: ListedPackage[];
  near: string[];
  /** The name to ask after for the next part; `null` after the last. */
  next: string | null;
}

/**
 * Returns a part of what a query finds, all packages for an empty one. It begins after the packages named `after`. Packages of one
 * name stay together. Throws `bad-input` for an `after` that is not among them, or another `limit` than 1 to 1000.
 */
export function partOf(
  text: SearchText,
  query: string,
  { after, limit }: { after?: string | undefined; limit?: string | undefined },
): PackagePart {
  const { starts, near } = findIn(text, query);
  const first = after === undefined ? 0 : afterName(text, starts, after);
  let end = Math.min(first + limitOf(limit), starts.length);
  while (end < starts.length && nameAt(text, starts, end) === nameAt(text, starts, end - 1)) end++;
  return {
    ...{ count: starts.length, packages: shown(text, starts.slice(first, end)), near },
    next: end < starts.length ? nameAt(text, starts, end - 1) : null,
  };
}

/** Returns up to three names that may have been meant by one that no package has, the likeliest first. */
export function nearNames(text: SearchText, name: string): string[] {
  const { starts, names, near } = findIn(text, name.slice(0, MAX_QUERY));
  const containing = starts
    .slice(0, Math.min(names, MOST_NEAR))
    .map((_, index) => nameAt(text, starts, index));
  return near.length > 0 ? near : [...new Set(containing)];
}

function afterName(text: SearchText, starts: readonly number[], after: string): number {
  const at = starts.findLastIndex((_, index) => isNamed(text, starts, index, after));
  if (at >= 0) return at + 1;
  throw new MirrorError('bad-input', `There is no package named ${JSON.stringify(after)} to begin after.`, {
    expected: 'the `next` of an earlier part',
    found: after,
  });
}

function limitOf(text: string | undefined): number {
  const limit = text === undefined ? MOST : LIMIT.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= MOST) return limit;
  throw new MirrorError('bad-input', 'limit is not a number from 1 to 1000.', {
    expected: '1 to 1000',
    found: text,
  });
}

const findIn = (text: SearchText, query: string): Found => blamingStorage(() => find(text, query));

const shown = (text: SearchText, starts: readonly number[]): ListedPackage[] =>
  blamingStorage(() => packagesAt(text, starts));

const nameAt = (text: SearchText, starts: readonly number[], index: number): string =>
  lineAt(text, starts[index] ?? 0).split('\t', 1)[0] ?? '';

/** Compares folded text first: decoding thousands of lines takes too long. */
const isNamed = (text: SearchText, starts: readonly number[], index: number, name: string): boolean => {
  const start = starts[index] ?? 0;
  return text.folded.startsWith(`${foldText(text, name)}\t`, start) && nameAt(text, starts, index) === name;
};
