import { blobName, hasContentAddress } from '../../format/layout.ts';
import { filePathOf, type SnapshotEntry } from '../../format/snapshot/entry.ts';
import type { FileDigest } from '../directory/hash.ts';
import { GRACE_PERIOD } from './grace-period.ts';

/**
 * Returns the entries of a snapshot: a path for each file, a content address for files that clients fetch by content, and
 * the previous snapshot's content addresses until their grace period ends. `now` is in Unix seconds.
 */
export function snapshotEntries(
  files: ReadonlyMap<string, FileDigest>,
  previous: readonly SnapshotEntry[],
  now: number,
): SnapshotEntry[] {
  const before = new Map(previous.map((entry) => [entry.name, entry]));
  const entries = new Map<string, SnapshotEntry>();
  const add = (name: string, digest: FileDigest, path?: string): void => {
    const old = before.get(name);
    const modified = old?.sha256 === digest.sha256 ? old.modified : now;
    entries.set(name, { name, ...digest, modified, ...(path === undefined ? {} : { path }) });
  };
  const sorted = [...files].sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [path, digest] of sorted) {
    add(path, digest);
    const address = blobName(digest.sha256);
    if (hasContentAddress(path) && !entries.has(address)) add(address, digest, path);
  }
  for (const entry of previous) {
    const until = entry.until ?? now + GRACE_PERIOD;
    const replaced = files.get(filePathOf(entry));
    const isStillThere = replaced === undefined || replaced.sha256 === entry.sha256;
    if (entry.path !== undefined && !entries.has(entry.name) && until > now && isStillThere) {
      entries.set(entry.name, { ...entry, until });
    }
  }
  return [...entries.values()];
}
