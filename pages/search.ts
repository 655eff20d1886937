import { MirrorError } from '../format/errors.ts';
import { likelyNear, type NameText, nearest, oneTypoAway } from '../format/near-names.ts';
import { PACKAGE_LIST } from '../format/package-line.ts';

// The search of pages and of the API. Only lines that are shown are cut into fields: the edge has 10 ms for a request.

/** Characters of the longest query. */
export const MAX_QUERY = 100;

const encoder = new TextEncoder();
// Each byte must remain a character, a byte order mark too.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
/** In place of each byte that is not ASCII. */
const OTHER = 0x7f;
/** The bits of four bytes that ASCII does not have. */
const NOT_ASCII = 0x80808080;

/** index/packages.tsv as it is searched. */
export interface SearchText {
  bytes: Uint8Array;
  /** A character for each byte, ASCII in lower case. */
  folded: string;
  fold: Fold;
  /** All names, folded, once they were needed. */
  names?: NameText;
}

/** Returns text with a character for each byte, of which ASCII is in lower case. */
export type Fold = (bytes: Uint8Array) => string;

/** What a search found. */
export interface Found {
  /** Where the lines of the matches begin: exact names first, then names that begin so, names that contain it, descriptions. */
  starts: number[];
  /** How many of these match by their name: they come first. */
  names: number;
  /** Names that may have been meant, where no name matches. */
  near: string[];
}

/** Prepares the bytes of index/packages.tsv for searching. A runtime may have something faster than `fold`. */
export const searchTextOf = (bytes: Uint8Array, fold: Fold = foldAnywhere): SearchText => ({
  bytes,
  folded: fold(bytes),
  fold,
});

/** Runtimes search and fold ASCII several times faster than other text, and an offset in it is one in the bytes. */
function foldAnywhere(bytes: Uint8Array): string {
  const ascii = new Uint8Array(bytes);
  const words = new Uint32Array(ascii.buffer, 0, ascii.length >> 2);
  for (let at = 0; at < words.length; at++) {
    if (((words[at] ?? 0) & NOT_ASCII) !== 0) replaceOther(ascii, at * 4, at * 4 + 4);
  }
  replaceOther(ascii, words.length * 4, ascii.length);
  return decoder.decode(ascii).toLowerCase();
}

/** Returns a text as it is in the folded list. */
export const foldText = ({ fold }: Pick<SearchText, 'fold'>, text: string): string =>
  fold(encoder.encode(text));

function replaceOther(bytes: Uint8Array, from: number, to: number): void {
  for (let at = from; at < to; at++) if ((bytes[at] ?? 0) > OTHER) bytes[at] = OTHER;
}

/** Returns the line that begins at an offset, without its line feed. */
export function lineAt({ bytes, folded }: SearchText, start: number): string {
  const end = folded.indexOf('\n', start);
  return decoder.decode(bytes.subarray(start, end < 0 ? bytes.length : end));
}

/**
 * Returns the packages whose name or description contains all words of a query, in any case; all packages for a query of none.
 * If no name does, it returns near names too: if nothing matches, all that are near, else those one typing error away. Throws
 * `bad-input` if it comes to a line that is not one of a package.
 */
export function find(text: SearchText, query: string): Found {
  const asked = askedOf(text, query);
  if (asked.words.length === 0) return { starts: allStarts(text), names: 0, near: [] };
  const { inNames, inDescriptions } = matchesOf(text, asked);
  const names = inNames.length;
  if (names > 0) return { starts: [...inNames, ...inDescriptions], names, near: [] };
  const near = (inDescriptions.length > 0 ? oneTypoAway : nearest)(
    asked.name,
    likelyNear(asked.name, namesOf(text)),
  );
  return { starts: inDescriptions, names, near: near.map((name) => nameOf(text, name)) };
}

/** A query, taken apart once. */
interface Asked {
  /** The words, folded, the longest first: it narrows the most. */
  words: readonly string[];
  /** The words as written, if some are not ASCII: such must be compared with the line itself. */
  exact: readonly string[] | undefined;
  /** What the name may be. In the query of a URL + means a space, but people type gtk+3. */
  spellings: readonly string[];
  /** The name that was meant, folded, spelled as names are. */
  name: string;
}

