import { MirrorError } from '../../format/errors.ts';
import type { StoredFile } from '../database/database.ts';
import type { FileDigest } from '../directory/hash.ts';
import type { PlannedFile } from '../plan/plan.ts';

/** Where a planned file stands in the mirror, once it was brought in. Throws `missing` when it was not. */
export function storedFile(
  { path, sha256 }: PlannedFile,
  digests: ReadonlyMap<string, FileDigest>,
): StoredFile {
  const digest = digests.get(path);
  if (digest?.sha256 === sha256) return { path, sha256, size: digest.size };
  throw new MirrorError('missing', `${path} was planned but is not here.`, { where: path, expected: sha256 });
}

/** Bytes of the distinct files among some planned ones. */
export function totalSize(files: Iterable<PlannedFile>, digests: ReadonlyMap<string, FileDigest>): number {
  const byPath = new Map([...files].map((file) => [file.path, file]));
  return [...byPath.values()].reduce((sum, file) => sum + storedFile(file, digests).size, 0);
}
