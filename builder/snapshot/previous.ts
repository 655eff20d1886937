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
 * signed next. So a damaged root counts for nothing, and of a mirror that is damaged elsewhere only its id and version
 * remain, because versions must not fall; of a damaged policy.json only the decisions are lost. All are reported as warnings.
 * Throws `refused` for a mirror of another key, and
 * for a link or a special file in the place of one of its files.
 */
export async function readPrevious(
  directory: string,
  trusted: readonly PublicKey[],
  reporter: Reporter,
): Promise<SignedMirror | undefined> {
  if (!(await isPresent(localPath(directory, ROOT)))) return undefined;
  const warn = (error: unknown): void => {
    // A link is never replaced by what is made: somebody has to look at it.
    if (!(error instanceof MirrorError) || error.code === 'refused') throw error;
    reporter.warn(
      `The mirror in ${directory} cannot be continued and is made from scratch: ${error.message}`,
    );
  };
  let snapshot: Root;
  try {
    snapshot = await openSignedRoot(directory, trusted);
  } catch (error) {
    if (error instanceof MirrorError && error.code === 'refused') throw error;
    warn(error);
    return undefined;
  }
  try {
    return await readSignedMirror(directory, snapshot, ({ message }) =>
      reporter.warn(`The ages of versions that wait in ${directory} count from now on: ${message}`),
    );
  } catch (error) {
    warn(error);
    return new SignedMirror(directory, snapshot);
  }
}