function askedOf(text: SearchText, query: string): Asked {
  const lower = query.toLowerCase().trim().replace(/\s+/g, ' ');
  const folded = foldText(text, lower);
  const words = [...new Set(folded.split(' '))].filter((word) => word !== '');
  words.sort((a, b) => b.length - a.length);
  const exact = folded === lower ? undefined : lower.split(' ');
  return {
    ...{ words, exact, spellings: [folded, folded.replaceAll(' ', '+')] },
    name: folded.replaceAll(' ', '-'),
  };
}

/** Nothing is cut out or allocated for a match that need not be: the commonest letter is in nearly every line. */
function matchesOf(text: SearchText, asked: Asked): { inNames: number[]; inDescriptions: number[] } {
  const { folded } = text;
  const [longest = ''] = asked.words;
  const isOneWord = asked.words.length === 1 && !asked.exact;
  const ranks: [number[], number[], number[], number[]] = [[], [], [], []];
  let end = 0;
  for (let at = folded.indexOf(longest); at >= 0; at = folded.indexOf(longest, end)) {
    const start = folded.lastIndexOf('\n', at) + 1;
    const nameEnd = folded.indexOf('\t', start);
    const descEnd = folded.indexOf('\t', nameEnd + 1);
    end = folded.indexOf('\n', at);
    // The first such line ends the search, so that no broken list takes long.
    if (nameEnd < 0 || descEnd < 0 || descEnd > end) throw brokenList();
    if (at >= descEnd) continue;
    const rank = isOneWord
      ? rankOfWord(at - start, longest.length, nameEnd - start)
      : rankOfLine(text, start, nameEnd, descEnd, asked);
    if (rank !== undefined) ranks[rank].push(start);
  }
  const [equal, begins, contains, inDescriptions] = ranks;
  return { inNames: [...equal, ...begins, ...contains], inDescriptions };
}

/** How well a line matches, 0 the best: the name is equal, begins so, contains it, or only the description does. */
type Rank = 0 | 1 | 2 | 3;

function rankOfWord(at: number, length: number, nameLength: number): Rank {
  if (at >= nameLength) return 3;
  if (at > 0) return 2;
  return length === nameLength ? 0 : 1;
}

/** Returns the rank of a line that has the longest word; `undefined` if it lacks another. */
function rankOfLine(
  text: SearchText,
  start: number,
  nameEnd: number,
  descEnd: number,
  { words, exact, spellings }: Asked,
): Rank | undefined {
  const subject = text.folded.slice(start, descEnd);
  if (!words.every((word) => subject.includes(word))) return undefined;
  if (exact && !isExact(lineAt(text, start), exact)) return undefined;
  const name = text.folded.slice(start, nameEnd);
  if (spellings.includes(name)) return 0;
  if (spellings.some((spelling) => name.startsWith(spelling))) return 1;
  return words.every((word) => name.includes(word)) ? 2 : 3;
}

/** Returns the error for a list that is not as docs/format.md says. */
export const brokenList = (): MirrorError =>
  new MirrorError('bad-input', `${PACKAGE_LIST} is not a list of packages.`, { where: PACKAGE_LIST });

function isExact(line: string, words: readonly string[]): boolean {
  const [name, desc] = line.toLowerCase().split('\t', 2);
  return words.every((word) => name?.includes(word) || desc?.includes(word));
}

function allStarts({ folded }: SearchText): number[] {
  const starts: number[] = [];
  for (let at = 0; at < folded.length; ) {
    starts.push(at);
    const end = folded.indexOf('\n', at);
    at = end < 0 ? folded.length : end + 1;
  }
  return starts;
}

function namesOf(text: SearchText): NameText {
  text.names ??= { text: `\n${readNames(text.folded).join('\n')}\n` };
  return text.names;
}

function readNames(folded: string): string[] {
  const names: string[] = [];
  for (let start = 0; start < folded.length; ) {
    const nameEnd = folded.indexOf('\t', start);
    if (nameEnd < 0) throw brokenList();
    names.push(folded.slice(start, nameEnd));
    const end = folded.indexOf('\n', nameEnd);
    start = end < 0 ? folded.length : end + 1;
  }
  return names;
}

/** Returns a name as it is written. */
function nameOf(text: SearchText, folded: string): string {
  const line = `${folded}\t`;
  const start = text.folded.startsWith(line) ? 0 : text.folded.indexOf(`\n${line}`) + 1;
  return lineAt(text, start).split('\t', 1)[0] ?? folded;
}
