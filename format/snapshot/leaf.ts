import { utf8 } from '../bytes.ts';
import { sha256Hex } from '../digest.ts';
import { MirrorError } from '../errors.ts';
import { leafPath } from '../layout.ts';
import { PORTABLE, type RuntimeCrypto } from '../runtime-crypto.ts';
import {
  byName,
  encodeEntry,
  isOwnFile,
  type ListedFields,
  parseEntry,
  parseListed,
  type SnapshotEntry,
} from './entry.ts';
import type { LeafReference, Root } from './root.ts';

const TAB = 9;
const LINE_FEED = 10;
const MAX_LINE = 4096;
/** Entries that a leaf keeps parsed: a popular file is asked for again and again. */
const MAX_FOUND = 64;
// A byte order mark is not ASCII: it must not disappear.
const TEXT = new TextDecoder('utf-8', { ignoreBOM: true });

/** A leaf's bytes, and how the root refers to them. */
export interface EncodedLeaf {
  bytes: Uint8Array;
  reference: LeafReference;
}

/** Encodes a sorted, non-empty range of entries, one a line. Throws `bad-input` for a line that is too long. */
export function encodeLeaf(entries: readonly SnapshotEntry[]): EncodedLeaf {
  const [first] = entries;
  if (!first) throw new MirrorError('bad-input', 'A leaf has at least one entry.');
  const lines = entries.map((entry) => {
    const line = `${encodeEntry(entry)}\n`;
    if (line.length <= MAX_LINE) return line;
    throw new MirrorError('bad-input', `The entry of ${entry.name} is too long.`, { where: entry.name });
  });
  const bytes = utf8(lines.join(''));
  const sha256 = sha256Hex(bytes);
  return { bytes, reference: { first: first.name, sha256, size: bytes.length, ...totalsOf(entries) } };
}

/**
 * A range of a snapshot's entries, sorted by name, as bytes. A name is found without parsing the other lines
 * (docs/format.md section 4, order and lookup), because a cold Worker has little time.
 */
export class Leaf {
  readonly #found = new Map<string, SnapshotEntry>();
  readonly #bytes: Uint8Array;
  readonly #reference: LeafReference;
  readonly #hosts: readonly string[];

