import { MirrorError } from '../../format/errors.ts';
import { ROOT } from '../../format/layout.ts';
import type { PublicKey } from '../../format/minisign/public-key.ts';
import type { Root } from '../../format/snapshot/root.ts';
import { localPath } from '../directory/paths.ts';
import { isPresent } from '../directory/write.ts';
import type { Reporter } from '../reporter.ts';
import { openSignedRoot, readSignedMirror, SignedMirror } from './signed-mirror.ts';

/**
 * Returns the signed state of the mirror in a directory, if there is one. Nothing unsigned may become part of what is
 * signed next. So a root by a key that is not trusted counts for nothing, and of a damaged mirror only its id and version
 * remain, because versions must not fall. Both are reported as warnings.
 */
export async function readPrevious(
  directory: string,
  trusted: readonly PublicKey[],
  reporter: Reporter,
): Promise<SignedMirror | undefined> {
  if (!(await isPresent(localPath(directory, ROOT)))) return undefined;
  const warn = (error: unknown): void => {
    if (!(error instanceof MirrorError)) throw error;
    reporter.warn(
      `The mirror in ${directory} cannot be continued and is made from scratch: ${error.message}`,
    );
  };
  let snapshot: Root;
  try {
    snapshot = await openSignedRoot(directory, trusted);
  } catch (error) {
    warn(error);
    return undefined;
  }
  try {
    return await readSignedMirror(directory, snapshot);
  } catch (error) {
    warn(error);
    return new SignedMirror(directory, snapshot);
  }
}
