import { distance } from 'fastest-levenshtein';

const MAX_HINTS = 3;
/** Typing errors that are few in any name, and letters of a longer name for each more. */
const MAX_FEW = 2;
const LETTERS_AN_ERROR = 3;
/** An abbreviation this short fits too many names. */
const LEAST_ABBREVIATION = 3;

/** Returns a question with near names, or nothing where there are none. */
export const didYouMean = (near: readonly string[]): string =>
  near.length > 0 ? ` Did you mean ${near.join(', ')}?` : '';

/**
 * Returns up to three of the known names that somebody may have meant, the likeliest first: names with few typing errors, names
 * that begin so, and names of which it is an abbreviation (`vscode` for `visual-studio-code`).
 */
export function nearest(name: string, known: Iterable<string>): string[] {
  return nearestBy(known, (candidate) => farAway(name, candidate));
}

/** Returns up to three of the known names that are one typing error away: a letter more, less, another, or two swapped. */
export function oneTypoAway(name: string, known: Iterable<string>): string[] {
  const most = name.length > 1 ? 1 : 0;
  return nearestBy(known, (candidate) => errorsBetween(name, candidate, most));
}

/**
 * Yields those of many sorted names that {@link nearest} or {@link oneTypoAway} may return, and some others: comparing every name takes
 * long. With so many typing errors at most, one more piece of the name than that is in the other as it is.
 */
export function* likelyNear(name: string, sorted: NameText): Generator<string> {
  const most = Math.max(MAX_FEW, Math.floor(name.length / LETTERS_AN_ERROR));
  const length = Math.floor(name.length / (most + 1));
  if (length === 0) return yield* sorted.text.split('\n').filter((one) => one !== '');
  const found = new Set<number>();
  for (let piece = 0; piece <= most; piece++) {
    const from = piece * length;
    addLines(found, sorted.text, name.slice(from, piece === most ? undefined : from + length));
  }
  // It may be an abbreviation of those with its first letter.
  addLines(found, sorted.text, `\n${name.charAt(0)}`);
  for (const start of [...found].sort((a, b) => a - b)) {
    yield sorted.text.slice(start, sorted.text.indexOf('\n', start));
  }
}

/** Names as one text, in which a runtime finds a piece of one faster than a program does in each. */
export interface NameText {
  /** Each name between line feeds. */
  text: string;
}

/** Adds where the lines begin that have a piece, or that follow a line feed at its beginning. */
function addLines(starts: Set<number>, text: string, piece: string): void {
  for (let at = text.indexOf(piece); at >= 0 && at < text.length - 1; ) {
    starts.add(text.lastIndexOf('\n', at) + 1);
    at = text.indexOf(piece, text.indexOf('\n', at + 1));
  }
}

function nearestBy(known: Iterable<string>, farAwayIs: (candidate: string) => number | undefined): string[] {
  const near: { candidate: string; away: number }[] = [];
  for (const candidate of known) {
    const away = farAwayIs(candidate);
    if (away !== undefined) near.push({ candidate, away });
  }
  near.sort((a, b) => a.away - b.away);
  return [...new Set(near.map(({ candidate }) => candidate))].slice(0, MAX_HINTS);
}

/** Returns how far a candidate is from a name, `undefined` if nobody would take one for the other. */
function farAway(name: string, candidate: string): number | undefined {
  if (isAbbreviation(name, candidate)) return 1;
  const most = Math.max(MAX_FEW, name.length / LETTERS_AN_ERROR);
  const away = errorsBetween(name, candidate, most);
  // Of a name of one or two letters, every other of that length is near by distance alone.
  if (away !== undefined && away < name.length) return away;
  return name !== '' && candidate.startsWith(name) ? candidate.length - name.length : undefined;
}

/** Counts typing errors, two swapped letters as one; `undefined` if there are more than `most`. */
function errorsBetween(a: string, b: string, most: number): number | undefined {
  if (Math.abs(a.length - b.length) > most) return undefined;
  const away = distance(a, b);
  if (away === 2 && isSwapped(a, b)) return 1;
  return away <= most ? away : undefined;
}

function isSwapped(a: string, b: string): boolean {
  let at = 0;
  while (a[at] === b[at]) at++;
  return a === b.slice(0, at) + b.charAt(at + 1) + b.charAt(at) + b.slice(at + 2);
}

/** True if a text is made of beginnings of all parts of a name, in their order. */
function isAbbreviation(text: string, name: string): boolean {
  if (text.length < LEAST_ABBREVIATION || text.length >= name.length || text[0] !== name[0]) return false;
  // Few names have all its letters in their order, and to split every name takes long.
  if (!hasInOrder(name, text)) return false;
  const parts = name.split(/[^\p{L}\p{N}]+/u).filter((part) => part !== '');
  return parts.length > 1 && isMadeOf(text, parts);
}

function hasInOrder(name: string, letters: string): boolean {
  let from = 0;
  for (const letter of letters) {
    from = name.indexOf(letter, from) + 1;
    if (from === 0) return false;
  }
  return true;
}

/** Follows all ways to split the text at once, so that no name takes long. */
function isMadeOf(text: string, parts: readonly string[]): boolean {
  let ends = new Set([0]);
  for (const part of parts) {
    const next = new Set<number>();
    for (const end of ends) {
      for (let length = 1; length <= part.length && part[length - 1] === text[end + length - 1]; length++) {
        next.add(end + length);
      }
    }
    ends = next;
  }
  return ends.has(text.length);
}
