import { MANIFEST, PACKAGE_LIST } from '../../format/layout.ts';
import { parseManifest } from '../../format/manifest.ts';
import { parsePackageList } from '../../format/package-list.ts';
import { isOwnFile, type SnapshotEntry } from '../../format/snapshot/entry.ts';
import { type PackageState, packagesIn } from '../plan/changes.ts';
import type { Bucket } from './bucket.ts';
import { readListed } from './snapshots.ts';

/** Returns true for the files that a snapshot has itself, not for those that it keeps for clients of earlier ones. */
export const isContent = (entry: SnapshotEntry): boolean => isOwnFile(entry) && entry.until === undefined;

/** Returns the packages that a snapshot has with their files. Throws as {@link readListed}, or `bad-input`. */
export const packagesOf = async (bucket: Bucket, files: readonly SnapshotEntry[]): Promise<PackageState[]> =>
  packagesIn(
    parsePackageList(await readListed(bucket, files, PACKAGE_LIST)),
    parseManifest(await readListed(bucket, files, MANIFEST)),
  );
