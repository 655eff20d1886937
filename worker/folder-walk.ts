import { leafPath, ROOT, signaturePath } from '../format/layout.ts';
import { byName, isOffered, type ListedFields } from '../format/snapshot/entry.ts';
import type { Leaf } from '../format/snapshot/leaf.ts';
import { justAfter, leafIndex } from '../format/snapshot/lookup.ts';
import type { LiveSnapshot } from './live-snapshot.ts';

/** Which part of a folder is asked for: by default the first. */
export interface AskedPart {
  /** It begins after this name. */
  after?: string | undefined;
  /** It ends before this name. */
  before?: string | undefined;
  /** It has only names that contain this text, in any case. */
  filter?: string | undefined;
}

/** What a listing shows of a file. The root's signature has no checksum. */
export type Listed = Omit<ListedFields, 'sha256'> & { sha256?: string };

/** A name directly in a folder. Its entry is parsed only if it is shown. */
export interface Child {
  name: string;
  entry: () => Listed;
}

/** The names from `from` up to `to`, both whole paths. */
export interface NameRange {
  from: string;
  to: string;
}

/** Sorts after every name. */
const END = '\u{10ffff}';

/** Returns text that sorts after a name and everything in it: `0` is the character after the slash. */
const beyond = (name: string): string => (name.endsWith('/') ? `${name.slice(0, -1)}0` : justAfter(name));

/** Returns the range of everything in a folder. All names are ASCII, so the order of texts is that of their bytes. */
export const rangeOf = (folder: string): NameRange => ({
  from: folder,
  to: folder === '' ? END : beyond(folder),
});

/** Goes through the names directly in a folder, a leaf a step: forward, or backward from a name. */
export class FolderWalk {
  /** What was found that matches, sorted. */
  readonly found: Child[] = [];
  /** The first and the last name that were looked at, whether they match or not. */
  first: string | undefined;
  last: string | undefined;
  readonly #live: LiveSnapshot;
  readonly #folder: string;
  readonly #filter: string;
  readonly #isBackward: boolean;
  readonly #now: Date;
  /** Where nothing was looked at yet. */
  #rest: NameRange;

  constructor(live: LiveSnapshot, folder: string, { after, before, filter = '' }: AskedPart, now: Date) {
    const { from, to } = rangeOf(folder);
    this.#live = live;
    this.#folder = folder;
    this.#filter = filter.toLowerCase();
    this.#isBackward = before !== undefined;
    this.#now = now;
    this.#rest = {
      from: after === undefined ? from : folder + beyond(after),
      to: before === undefined ? to : folder + before,
    };
  }

  get isDone(): boolean {
    return this.#rest.from >= this.#rest.to;
  }

  /** Looks at the next leaf, or at its part with the next `most` names if all names match. */
  async step(most: number): Promise<void> {
    const { leaves } = this.#live.snapshot;
    const { from, to } = this.#rest;
    const at = this.#isBackward ? leafBefore(this.#live, to) : leafIndex({ leaves }, from);
    const range = {
      from: later(from, leaves[at]?.first ?? ''),
      to: earlier(to, leaves[at + 1]?.first ?? END),
    };
    const isAll = !this.#isBackward && this.#filter === '';
    const children = this.#childrenIn(await this.#live.leaf(at), range, isAll ? most : undefined);
    const matching = children.filter(({ name }) => name.toLowerCase().includes(this.#filter));
    if (this.#isBackward) this.found.unshift(...matching);
    else this.found.push(...matching);
    const last = children.at(-1)?.name ?? '';
    const isCut = isAll && children.length >= most;
    this.#leave(isCut ? { ...range, to: this.#folder + beyond(last) } : range, children);
  }

  /** Goes on beyond a range, and by search beyond a subfolder that continues there. */
  #leave({ from, to }: NameRange, children: readonly Child[]): void {
    const [first, last] = [children.at(0)?.name, children.at(-1)?.name];
    this.#note(first, last);
    const rest = this.#rest;
    if (this.#isBackward) this.#rest = { ...rest, to: first ? earlier(from, this.#folder + first) : from };
    else this.#rest = { ...rest, from: last ? later(to, this.#folder + beyond(last)) : to };
  }

  /** Notes how far the walk got. */
  #note(first: string | undefined, last: string | undefined): void {
    if (this.#isBackward) {
      this.first = first ?? this.first;
      this.last ??= last;
    } else {
      this.first ??= first;
      this.last = last ?? this.last;
    }
  }

  #childrenIn(leaf: Leaf | undefined, range: NameRange, most = Number.POSITIVE_INFINITY): Child[] {
    const own = ownChildren(this.#live, range, this.#folder);
    const listed = leaf ? childrenOf(leaf, range, this.#folder, this.#now, most) : [];
    return own.length === 0 ? listed : [...listed, ...own].sort(byName).slice(0, most);
  }
}

/** Returns the index of the leaf that has the names just before one. */
function leafBefore({ snapshot: { leaves } }: LiveSnapshot, name: string): number {
  const at = leafIndex({ leaves }, name);
  return leaves[at]?.first === name ? at - 1 : at;
}

/** Returns the first `most` names in a folder that a leaf lists in a range and that are still offered. */
function childrenOf(leaf: Leaf, { from, to }: NameRange, folder: string, now: Date, most: number): Child[] {
  const found: Child[] = [];
  const text = leaf.between(from, to);
  for (let start = 0, end = 0; start < text.length && found.length < most; start = end + 1) {
    end = text.indexOf('\n', start);
    const tab = text.indexOf('\t', start);
    const slash = text.indexOf('/', start + folder.length);
    const isFile = slash < 0 || slash > tab;
    const name = text.slice(start + folder.length, isFile ? tab : slash + 1);
    if (!isFile && name === found.at(-1)?.name) continue;
    const line = text.slice(start, end);
    if (line.includes('\tuntil=') && !isOffered(leaf.parse(line), now)) continue;
    found.push({ name, entry: () => leaf.parseListed(line) });
  }
  return found;
}

/** Returns the names in a folder of the snapshot's own documents, which no leaf lists. */
function ownChildren(live: LiveSnapshot, { from, to }: NameRange, folder: string): Child[] {
  const isHere = from < beyond(SNAPSHOT) && to > SNAPSHOT;
  const own = isHere ? snapshotFiles(live).filter(({ name }) => name >= from && name < to) : [];
  const children = own.map((entry) => {
    const rest = entry.name.slice(folder.length);
    return { name: rest.slice(0, rest.indexOf('/') + 1) || rest, entry: () => entry };
  });
  return children.filter(({ name }, at) => name !== children[at - 1]?.name);
}

/** Returns the snapshot's own documents, sorted by name. */
export function snapshotFiles({ signed, snapshot, sha256 }: LiveSnapshot): Listed[] {
  const modified = Math.floor(Date.parse(snapshot.created_at) / 1000);
  return [
    { name: ROOT, size: signed.root.length, modified, sha256 },
    { name: signaturePath(ROOT), size: signed.signature.length, modified },
    ...snapshot.leaves.map(({ sha256, size }) => ({ name: leafPath(sha256), size, modified, sha256 })),
  ].sort(byName);
}

/** The folder of the snapshot's own documents. */
const SNAPSHOT = ROOT.slice(0, ROOT.lastIndexOf('/') + 1);

const earlier = (a: string, b: string): string => (a < b ? a : b);
const later = (a: string, b: string): string => (a > b ? a : b);
