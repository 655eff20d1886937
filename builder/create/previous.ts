import { sha256Hex } from '../../format/digest.ts';
import { MirrorError } from '../../format/errors.ts';
import { MANIFEST, ROOT } from '../../format/layout.ts';
import { type Manifest, parseManifest } from '../../format/manifest.ts';
import type { PublicKey } from '../../format/minisign/public-key.ts';
import type { SnapshotEntry } from '../../format/snapshot/entry.ts';
import { openRoot, type Root } from '../../format/snapshot/root.ts';
import { readLeaf, readMirrorFile, readSignedRoot } from '../directory/mirror.ts';
import { localPath } from '../directory/paths.ts';
import { isPresent } from '../directory/write.ts';
import type { Reporter } from '../reporter.ts';

/** What a new snapshot carries on from. */
export interface Previous {
  version: number;
  entries: SnapshotEntry[];
  /** Absent where it was damaged. */
  manifest: Manifest | undefined;
}

/**
 * The signed state of the mirror that stands in a directory, if there is one. Nothing unsigned may find its way into
 * what is signed next: a root by a key that is not trusted counts for nothing, and of a damaged mirror only its
 * version, which must not fall, remains. Both are told as warnings.
 */
export async function readPrevious(
  directory: string,
  trusted: readonly PublicKey[],
  reporter: Reporter,
): Promise<Previous | undefined> {
  if (!(await isPresent(localPath(directory, ROOT)))) return undefined;
  const afresh = (error: unknown): void => {
    if (!(error instanceof MirrorError)) throw error;
    reporter.warn(`The mirror in ${directory} cannot be carried on and is made afresh: ${error.message}`);
  };
  let snapshot: Root;
  try {
    ({ snapshot } = openRoot(await readSignedRoot(directory), trusted));
  } catch (error) {
    afresh(error);
    return undefined;
  }
  try {
    const leaves = await Promise.all(snapshot.leaves.map((leaf) => readLeaf(directory, leaf)));
    const entries = leaves.flat();
    return { version: snapshot.version, entries, manifest: await readListedManifest(directory, entries) };
  } catch (error) {
    afresh(error);
    return { version: snapshot.version, entries: [], manifest: undefined };
  }
}

async function readListedManifest(directory: string, entries: readonly SnapshotEntry[]): Promise<Manifest> {
  const bytes = await readMirrorFile(directory, MANIFEST);
  const expected = entries.find((entry) => entry.name === MANIFEST)?.sha256;
  const found = sha256Hex(bytes);
  if (found === expected) return parseManifest(bytes);
  throw new MirrorError('mismatch', `${MANIFEST} is not as signed.`, { where: MANIFEST, expected, found });
}