  /**
   * Opens the leaf of a root with this index. Its SHA-256, its first name and its last must be those of its place.
   * Throws `mismatch` or `bad-input` naming the leaf's path.
   */
  constructor(
    bytes: Uint8Array,
    { leaves, sources = [] }: Pick<Root, 'leaves' | 'sources'>,
    index: number,
    crypto: RuntimeCrypto = PORTABLE,
  ) {
    const reference = leaves[index];
    if (!reference) throw new RangeError(`The root has no leaf ${index}.`);
    this.#bytes = bytes;
    this.#reference = reference;
    this.#hosts = sources;
    const where = leafPath(reference.sha256);
    const found = crypto.sha256Hex(bytes);
    if (found !== reference.sha256) {
      const details = { where, expected: reference.sha256, found };
      throw new MirrorError('mismatch', `${where} does not match the root.`, details);
    }
    if (bytes.at(-1) !== LINE_FEED || this.#entryAt(0).name !== reference.first) throw this.#unlikeRoot();
    expectBefore(this.#entryAt(this.#lineStart(bytes.length - 1)).name, leaves[index + 1], where);
  }

  /** Returns the entry with this name, the same object for one that was found lately. Throws `bad-input` if its line is malformed. */
  find(name: string): SnapshotEntry | undefined {
    const found = this.#found.get(name) ?? this.#search(name);
    if (this.#found.size >= MAX_FOUND) this.#found.clear();
    if (found) this.#found.set(name, found);
    return found;
  }

  #search(name: string): SnapshotEntry | undefined {
    const start = this.#startOf(name);
    if (start === this.#bytes.length) return undefined;
    const entry = this.#entryAt(start);
    return entry.name === name ? entry : undefined;
  }

  /** Yields the entries at and after a name. Throws `bad-input` for a malformed line. */
  *from(name: string): Generator<SnapshotEntry> {
    for (let start = this.#startOf(name); start < this.#bytes.length; start = this.#after(start)) {
      yield this.#entryAt(start);
    }
  }

  /** Returns the lines whose names are at or after `from` and before `to`, as text for {@link parse}, line by line. */
  between(from: string, to: string): string {
    const start = this.#startOf(from);
    return TEXT.decode(this.#bytes.subarray(start, Math.max(this.#startOf(to), start)));
  }

  /** Throws `bad-input` if the names are not in order, whatever else is in the lines: then not every name would be found. */
  expectOrder(): void {
    const lines = TEXT.decode(this.#bytes).slice(0, -1).split('\n');
    let before = '';
    for (const line of lines) {
      const name = line.slice(0, line.indexOf('\t'));
      if (name <= before) throw this.#unlikeRoot();
      before = name;
    }
  }

  /** Returns all entries, if their order and totals are those that the root has. Throws `bad-input`. */
  entries(): SnapshotEntry[] {
    const lines = TEXT.decode(this.#bytes).slice(0, -1).split('\n');
    const entries = lines.map((line) => this.parse(line));
    const isSorted = entries.every((entry, at) => at === 0 || byName(entries[at - 1] ?? entry, entry) < 0);
    const { files, bytes } = totalsOf(entries);
    if (isSorted && files === this.#reference.files && bytes === this.#reference.bytes) return entries;
    throw this.#unlikeRoot();
  }

  /** Returns where the first line begins whose name is `name` or sorts after it. */
  #startOf(name: string): number {
    const key = utf8(name);
    let low = 0;
    let high = this.#bytes.length;
    while (low < high) {
      const start = this.#lineStart((low + high) >> 1);
      if (isBefore(this.#bytes, start, key)) low = this.#after(start);
      else high = start;
    }
    return low;
  }

  /** Returns where the line begins that has the byte at `at`. */
  #lineStart = (at: number): number => (at === 0 ? 0 : this.#bytes.lastIndexOf(LINE_FEED, at - 1) + 1);

  #after = (start: number): number => this.#bytes.indexOf(LINE_FEED, start) + 1;

  #entryAt(start: number): SnapshotEntry {
    const end = this.#after(start) - 1;
    return this.parse(TEXT.decode(this.#bytes.subarray(start, Math.min(end, start + MAX_LINE))));
  }

  /** Parses one of this leaf's lines, without its line feed. Throws `bad-input`. */
  parse(line: string): SnapshotEntry {
    return this.#expect(line.length < MAX_LINE ? parseEntry(line, this.#hosts) : undefined, line);
  }

  /** Parses what a listing shows of one of this leaf's lines, as {@link parseListed}. Throws `bad-input`. */
  parseListed = (line: string): ListedFields =>
    this.#expect(line.length < MAX_LINE ? parseListed(line) : undefined, line);

  #expect<T>(entry: T | undefined, line: string): T {
    if (entry) return entry;
    const where = leafPath(this.#reference.sha256);
    throw new MirrorError('bad-input', `${where} has a line that is not an entry.`, {
      where,
      found: line.slice(0, 200),
    });
  }

  #unlikeRoot(): MirrorError {
    const where = leafPath(this.#reference.sha256);
    return new MirrorError('bad-input', `${where} is not the leaf that the root describes.`, { where });
  }
}

/** Throws if a leaf continues into the range of the next: no lookup would find those names, although they are signed. */
function expectBefore(found: string, next: LeafReference | undefined, where: string): void {
  if (next === undefined || found < next.first) return;
  const details = { where, expected: `names before ${next.first}`, found };
  throw new MirrorError('bad-input', `${where} lists names that belong in the leaf after it.`, details);
}

/** Returns true if the name of the line at `start` sorts before `name`, whatever text that is. */
function isBefore(bytes: Uint8Array, start: number, name: Uint8Array): boolean {
  for (const [at, wanted] of name.entries()) {
    const found = bytes[start + at] ?? TAB;
    if (found === TAB) return true;
    if (found !== wanted) return found < wanted;
  }
  return false;
}

/** Returns the number of files that the entries list, and their bytes as far as they are known. */
export function totalsOf(entries: readonly SnapshotEntry[]): { files: number; bytes: number } {
  const own = entries.filter(isOwnFile);
  return { files: own.length, bytes: own.reduce((sum, { size = 0 }) => sum + size, 0) };
}
