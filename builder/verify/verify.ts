import { realpath } from 'node:fs/promises';
import { messageOf } from '../../format/errors.ts';
import type { Depth, VerifyReport } from '../../format/verify/report.ts';
import type { MirrorUrl } from './mirror-url.ts';
import type { VerifyOptions } from './run-walk.ts';
import { rememberVersion, seenVersion } from './seen.ts';
import { verifyDirectory } from './verify-directory.ts';
import { type Elsewhere, verifyUrl } from './verify-url.ts';

/** How a mirror is verified and remembered. */
export interface VerifyPlaceOptions extends Omit<VerifyOptions, 'lastSeen'> {
  /** How files at a URL are checked. Those in a folder are always read. */
  depth: Depth;
  /** Maximum number of concurrent requests to a URL. */
  jobs: number;
  /** Accept an older version than one that was verified before. */
  allowOlder: boolean;
  /** Folder that keeps the versions that were verified. */
  stateFolder: string;
}

/** A report, with remarks that are not faults of the mirror. */
export type PlaceReport = VerifyReport & { unlisted?: string[]; elsewhere?: Elsewhere[] };

/**
 * Verifies the mirror in a folder or at a URL. Notices a version older than one that was verified before, and remembers
 * this one. Throws as {@link verifyDirectory} and {@link verifyUrl}.
 */
export async function verifyPlace(
  place: string | MirrorUrl,
  { allowOlder, stateFolder, ...rest }: VerifyPlaceOptions,
): Promise<PlaceReport> {
  const name = typeof place === 'string' ? await realPath(place) : place.base;
  const lastSeen = await seenVersion(stateFolder, name);
  const options = { ...rest, lastSeen: allowOlder ? undefined : lastSeen };
  const report: PlaceReport =
    typeof place === 'string'
      ? await verifyDirectory(place, options)
      : await verifyUrl({ ...options, mirror: place });
  // Even if other checks failed, a trusted key has signed this version.
  await rememberVersion(stateFolder, name, report.snapshot?.version ?? 0).catch((error: unknown) => {
    rest.reporter.warn(`The version that was verified could not be saved: ${messageOf(error)}`);
  });
  return report;
}

/** Returns the path of a folder without links. A folder that does not exist keeps the name that was given. */
const realPath = (directory: string): Promise<string> => realpath(directory).catch(() => directory);
