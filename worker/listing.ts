import type { FolderView, ListedName, Listing } from '../pages/folder.ts';
import { type AskedPart, type Child, FolderWalk, type Listed, snapshotFiles } from './folder-walk.ts';
import type { LiveSnapshot } from './live-snapshot.ts';
import { blameStorage, blamingStorage } from './storage-check.ts';

/** Where a part ends. */
export interface ListingLimits {
  /** Names. */
  entries: number;
  /** Leaves looked at: each may cost a storage operation. */
  leaves: number;
}

/**
 * Lists a part of the names directly in a folder of the signed snapshot; `undefined` when the folder has none. Subfolders
 * are skipped by search. With a filter, the parts before and after this one begin where the walk ended, so that no name is skipped
 * between two parts. Throws as {@link LiveSnapshot.find}.
 */
export async function listFolder(
  live: LiveSnapshot,
  folder: string,
  asked: AskedPart,
  limits: ListingLimits,
  now: Date,
): Promise<Listing | undefined> {
  const isBackward = asked.before !== undefined;
  const walk = new FolderWalk(live, folder, asked, now);
  for (let leaves = 0; leaves < limits.leaves && !walk.isDone; leaves++) {
    if (walk.found.length > limits.entries) break;
    await walk.step(limits.entries + 1).catch(blameStorage);
  }
  const isFirst = asked.after === undefined && !isBackward;
  if (walk.last === undefined && (isFirst || !(await isFolder(live, folder.slice(0, -1))))) return undefined;
  return { folder, isFirst, ...partOf(walk, asked, limits.entries) };
}

/** Returns what is shown of what was found, and the names at which the parts beside it begin. */
function partOf(
  walk: FolderWalk,
  { after, before }: AskedPart,
  most: number,
): Pick<Listing, 'entries' | 'previous' | 'next'> {
  const { found } = walk;
  const isBackward = before !== undefined;
  const shown = isBackward ? found.slice(-most) : found.slice(0, most);
  const isCut = shown.length < found.length;
  const isMore = isCut || !walk.isDone;
  const [first, last] = [shown.at(0)?.name, shown.at(-1)?.name];
  const entries = blamingStorage(() => shown.map(listedName));
  if (isBackward)
    return { entries, previous: isMore ? (isCut ? first : walk.first) : undefined, next: last ?? walk.last };
  return {
    entries,
    previous: after === undefined ? undefined : (first ?? walk.first ?? after),
    next: isMore ? (isCut ? last : walk.last) : undefined,
  };
}

/** Returns names in the order that a view asks for. What has no size or time comes last. */
export function sorted(entries: ListedName[], { sort, isDescending }: FolderView): ListedName[] {
  if (sort === 'name') return isDescending ? entries.toReversed() : entries;
  const keyOf = (entry: ListedName) => (entry.type === 'file' ? entry[sort] : undefined);
  const sign = isDescending ? -1 : 1;
  return entries.toSorted((one, other) => {
    const [a, b] = [keyOf(one), keyOf(other)];
    if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
    return a < b ? -sign : a > b ? sign : 0;
  });
}

/** Returns whether a path without a slash at its end is that of a folder; the empty one is that of the top. */
export async function isFolder(live: LiveSnapshot, path: string): Promise<boolean> {
  if (path === '') return true;
  const isIn = ({ name }: Listed): boolean => name.startsWith(`${path}/`);
  const entry = await live.from(`${path}/`);
  return (entry !== undefined && isIn(entry)) || snapshotFiles(live).some(isIn);
}

function listedName({ name, entry }: Child): ListedName {
  if (name.endsWith('/')) return { name, type: 'folder' };
  const { size, modified, sha256 } = entry();
  return {
    ...{ name, type: 'file', modified: new Date(modified * 1000).toISOString() },
    ...(size === undefined ? {} : { size }),
    ...(sha256 === undefined ? {} : { sha256 }),
  };
}
