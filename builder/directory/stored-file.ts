import { MirrorError } from '../../format/errors.ts';
import type { StoredFile } from '../index/database.ts';
import type { PlannedFile } from '../plan/plan.ts';
import type { FileDigest } from './hash.ts';

/** Digests of the files that are there, by path. */
export type Digests = ReadonlyMap<string, FileDigest>;

/** Where a planned file stands in the mirror, once it was brought in. Throws `missing` when it was not. */
export function storedFile(
  { path, sha256 }: Pick<PlannedFile, 'path' | 'sha256'>,
  digests: Digests,
): StoredFile {
  const digest = digests.get(path);
  if (digest && (sha256 === undefined || sha256 === digest.sha256)) {
    return { path, sha256: digest.sha256, size: digest.size };
  }
  throw new MirrorError('missing', `${path} was planned but is not here.`, { where: path, expected: sha256 });
}

/** Bytes of some planned files. */
export const totalSize = (files: readonly PlannedFile[], digests: Digests): number =>
  files.reduce((sum, file) => sum + storedFile(file, digests).size, 0);
