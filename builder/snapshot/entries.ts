import { GRACE_PERIOD } from '../../format/grace-period.ts';
import { blobName, hasContentAddress } from '../../format/layout.ts';
import { byName, isOwnFile, type SnapshotEntry } from '../../format/snapshot/entry.ts';
import type { FileContent } from './stage.ts';

/**
 * Returns the entries of a snapshot: each file, each superseded file of the previous snapshot until its grace period ends,
 * and a content address for each distinct content of both (docs/format.md section 4). `now` is in Unix seconds.
 */
export function snapshotEntries(
  files: ReadonlyMap<string, FileContent>,
  previous: readonly SnapshotEntry[],
  now: number,
): SnapshotEntry[] {
  const before = new Map(previous.map((entry) => [entry.name, entry]));
  const modifiedOf = (name: string, sha256: string): number => {
    const old = before.get(name);
    return old?.sha256 === sha256 ? old.modified : now;
  };
  const current = [...files].map(([name, content]): SnapshotEntry => {
    return { ...content, name, modified: modifiedOf(name, content.sha256) };
  });
  const superseded = previous
    .filter((entry) => isContentFile(entry) && !files.has(entry.name))
    .map((entry) => ({ ...entry, until: entry.until ?? now + GRACE_PERIOD }))
    .filter(({ until }) => until > now);
  const own = [...current, ...superseded];
  const addresses = new Map<string, SnapshotEntry>();
  for (const file of own.filter(isContentFile).sort(byPreference)) {
    const name = blobName(file.sha256);
    if (addresses.has(name)) continue;
    addresses.set(name, { ...file, name, modified: modifiedOf(name, file.sha256), path: file.name });
  }
  return [...own, ...addresses.values()];
}

/** Returns true for a file that clients fetch by content. */
export const isContentFile = (entry: SnapshotEntry): boolean =>
  isOwnFile(entry) && hasContentAddress(entry.name);

/** Compares files of the same content: a content address leads to the first. */
const byPreference = (a: SnapshotEntry, b: SnapshotEntry): number =>
  Number(a.until !== undefined) - Number(b.until !== undefined) ||
  (b.until ?? 0) - (a.until ?? 0) ||
  Number(a.source !== undefined) - Number(b.source !== undefined) ||
  byName(a, b);
