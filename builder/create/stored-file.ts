import type { StoredFile } from '../database/database.ts';
import type { FileDigest } from '../directory/hash.ts';
import type { PlannedFile } from '../plan/plan.ts';

/** Where a planned file stands in the mirror. */
export function storedFile(
  { path, sha256 }: PlannedFile,
  digests: ReadonlyMap<string, FileDigest>,
): StoredFile {
  return { path, sha256, size: digests.get(path)?.size ?? 0 };
}

/** Bytes of the distinct files among some planned ones. */
export function totalSize(files: Iterable<PlannedFile>, digests: ReadonlyMap<string, FileDigest>): number {
  const paths = new Set([...files].map((file) => file.path));
  return [...paths].reduce((sum, path) => sum + (digests.get(path)?.size ?? 0), 0);
}
