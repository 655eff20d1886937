import { leafPath, ROOT, signaturePath } from '../format/layout.ts';
import { byName, type SnapshotEntry } from '../format/snapshot/entry.ts';
import { leafIndex } from '../format/snapshot/lookup.ts';
import type { LiveSnapshot } from './live-snapshot.ts';

/** A name in a folder. */
export type ListedName = ListedFile | { name: string; type: 'folder' };

export interface ListedFile {
  name: string;
  type: 'file';
  /** Bytes. */
  size: number;
  /** RFC 3339. */
  modified: string;
  /** Hex; not known of the root's signature. */
  sha256?: string;
}

/** A part of a folder, sorted by name. */
export interface Listing {
  /** Without a leading slash, with one at the end; empty for the top. */
  folder: string;
  entries: ListedName[];
  /** The last name of this part, to go on after; `undefined` when there is no more. */
  next: string | undefined;
}

/** Where a part ends. */
export interface ListingLimits {
  /** Names. */
  entries: number;
  /** Leaves looked at: each may cost a storage operation. */
  leaves: number;
}

/**
 * What the signed snapshot has directly in a folder, after the name `after`; `undefined` for a folder without anything.
 * Subfolders are skipped over by search.
 */
export async function listFolder(
  live: LiveSnapshot,
  folder: string,
  limits: ListingLimits,
  after = '',
): Promise<Listing | undefined> {
  const first = firstAtOrAfter(live);
  const leaves = new Set<number>();
  const entries: ListedName[] = [];
  let from = folder + (after === '' ? '' : beyond(after));
  while (entries.length < limits.entries && leaves.size < limits.leaves) {
    leaves.add(leafIndex(live.snapshot, from));
    const entry = await first(from);
    if (!entry?.name.startsWith(folder)) return ended(folder, entries, after);
    const name = nameIn(folder, entry);
    entries.push(name);
    from = folder + beyond(name.name);
  }
  return { folder, entries, next: entries.at(-1)?.name };
}

/** True when a path is that of a folder, but for the slash at its end. */
export async function isFolder(live: LiveSnapshot, path: string): Promise<boolean> {
  const entry = await firstAtOrAfter(live)(`${path}/`);
  return entry?.name.startsWith(`${path}/`) === true;
}

/** Looks a name up among the listed files and the snapshot's own. */
function firstAtOrAfter(live: LiveSnapshot): (name: string) => Promise<Listed | undefined> {
  const own = snapshotFiles(live);
  return async (from) =>
    firstOf(
      await live.from(from),
      own.find(({ name }) => name >= from),
    );
}

const ended = (folder: string, entries: ListedName[], after: string): Listing | undefined =>
  entries.length === 0 && after === '' ? undefined : { folder, entries, next: undefined };

/** Sorts after a name and all that lies in it: `0` is the character after the slash. */
const beyond = (name: string): string => (name.endsWith('/') ? `${name.slice(0, -1)}0` : `${name}\0`);

function nameIn(folder: string, entry: Listed): ListedName {
  const rest = entry.name.slice(folder.length);
  const slash = rest.indexOf('/');
  if (slash >= 0) return { name: rest.slice(0, slash + 1), type: 'folder' };
  const { size, modified, sha256 } = entry;
  return {
    name: rest,
    type: 'file',
    size,
    modified: new Date(modified * 1000).toISOString(),
    ...(sha256 === undefined ? {} : { sha256 }),
  };
}

type Listed = Pick<SnapshotEntry, 'name' | 'size' | 'modified'> & { sha256?: string };

/** The snapshot's own documents, which no leaf lists, sorted by name. */
function snapshotFiles({ signed, snapshot, sha256 }: LiveSnapshot): Listed[] {
  const modified = Math.floor(Date.parse(snapshot.created_at) / 1000);
  return [
    { name: ROOT, size: signed.root.length, modified, sha256 },
    { name: signaturePath(ROOT), size: signed.signature.length, modified },
    ...snapshot.leaves.map((leaf) => ({
      name: leafPath(leaf.sha256),
      size: leaf.size,
      modified,
      sha256: leaf.sha256,
    })),
  ].sort(byName);
}

function firstOf(a: Listed | undefined, b: Listed | undefined): Listed | undefined {
  if (!a || !b) return a ?? b;
  return byName(a, b) <= 0 ? a : b;
}
