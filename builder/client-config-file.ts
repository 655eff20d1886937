import { lstat } from 'node:fs/promises';
import { MirrorError } from '../format/errors.ts';
import { ifPresent, writeFileAtomic } from './directory/write.ts';

/** Only the owner reads and writes. */
const SECRET = 0o600;
const USUAL = 0o644;
const PERMISSIONS = 0o777;

/**
 * Writes a client's configuration, in place of an older one. With a token only its owner can read it, at every moment and
 * whatever the older file allowed. Throws `refused` for a path at which there is something other than a file.
 */
export async function writeClientConfig(path: string, text: string, hasToken: boolean): Promise<void> {
  const found = await ifPresent(lstat(path));
  if (found && !found.isFile()) {
    throw new MirrorError('refused', `${path} is not a file: nothing was written.`, { where: path });
  }
  const mode = found ? found.mode & PERMISSIONS : USUAL;
  await writeFileAtomic(path, text.endsWith('\n') ? text : `${text}\n`, hasToken ? SECRET : mode);
}
