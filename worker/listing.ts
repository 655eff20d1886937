import { leafPath, ROOT, signaturePath } from '../format/layout.ts';
import { byName, type SnapshotEntry } from '../format/snapshot/entry.ts';
import { justAfter, leafIndex } from '../format/snapshot/lookup.ts';
import type { LiveSnapshot } from './live-snapshot.ts';

/** A name in a folder. A folder's name ends in a slash. */
export type ListedName = ListedFile | { name: string; type: 'folder' };

export interface ListedFile {
  name: string;
  type: 'file';
  /** Bytes; unknown for some files on demand. */
  size?: number;
  /** RFC 3339. */
  modified: string;
  /** Hex; unknown for the root's signature. */
  sha256?: string;
}

/** A part of a folder, sorted by name. */
export interface Listing {
  /** Without a leading slash, with one at the end; empty for the top. */
  folder: string;
  entries: ListedName[];
  /** The last name of this part, to continue after; `undefined` at the end. */
  next: string | undefined;
}

/** Where a part ends. */
export interface ListingLimits {
  /** Names. */
  entries: number;
  /** Leaves looked at: each may cost a storage operation. */
  leaves: number;
}

/** What a listing needs of an entry. */
type Listed = Pick<SnapshotEntry, 'name' | 'size' | 'modified'> & { sha256?: string };

/**
 * Lists the names directly in a folder of the signed snapshot, after the name `after`; `undefined` when the folder has
 * none. Subfolders are skipped by search.
 */
export async function listFolder(
  live: LiveSnapshot,
  folder: string,
  limits: ListingLimits,
  after = '',
): Promise<Listing | undefined> {
  const names = new Names(live);
  const leaves = new Set<number>();
  const entries: ListedName[] = [];
  let from = folder + (after === '' ? '' : beyond(after));
  while (entries.length < limits.entries && leaves.size < limits.leaves) {
    const entry = await names.firstFrom(from);
    // Those between have nothing that is still offered.
    const last = leafIndex(live.snapshot, entry?.name ?? from);
    for (let leaf = leafIndex(live.snapshot, from); leaf <= last; leaf++) leaves.add(leaf);
    if (!entry?.name.startsWith(folder)) {
      return entries.length === 0 && after === '' ? undefined : { folder, entries, next: undefined };
    }
    const name = nameIn(folder, entry);
    entries.push(name);
    from = folder + beyond(name.name);
  }
  return { folder, entries, next: entries.at(-1)?.name };
}

/** Returns whether a path without a slash at its end is that of a folder. */
export async function isFolder(live: LiveSnapshot, path: string): Promise<boolean> {
  const entry = await new Names(live).firstFrom(`${path}/`);
  return entry?.name.startsWith(`${path}/`) === true;
}

/** The listed files and the snapshot's own. A name is searched for unless it follows the last one that was found. */
class Names {
  readonly #live: LiveSnapshot;
  readonly #own: Listed[];
  #rest: AsyncGenerator<SnapshotEntry, undefined> | undefined;
  /** Where `#rest` continues. */
  #at: string | undefined;

  constructor(live: LiveSnapshot) {
    this.#live = live;
    this.#own = snapshotFiles(live);
  }

  /** Returns the first name at or after one. */
  async firstFrom(from: string): Promise<Listed | undefined> {
    if (!this.#rest || this.#at !== from) this.#rest = this.#live.entries(from);
    const { value: listed } = await this.#rest.next();
    this.#at = listed && justAfter(listed.name);
    const found = [listed, this.#own.find(({ name }) => name >= from)];
    return found.filter((entry) => entry !== undefined).sort(byName)[0];
  }
}

/** Returns text that sorts after a name and everything in it: `0` is the character after the slash. */
const beyond = (name: string): string => (name.endsWith('/') ? `${name.slice(0, -1)}0` : justAfter(name));

function nameIn(folder: string, { name, size, modified, sha256 }: Listed): ListedName {
  const rest = name.slice(folder.length);
  const slash = rest.indexOf('/');
  if (slash >= 0) return { name: rest.slice(0, slash + 1), type: 'folder' };
  const time = new Date(modified * 1000).toISOString();
  return {
    ...{ name: rest, type: 'file', modified: time },
    ...(size === undefined ? {} : { size }),
    ...(sha256 === undefined ? {} : { sha256 }),
  };
}

/** Returns the snapshot's own documents, which no leaf lists, sorted by name. */
function snapshotFiles({ signed, snapshot, sha256 }: LiveSnapshot): Listed[] {
  const modified = Math.floor(Date.parse(snapshot.created_at) / 1000);
  return [
    { name: ROOT, size: signed.root.length, modified, sha256 },
    { name: signaturePath(ROOT), size: signed.signature.length, modified },
    ...snapshot.leaves.map(({ sha256, size }) => ({ name: leafPath(sha256), size, modified, sha256 })),
  ].sort(byName);
}
